package report

import (
	"reflect"
	"slices"
	"strings"

	"tfserving/resource"
)

const networkPolicy = "kubernetes:networking.k8s.io/v1:NetworkPolicy"

// directions are those of a NetworkPolicy, and where a rule of each names its peers.
var directions = []struct{ name, rules, side string }{{"Ingress", "ingress", "from"}, {"Egress", "egress", "to"}}

// guardedBy are the doors of a NetworkPolicy: whom it lets in, and out to. A direction that it does not name it leaves
// open to everybody, and so does a rule that names nobody (networking/v1 of Kubernetes, NetworkPolicySpec).
func guardedBy(in map[string]any) (all []door) {
	for _, d := range directions {
		rules := get(in, "spec", d.rules)
		types := strs(get(in, "spec", "policyTypes"))
		names := slices.Contains(types, d.name) || len(types) == 0 && (d.name == "Ingress" || rules != nil)
		found := door{of: d.rules + " of the pods", open: true, unguarded: !names}
		switch {
		case !names:
			found.ways = waysOf([]string{everybody})
		case rules == resource.Unknown || slices.Contains(types, resource.Unknown):
			found.ways = waysOf([]string{resource.Unknown})
		default:
			for _, r := range items(rules) {
				found.ways = append(found.ways, peers(r, d.side)...)
			}
			found.open = len(found.ways) > 0
		}
		all = append(all, found)
	}
	return all
}

// peers are the ways that a rule of a NetworkPolicy opens: each of its peers by each of its ports.
func peers(rule any, side string) (all []way) {
	who := []way{}
	for _, p := range items(get(rule, side)) {
		if cidr, is := get(p, "ipBlock", "cidr").(string); is {
			who = append(who, way{who: cidr, except: strs(get(p, "ipBlock", "except"))})
		} else {
			who = append(who, way{who: shown(p)})
		}
	}
	if len(who) == 0 {
		who = waysOf([]string{everybody})
		if rule == resource.Unknown || get(rule, side) == resource.Unknown {
			who[0].who = resource.Unknown
		}
	}
	by := []ports{}
	for _, p := range items(get(rule, "ports")) {
		by = append(by, portOf(p))
	}
	if get(rule, "ports") == resource.Unknown {
		by = append(by, ports{name: resource.Unknown})
	}
	if len(by) == 0 {
		by = []ports{{}}
	}
	for _, w := range who {
		for _, w.by = range by {
			all = append(all, w)
		}
	}
	return all
}

// portOf is a port of a NetworkPolicy: a number, a range of them or a name.
func portOf(v any) ports {
	p := ports{protocol: "tcp"} // Kubernetes' default
	if protocol, is := get(v, "protocol").(string); is {
		p.protocol = strings.ToLower(protocol)
	}
	low, high := get(v, "port"), get(v, "endPort")
	if name, is := low.(string); is {
		p.name = name
		return p
	}
	if low == nil {
		return p
	}
	if high == nil {
		high = low
	}
	return p.between(low, high)
}

// selectsFewer says whether a NetworkPolicy no longer guards all the pods that it did.
func selectsFewer(before, after map[string]any) bool {
	was, is := get(before, "spec", "podSelector"), get(after, "spec", "podSelector")
	if is == resource.Unknown {
		return was != resource.Unknown
	}
	// A selector with fewer conditions has more pods.
	now, _ := get(is, "matchLabels").(map[string]any)
	for key, v := range now {
		if get(was, "matchLabels", key) != v {
			return true
		}
	}
	for _, e := range items(get(is, "matchExpressions")) {
		if !slices.ContainsFunc(items(get(was, "matchExpressions")), func(other any) bool { return reflect.DeepEqual(e, other) }) {
			return true
		}
	}
	return false
}
