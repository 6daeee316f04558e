package risk

import (
	"cmp"
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/resource"
)

// directions are the directions of a NetworkPolicy, with the keys of their rules and of a rule's peers.
var directions = []struct{ policyType, rules, peers string }{{"Ingress", "ingress", "from"}, {"Egress", "egress", "to"}}

// networkPolicy are the firewalls of a NetworkPolicy, one a direction. A direction that the policy does not name is open to
// everybody, and so is a rule without peers (Kubernetes networking/v1, NetworkPolicySpec).
func networkPolicy(inputs any) (all []firewall) {
	for _, d := range directions {
		rules := resource.At(inputs, "spec", d.rules)
		types := texts(resource.At(inputs, "spec", "policyTypes"))
		restricted := slices.Contains(types, d.policyType) || len(types) == 0 && (d.policyType == "Ingress" || rules != nil)
		f := firewall{name: d.rules + " of the pods", open: true, unrestricted: !restricted}
		switch {
		case !restricted:
			f.peers = peersOf([]string{everybody})
		case rules == resource.Unknown || slices.Contains(types, resource.Unknown):
			f.peers = peersOf([]string{resource.Unknown})
		default:
			for _, r := range elements(rules) {
				f.peers = append(f.peers, rulePeers(r, d.peers)...)
			}
			f.open = len(f.peers) > 0
		}
		all = append(all, f)
	}
	return all
}

// rulePeers are the peers of a NetworkPolicy's rule, one for each peer and port.
func rulePeers(rule any, key string) (all []peer) {
	if resource.At(rule, key) == resource.Unknown {
		return peersOf([]string{resource.Unknown})
	}
	var peers []peer
	for _, p := range elements(resource.At(rule, key)) {
		if cidr, isRange := resource.At(p, "ipBlock", "cidr").(string); isRange && p != resource.Unknown {
			peers = append(peers, peer{source: cidr, except: texts(resource.At(p, "ipBlock", "except"))})
		} else {
			peers = append(peers, peer{source: prose.Shown(p)})
		}
	}
	if len(peers) == 0 {
		peers = peersOf([]string{everybody})
	}
	var portsOfRule []ports
	for _, p := range elements(resource.At(rule, "ports")) {
		portsOfRule = append(portsOfRule, rulePorts(p))
	}
	if resource.At(rule, "ports") == resource.Unknown {
		portsOfRule = append(portsOfRule, ports{name: resource.Unknown})
	}
	if len(portsOfRule) == 0 {
		portsOfRule = []ports{{}}
	}
	for _, p := range peers {
		for _, p.ports = range portsOfRule {
			all = append(all, p)
		}
	}
	return all
}

// rulePorts are the ports of one element of a rule's ports: a number, a range or a name.
func rulePorts(v any) ports {
	if v == resource.Unknown {
		return ports{name: resource.Unknown}
	}
	p := ports{protocol: "tcp"} // Kubernetes' default
	if protocol, isSet := resource.At(v, "protocol").(string); isSet {
		p.protocol = strings.ToLower(protocol)
	}
	low, high := resource.At(v, "port"), resource.At(v, "endPort")
	if name, isName := low.(string); isName {
		p.name = name
		return p
	}
	if low == nil {
		return p
	}
	return p.between(low, cmp.Or(high, low))
}

// selectsFewerPods applies if a NetworkPolicy no longer selects every pod that it did.
func selectsFewerPods(r rule, s preview.Step, _ *stack) []prose.Line {
	if s.Old == nil || s.New == nil || s.Op == preview.OpSame || s.Op == preview.OpRead {
		return nil
	}
	before, after := resource.At(s.Old.Inputs, r.inputs[0]...), resource.At(s.New.Inputs, r.inputs[0]...)
	if !fewerPods(before, after) {
		return nil
	}
	return []prose.Line{prose.Say("it guards other pods, by ", prose.Value(pathText(r.inputs[0])), ": "+r.consequence)}
}

// fewerPods says whether a pod selector may exclude a pod that the one before includes: it has a condition more.
func fewerPods(before, after any) bool {
	if after == resource.Unknown {
		return before != resource.Unknown
	}
	labels, _ := resource.At(after, "matchLabels").(map[string]any)
	for key, v := range labels {
		if resource.At(before, "matchLabels", key) != v {
			return true
		}
	}
	return !isSubset(elements(resource.At(after, "matchExpressions")), elements(resource.At(before, "matchExpressions")))
}
