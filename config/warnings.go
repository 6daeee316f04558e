package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// exampleRanges are set aside for documentation (RFC 5737): nobody calls from them. The checked-in stacks have them
// where a person's own belong.
var exampleRanges = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
}

// Warnings are what is not wrong with the settings of platform eks, but wants care; now is the time for which they hold.
// Each names its key. There are none for other platforms.
func (s *Settings) Warnings(now time.Time) (all []string) {
	if s.Platform != PlatformEKS {
		return nil
	}
	if text := supportWarning(s.Cluster.Version, now); text != "" {
		all = append(all, text)
	}
	if n := examples(s.Cluster.PublicAccessCIDRs); n > 0 && n == len(s.Cluster.PublicAccessCIDRs) {
		all = append(all, fmt.Sprintf("%s:cluster.publicAccessCidrs has example ranges only (RFC 5737): nobody reaches the cluster from outside its network, pulumi neither; put your own in their place", Project))
	}
	if n := examples(s.Ingress.AllowedCIDRs); n > 0 && n == len(s.Ingress.AllowedCIDRs) {
		all = append(all, fmt.Sprintf("%s:ingress.allowedCidrs has example ranges only (RFC 5737): nobody calls from there; put your own in their place", Project))
	}
	return all
}

// examples counts the ranges that are within those for documentation.
func examples(cidrs []string) (n int) {
	for _, text := range cidrs {
		p, err := netip.ParsePrefix(text)
		if err == nil && slices.ContainsFunc(exampleRanges, func(r netip.Prefix) bool { return r.Contains(p.Addr()) && p.Bits() >= r.Bits() }) {
			n++
		}
	}
	return n
}
