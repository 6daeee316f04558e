package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// exampleRanges are the ranges that are reserved for documentation (RFC 5737). No host on the internet has an address in
// them. The checked-in stacks have them where users put their own ranges.
var exampleRanges = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
}

// networkBalancerDrain is how long a Network Load Balancer still opens connections to a target that is being deregistered, whatever
// the target group's deregistration delay is (measured by users: aws-load-balancer-controller issue 2366, containers-roadmap
// issue 470).
const networkBalancerDrain = 2 * time.Minute

// Warnings lists settings that are valid but risky at the given time. Each warning begins with the setting's key.
func (s *Settings) Warnings(now time.Time) (all []string) {
	all = s.rolloutWarnings()
	if s.Platform != PlatformEKS {
		return all
	}
	if text := supportWarning(s.Cluster.Version, now); text != "" {
		all = append(all, text)
	}
	if n := countExamples(s.Cluster.PublicAccessCIDRs); n > 0 && n == len(s.Cluster.PublicAccessCIDRs) {
		all = append(all, fmt.Sprintf("%s:cluster.publicAccessCidrs has example ranges only (RFC 5737), so neither you nor pulumi can reach the cluster from outside its network; replace them with your own", Project))
	}
	if n := countExamples(s.Ingress.AllowedCIDRs); n > 0 && n == len(s.Ingress.AllowedCIDRs) {
		all = append(all, fmt.Sprintf("%s:ingress.allowedCidrs has example ranges only (RFC 5737), so nobody can call the gateway; replace them with your own", Project))
	}
	if s.Gateway.Service == ServiceLoadBalancer && s.Gateway.DrainTime < networkBalancerDrain {
		all = append(all, fmt.Sprintf("%s:gateway.drainTime is %s and gateway.service is LoadBalancer: a Network Load Balancer opens connections to a pod that ends for %s or longer, so callers lose requests whenever a pod ends; set at least %[3]s", Project, short(s.Gateway.DrainTime), short(networkBalancerDrain)))
	}
	if text := s.roomWarning(); text != "" {
		all = append(all, text)
	}
	return all
}

// countExamples counts the ranges that lie in exampleRanges.
func countExamples(cidrs []string) (n int) {
	for _, text := range cidrs {
		p, err := netip.ParsePrefix(text)
		if err == nil && slices.ContainsFunc(exampleRanges, func(r netip.Prefix) bool { return r.Contains(p.Addr()) && p.Bits() >= r.Bits() }) {
			n++
		}
	}
	return n
}
