package report

import (
	"net/netip"
	"slices"
	"strings"

	"tfserving/preview"
)

// everybody are the ranges that contain every address.
var everybody = []string{"0.0.0.0/0", "::/0"}

const (
	albPrefix = "alb.ingress.kubernetes.io/"
	nlbPrefix = "service.beta.kubernetes.io/aws-load-balancer-"
)

// door is a way in (or, of a NetworkPolicy, out) and whom it lets through.
type door struct {
	of   string // what is entered
	open bool   // there is a way at all
	// from are ranges of addresses, or texts that stand for a set of callers; none means that whoever is in reach may.
	from []string
}

// doorsOf are the doors of a resource as it is before or after.
func doorsOf(typ string, s *preview.State) []door {
	if s == nil {
		return nil
	}
	in := s.Inputs
	switch typ {
	case "aws:eks/cluster:Cluster":
		public, said := get(in, "vpcConfig", "endpointPublicAccess").(bool)
		return []door{{"the public Kubernetes endpoint", public || !said, strs(get(in, "vpcConfig", "publicAccessCidrs"))}}
	case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
		return []door{securityGroup(in, "cidrIpv4", "cidrIpv6")}
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		if in["type"] == "ingress" {
			return []door{securityGroup(in, "cidrBlocks", "ipv6CidrBlocks")}
		}
	case "aws:ec2/securityGroup:SecurityGroup":
		return []door{securityGroup(in["ingress"], "cidrBlocks", "ipv6CidrBlocks")}
	case "kubernetes:networking.k8s.io/v1:Ingress":
		return balancer(get(in, "metadata", "annotations"), albPrefix+"scheme", strs(get(in, "metadata", "annotations", albPrefix+"inbound-cidrs")))
	case "kubernetes:core/v1:Service":
		if get(in, "spec", "type") == "LoadBalancer" {
			return balancer(get(in, "metadata", "annotations"), nlbPrefix+"scheme", strs(get(in, "spec", "loadBalancerSourceRanges")))
		}
	case "kubernetes:networking.k8s.io/v1:NetworkPolicy":
		return []door{peers(in, "ingress", "from"), peers(in, "egress", "to")}
	}
	return nil
}

// securityGroup is the door of a rule, or of a list of them. A rule without addresses is for other groups alone.
func securityGroup(rules any, keys ...string) door {
	d := door{of: "the security group"}
	all, several := rules.([]any)
	if !several {
		all = []any{rules}
	}
	for _, r := range all {
		for _, key := range keys {
			d.from = append(d.from, strs(get(r, key))...)
		}
	}
	d.open = len(d.from) > 0
	return d
}

// balancer is two doors: the internet's, if there is one, and that of the network that it stands in.
func balancer(annotations any, scheme string, from []string) []door {
	public := get(annotations, scheme) == "internet-facing"
	return []door{{"the load balancer from the internet", public, from}, {"the load balancer", true, from}}
}

// peers are whom a NetworkPolicy lets in, or out to, by address.
func peers(in map[string]any, direction, side string) door {
	d := door{of: direction + " of the pods"}
	for _, r := range items(get(in, "spec", direction)) {
		for _, p := range items(get(r, side)) {
			if cidr := strs(get(p, "ipBlock", "cidr")); len(cidr) > 0 {
				d.open, d.from = true, append(d.from, cidr...)
			}
		}
	}
	return d
}

// doors finds whom a step lets in that was kept out.
func doors(s preview.Step, about *plan) (found []line) {
	if s.Type == "kubernetes:networking.k8s.io/v1:NetworkPolicy" && s.Op == preview.OpDelete && !about.guardless(s) {
		return []line{say(went(s) + ": what it kept apart may talk, as far as no other policy forbids it")}
	}
	if s.New == nil || s.Op == preview.OpSame || s.Op == preview.OpRead {
		return nil
	}
	// In a namespace that is new there was nothing yet from which to be kept out. One whose name nobody knows yet is new.
	if s.Type == "kubernetes:networking.k8s.io/v1:NetworkPolicy" && s.Old == nil {
		if in := text(s.New, "metadata", "namespace"); about.made[in] || in == preview.Unknown {
			return nil
		}
	}
	before := doorsOf(s.Type, s.Old)
	for i, d := range doorsOf(s.Type, s.New) {
		was := door{}
		if i < len(before) {
			was = before[i]
		}
		// A new load balancer inside the network, open to the network: that is what it is for.
		if s.Old == nil && d.of == "the load balancer" || !d.open {
			continue
		}
		if l := opened(was, d); l != nil {
			found = append(found, l)
			if strings.HasPrefix(d.of, "the load balancer") {
				break // its second door says the same
			}
		}
	}
	return found
}

// opened says whom a door lets in that it did not; nil for nobody.
func opened(was, now door) line {
	switch {
	case slices.Contains(now.from, preview.Unknown):
		return say(now.of, " is opened to addresses that are ", value(unknownText))
	case len(now.from) == 0 && !was.open:
		return say(now.of, " is opened, to whoever reaches it")
	case len(now.from) == 0 && len(was.from) > 0:
		return say(now.of, " is opened to whoever reaches it; it was open to ", values(was.from), " alone")
	case len(now.from) == 0 || was.open && len(was.from) == 0:
		return nil
	}
	var added []string
	for _, cidr := range now.from {
		if !was.open || !contained(cidr, was.from) {
			added = append(added, cidr)
		}
	}
	if len(added) == 0 {
		return nil
	}
	if slices.ContainsFunc(added, func(c string) bool { return slices.Contains(everybody, c) }) {
		return say(now.of, " is opened to ", span{"everybody", broken}, ": ", values(added))
	}
	return say(now.of, " is opened to ", values(added))
}

// contained says whether a range lies within one of others. What is no range is only itself.
func contained(cidr string, others []string) bool {
	inner, err := netip.ParsePrefix(cidr)
	for _, other := range others {
		outer, otherErr := netip.ParsePrefix(other)
		if cidr == other || err == nil && otherErr == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr()) {
			return true
		}
	}
	return false
}

// strs are the strings of a property: a list, one, or several in one with commas between.
func strs(v any) (all []string) {
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	case []any:
		for _, e := range v {
			all = append(all, strs(e)...)
		}
	}
	return all
}
