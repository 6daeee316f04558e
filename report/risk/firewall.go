package risk

import (
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/resource"
)

// firewall is what a resource lets through in one direction.
type firewall struct {
	name  string // of what the peers reach
	open  bool   // whether anything can pass
	peers []peer // none means everybody who can reach it
	// unrestricted says that the resource does not restrict this direction.
	unrestricted bool
}

// loadBalancer begins the names of a load balancer's two firewalls.
const loadBalancer = "the load balancer"

func publicEndpoint(inputs any) []firewall {
	public, isSet := resource.At(inputs, "vpcConfig", "endpointPublicAccess").(bool)
	return []firewall{{name: "the public Kubernetes endpoint", open: public || !isSet, peers: peersOf(texts(resource.At(inputs, "vpcConfig", "publicAccessCidrs")))}}
}

func securityGroupIngressRule(inputs any) []firewall {
	return []firewall{ingress([]any{inputs}, "cidrIpv4", "cidrIpv6", "prefixListId")}
}

func securityGroupRule(inputs any) []firewall {
	if resource.At(inputs, "type") != "ingress" {
		return nil
	}
	return []firewall{ingress([]any{inputs}, "cidrBlocks", "ipv6CidrBlocks", "prefixListIds")}
}

func securityGroup(inputs any) []firewall {
	rules := resource.At(inputs, "ingress")
	list, isList := rules.([]any)
	if !isList {
		list = []any{rules}
	}
	return []firewall{ingress(list, "cidrBlocks", "ipv6CidrBlocks", "prefixListIds")}
}

// ingress is the firewall of a security group's ingress rules. keys are the inputs that list peers. A rule without them is for
// other security groups only. A prefix list is one peer, because its ranges are not in the stack.
func ingress(rules []any, keys ...any) firewall {
	f := firewall{name: "the security group"}
	for _, r := range rules {
		if r == resource.Unknown {
			f.peers = append(f.peers, peer{source: resource.Unknown})
			continue
		}
		for _, key := range keys {
			for _, source := range texts(resource.At(r, key)) {
				f.peers = append(f.peers, peer{source: source, ports: portsOf(r)})
			}
		}
	}
	f.open = len(f.peers) > 0
	return f
}

func applicationLoadBalancer(inputs any) []firewall {
	return loadBalancerFirewalls(inputs, resource.ALBAnnotation+"scheme", resource.At(inputs, "metadata", "annotations", resource.ALBAnnotation+"inbound-cidrs"))
}

func networkLoadBalancer(inputs any) []firewall {
	if resource.At(inputs, "spec", "type") != "LoadBalancer" {
		return nil
	}
	return loadBalancerFirewalls(inputs, resource.NLBAnnotation+"scheme", resource.At(inputs, "spec", "loadBalancerSourceRanges"))
}

// loadBalancerFirewalls are the firewall towards the internet and the one towards the load balancer's own network.
func loadBalancerFirewalls(inputs any, scheme string, ranges any) []firewall {
	public := resource.At(inputs, "metadata", "annotations", scheme) == "internet-facing"
	peers := peersOf(texts(ranges))
	return []firewall{{name: loadBalancer + " from the internet", open: public, peers: peers}, {name: loadBalancer, open: true, peers: peers}}
}

// opened applies if a resource lets through what it did not before.
func opened(firewalls func(inputs any) []firewall) condition {
	return func(_ rule, s preview.Step, stack *stack) (found []prose.Line) {
		if s.New == nil || s.Op == preview.OpSame || s.Op == preview.OpRead {
			return nil
		}
		// A new namespace had no traffic before. An unknown name is a new namespace's.
		if s.Type == resource.NetworkPolicy && s.Old == nil {
			if namespace := textOf(s.New, "metadata", "namespace"); stack.newNamespaces[namespace] || namespace == resource.Unknown {
				return nil
			}
		}
		var before []firewall
		if s.Old != nil {
			before = firewalls(s.Old.Inputs)
		}
		for i, now := range firewalls(s.New.Inputs) {
			was := firewall{}
			if i < len(before) {
				was = before[i]
			}
			// A new load balancer is open to its own network on purpose.
			if s.Old == nil && (now.name == loadBalancer || now.unrestricted) || !now.open {
				continue
			}
			if l := openedTo(was, now); l != nil {
				found = append(found, l)
				if strings.HasPrefix(now.name, loadBalancer) {
					break // the other firewall has the same peers
				}
			}
		}
		return found
	}
}

// openedTo says which peers a firewall newly lets through. It returns nil if there are none.
func openedTo(was, now firewall) prose.Line {
	switch {
	case slices.ContainsFunc(now.peers, func(p peer) bool { return p.source == resource.Unknown }):
		return prose.Say(now.name, " is opened to addresses that are ", prose.Value(prose.KnownAfterUp))
	case len(now.peers) == 0 && !was.open:
		return prose.Say(now.name, " is opened, to whoever reaches it")
	case len(now.peers) == 0 && len(was.peers) > 0:
		var before []string
		for _, p := range was.peers {
			before = append(before, p.String())
		}
		return prose.Say(now.name, " is opened to whoever reaches it; it was open to ", prose.Values(before), " alone")
	case len(now.peers) == 0 || was.open && len(was.peers) == 0:
		return nil
	}
	var added []string
	toEverybody := false
	for _, p := range now.peers {
		more := p.added(was.peers)
		added = append(added, more...)
		toEverybody = toEverybody || len(more) > 0 && slices.Contains(allSources, p.source) && len(p.except) == 0
	}
	switch slices.Sort(added); {
	case len(added) == 0:
		return nil
	case toEverybody:
		return prose.Say(now.name, " is opened to ", prose.Broken(everybody), ": ", prose.Values(slices.Compact(added)))
	}
	return prose.Say(now.name, " is opened to ", prose.Values(slices.Compact(added)))
}
