package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"tfserving/catalog"
)

var (
	// minorVersion is a Kubernetes version as EKS names it.
	minorVersion = regexp.MustCompile(`^1\.\d\d$`)
	// administratorARN is an IAM role or user; a session of a role (sts) is none.
	administratorARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$`)
	// addonVersion is an EKS add-on's version.
	addonVersion = regexp.MustCompile(`^v\d+\.\d+\.\d+-eksbuild\.\d+$`)
)

// addons are the EKS add-ons that every cluster has.
var addons = []string{"vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "metrics-server"}

func (c *checker) cluster(cl *Cluster) {
	if !minorVersion.MatchString(cl.Version) {
		c.failf("cluster.version", "is %q; it must be major.minor, such as %q", cl.Version, Default().Cluster.Version)
	} else if _, known := catalog.FindRelease(cl.Version); !known {
		c.failf("cluster.version", "is %q, which EKS does not offer as far as is known here; known are %s", cl.Version, strings.Join(catalog.Versions(), ", "))
	}
	c.retention("cluster.logRetentionDays", cl.LogRetentionDays, "")
	for i, text := range cl.PublicAccessCIDRs {
		key := fmt.Sprintf("cluster.publicAccessCidrs[%d]", i)
		c.cidr(key, text)
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil || p.Masked() != p:
		case catalog.IsInternet(p) && !cl.AllowWorld:
			c.failf(key, "is %s: anybody could try to enter; name the ranges that administrators come from, or set cluster.allowWorld", text)
		case !p.Addr().Is4():
			c.failf(key, "is %s; the public endpoint of an IPv4 cluster is reached by IPv4 only", text)
		case !catalog.IsInternet(p) && (p.Addr().IsPrivate() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast()):
			c.failf(key, "is %s, from which nobody reaches a public endpoint; networks joined to the VPC use the private endpoint, which needs no setting", text)
		}
	}
	c.unique("cluster.publicAccessCidrs", cl.PublicAccessCIDRs)
	for i, arn := range cl.Administrators {
		if !administratorARN.MatchString(arn) {
			c.failf(fmt.Sprintf("cluster.administrators[%d]", i), "is %q; it must be the ARN of an IAM role or user", arn)
		}
	}
	c.unique("cluster.administrators", cl.Administrators)
	for name, version := range cl.AddonVersions {
		key := fmt.Sprintf("cluster.addonVersions[%s]", name)
		if !slices.Contains(addons, name) {
			c.failf(key, "is no add-on of this cluster; it has %s", suggest(name, slices.Clone(addons)))
		} else if !addonVersion.MatchString(version) {
			c.failf(key, "is %q; it must be a version such as v1.2.3-eksbuild.1", version)
		}
	}
}
