package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tfserving/catalog"
)

var (
	// minorVersion matches a Kubernetes version as EKS names it.
	minorVersion = regexp.MustCompile(`^1\.\d\d$`)
	// administratorARN matches an IAM role or user. It does not match a session of a role (sts).
	administratorARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$`)
	// addonVersion matches the version of an EKS add-on.
	addonVersion = regexp.MustCompile(`^v\d+\.\d+\.\d+-eksbuild\.\d+$`)
)

func (c *checker) cluster(cl *Cluster, now time.Time) {
	release, known := catalog.FindRelease(cl.Version)
	offered := strings.Join(catalog.Offered(now), ", ")
	switch {
	case !minorVersion.MatchString(cl.Version):
		c.failf("cluster.version", "is %q; it must be major.minor, such as %q", cl.Version, Default().Cluster.Version)
	case !known:
		c.failf("cluster.version", "is %q, which is not in this program's list of EKS versions: %s", cl.Version, offered)
	case !now.Before(release.ExtendedEnd()):
		c.failf("cluster.version", "is %q, whose extended support by EKS ended on %s: EKS creates no clusters of this version, and upgrades those that exist; set one of %s, and upgrade a cluster one minor version at a time", cl.Version, release.ExtendedSupport, offered)
	}
	c.nodeVersion(cl)
	for i, kind := range cl.LogTypes {
		c.oneOf(fmt.Sprintf("cluster.logTypes[%d]", i), kind, catalog.LogTypes())
	}
	c.unique("cluster.logTypes", cl.LogTypes)
	c.retention("cluster.logRetentionDays", cl.LogRetentionDays, "")
	for i, text := range cl.PublicAccessCIDRs {
		key := fmt.Sprintf("cluster.publicAccessCidrs[%d]", i)
		p, ok := c.cidr(key, text)
		switch addr := p.Addr(); {
		case !ok:
		case catalog.IsInternet(p) && !cl.AllowWorld:
			c.failf(key, "is %s, which opens the API endpoint to the internet; give the ranges of your administrators, or set cluster.allowWorld", text)
		case !addr.Is4():
			c.failf(key, "is %s; the public endpoint of an IPv4 cluster accepts IPv4 only", text)
		case !catalog.IsInternet(p) && (addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()):
			c.failf(key, "is %s, a private range, which cannot reach a public endpoint; remove it: networks connected to the VPC use the private endpoint, which is always open to them", text)
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
		if addons := catalog.AddonNames(); !slices.Contains(addons, name) {
			c.failf(key, "is not an add-on of this cluster; it has %s", suggest(name, addons))
		} else if !addonVersion.MatchString(version) {
			c.failf(key, "is %q; it must be a version such as v1.2.3-eksbuild.1", version)
		}
	}
}
