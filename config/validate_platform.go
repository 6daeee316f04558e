package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// minorVersion is a Kubernetes version as EKS names it.
var minorVersion = regexp.MustCompile(`^1\.\d\d$`)

// instanceType is family and size, such as m6i.large.
var instanceType = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)

// logRetentions are the periods, in days, that CloudWatch Logs offers (PutRetentionPolicy).
var logRetentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (c *checker) nodes(s *Settings) {
	seen := map[string]bool{}
	for i, g := range s.NodeGroups {
		key := fmt.Sprintf("nodeGroups[%d].", i)
		c.label(key+"name", g.Name)
		if seen[g.Name] && g.Name != "" {
			c.failf(key+"name", "is %q, and so is an earlier group's; each needs a name of its own", g.Name)
		}
		seen[g.Name] = true
		if len(g.InstanceTypes) == 0 {
			c.failf(key+"instanceTypes", "is empty; name at least one EC2 instance type, such as m6i.large")
		}
		for n, name := range g.InstanceTypes {
			if !instanceType.MatchString(name) {
				c.failf(fmt.Sprintf("%sinstanceTypes[%d]", key, n), "is %q; it must be an EC2 instance type such as m6i.large", name)
			}
		}
		c.inRange(key+"min", g.Min, 0, 450) // 450: nodes of a managed node group (EKS service quotas)
		c.inRange(key+"max", g.Max, 1, 450)
		if g.Min > g.Max {
			c.failf(key+"min", "is %d, above max %d; min must be at most max", g.Min, g.Max)
		}
		c.inRange(key+"diskGiB", g.DiskGiB, 20, 16384) // 20: the AL2023 image; 16384: a gp3 volume's most
	}
	c.durationIn("autoscaler.scanInterval", s.Autoscaler.ScanInterval, time.Second, 10*time.Minute)
	c.durationIn("autoscaler.scaleDownUnneededTime", s.Autoscaler.ScaleDownUnneededTime, time.Second, 24*time.Hour)
	c.durationIn("autoscaler.scaleDownDelayAfterAdd", s.Autoscaler.ScaleDownDelayAfterAdd, time.Second, 24*time.Hour)
	c.durationIn("local.nodeBootTime", s.Local.NodeBootTime, 0, 30*time.Minute)
	c.durationIn("local.scalingSync", s.Local.ScalingSync, time.Second, 5*time.Minute)
	if !minorVersion.MatchString(s.Cluster.Version) {
		c.failf("cluster.version", "is %q; it must be major.minor, such as %q", s.Cluster.Version, Default().Cluster.Version)
	}
	if !slices.Contains(logRetentions, s.Cluster.LogRetentionDays) {
		c.failf("cluster.logRetentionDays", "is %d; CloudWatch Logs offers %s", s.Cluster.LogRetentionDays, strings.Trim(strings.ReplaceAll(fmt.Sprint(logRetentions), " ", ", "), "[]"))
	}
	for i, cidr := range s.Cluster.PublicAccessCIDRs {
		c.cidr(fmt.Sprintf("cluster.publicAccessCidrs[%d]", i), cidr)
	}
	for i, arn := range s.Cluster.Administrators {
		if !strings.HasPrefix(arn, "arn:aws") || !strings.Contains(arn, ":iam::") {
			c.failf(fmt.Sprintf("cluster.administrators[%d]", i), "is %q; it must be the ARN of an IAM role or user", arn)
		}
	}
	c.inRange("network.zones", s.Network.Zones, 2, 3)
	c.cidr("network.cidr", s.Network.CIDR)
	if p, err := netip.ParsePrefix(s.Network.CIDR); err == nil && (!p.Addr().Is4() || !p.Addr().IsPrivate() || p.Bits() < 16 || p.Bits() > 20) {
		c.failf("network.cidr", "is %s; it must be private IPv4 (RFC 1918), from /16 to /20", s.Network.CIDR)
	}
}
