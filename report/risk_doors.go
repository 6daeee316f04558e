package report

import (
	"strings"

	"tfserving/preview"
	"tfserving/resource"
)

const (
	albPrefix = "alb.ingress.kubernetes.io/"
	nlbPrefix = "service.beta.kubernetes.io/aws-load-balancer-"
)

// door is a way in (or, of a NetworkPolicy, out) and whom it lets through.
type door struct {
	of   string // what is entered
	open bool   // there is a way at all
	ways []way  // none means that whoever is in reach may
	// unguarded is set where the resource has nothing to say of it.
	unguarded bool
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
		return []door{{of: "the public Kubernetes endpoint", open: public || !said, ways: waysOf(strs(get(in, "vpcConfig", "publicAccessCidrs")))}}
	case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
		return []door{securityGroup(in, "cidrIpv4", "cidrIpv6", "prefixListId")}
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		if in["type"] == "ingress" {
			return []door{securityGroup(in, "cidrBlocks", "ipv6CidrBlocks", "prefixListIds")}
		}
	case "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
		return []door{securityGroup(in["ingress"], "cidrBlocks", "ipv6CidrBlocks", "prefixListIds")}
	case "kubernetes:networking.k8s.io/v1:Ingress":
		return balancer(get(in, "metadata", "annotations"), albPrefix+"scheme", strs(get(in, "metadata", "annotations", albPrefix+"inbound-cidrs")))
	case "kubernetes:core/v1:Service":
		if get(in, "spec", "type") == "LoadBalancer" {
			return balancer(get(in, "metadata", "annotations"), nlbPrefix+"scheme", strs(get(in, "spec", "loadBalancerSourceRanges")))
		}
	case networkPolicy:
		return guardedBy(in)
	}
	return nil
}

// securityGroup is the door of a rule, or of a list of them. A rule without addresses is for other groups alone. What is
// behind a list of prefixes is not known here: each is a caller of its own.
func securityGroup(rules any, keys ...string) door {
	d := door{of: "the security group"}
	all, several := rules.([]any)
	if !several {
		all = []any{rules}
	}
	for _, r := range all {
		if r == resource.Unknown {
			d.ways = append(d.ways, way{who: resource.Unknown})
		}
		for _, key := range keys {
			for _, who := range strs(get(r, key)) {
				d.ways = append(d.ways, way{who: who, by: portsOf(r)})
			}
		}
	}
	d.open = len(d.ways) > 0
	return d
}

// balancer is two doors: the internet's, if there is one, and that of the network that it stands in.
func balancer(annotations any, scheme string, from []string) []door {
	public := get(annotations, scheme) == "internet-facing"
	return []door{{of: "the load balancer from the internet", open: public, ways: waysOf(from)}, {of: "the load balancer", open: true, ways: waysOf(from)}}
}

// doors finds whom a step lets in that was kept out.
func doors(s preview.Step, about *plan) (found []line) {
	if s.Type == networkPolicy && s.Op == preview.OpDelete && !about.guardless(s) {
		return []line{say(went(s) + ": what it kept apart may talk, as far as no other policy forbids it")}
	}
	if s.New == nil || s.Op == preview.OpSame || s.Op == preview.OpRead {
		return nil
	}
	// In a namespace that is new there was nothing yet from which to be kept out. One whose name nobody knows yet is new.
	if s.Type == networkPolicy && s.Old == nil {
		if in := text(s.New, "metadata", "namespace"); about.made[in] || in == resource.Unknown {
			return nil
		}
	}
	if s.Type == networkPolicy && s.Old != nil && selectsFewer(s.Old.Inputs, s.New.Inputs) {
		found = append(found, say("it guards other pods, by ", value("spec.podSelector"), ": those that it no longer selects may talk, as far as no other policy forbids it"))
	}
	before := doorsOf(s.Type, s.Old)
	for i, d := range doorsOf(s.Type, s.New) {
		was := door{}
		if i < len(before) {
			was = before[i]
		}
		// A new load balancer inside the network, open to the network: that is what it is for.
		if s.Old == nil && (d.of == "the load balancer" || d.unguarded) || !d.open {
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
