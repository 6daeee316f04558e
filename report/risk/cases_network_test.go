package risk

import (
	"tfserving/resource"
)

// The following functions return parts of a NetworkPolicy.

func podPeer(selector string) object {
	return object{"podSelector": object{"matchLabels": object{"app": selector}}}
}

func addresses(cidr string, except ...any) object {
	return object{"ipBlock": object{"cidr": cidr, "except": except}}
}

func on(protocol string, port any) object { return object{"protocol": protocol, "port": port} }

// egressTo is a policy with one egress rule.
func egressTo(peers []any, by ...any) object {
	return policyOf(object{"policyTypes": []any{"Egress"}, "egress": []any{object{"to": peers, "ports": by}}})
}

// ingressFrom is a policy with one ingress rule.
func ingressFrom(peers ...any) object {
	return policyOf(object{"policyTypes": []any{"Ingress"}, "ingress": []any{object{"from": peers}}})
}

func policyOf(spec object) object {
	return object{"metadata": object{"namespace": "tfserving"}, "spec": spec}
}

// networkCases are changes of NetworkPolicies and security groups, of more than addresses.
func networkCases() map[string]riskCase {
	const opened = accessIsOpened
	const metadataService = "169.254.169.254/32"
	group := func(protocol string, low, high float64) object {
		return object{"cidrIpv4": "10.0.0.0/16", "ipProtocol": protocol, "fromPort": low, "toPort": high}
	}
	listed := func(ids ...any) object {
		return object{"type": "ingress", "protocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "prefixListIds": ids}
	}
	within := func(rule object) object { return object{"ingress": []any{rule}} }
	selecting := func(labels object) object {
		return policyOf(object{"policyTypes": []any{"Ingress"}, "podSelector": object{"matchLabels": labels}})
	}
	expressing := func(keys ...any) object {
		return policyOf(object{"policyTypes": []any{"Ingress"}, "podSelector": object{"matchExpressions": keys}})
	}
	balanced := func(ranges ...any) object {
		return object{"spec": object{"type": "LoadBalancer", "loadBalancerSourceRanges": ranges}}
	}
	types := func(all ...any) object { return policyOf(object{"policyTypes": all}) }
	return map[string]riskCase{
		"a Service's range":        {stepOf(change, resource.Service, balanced("203.0.113.0/24"), balanced("203.0.113.0/24", "198.51.100.0/24")), opened, "the load balancer is opened to 198.51.100.0/24"},
		"a Service in the cluster": {stepOf(change, resource.Service, object{"spec": object{"type": "ClusterIP"}}, object{"spec": object{"type": "ClusterIP", "loadBalancerSourceRanges": []any{"0.0.0.0/0"}}}), "", ""},

		"an exception removed":             {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("0.0.0.0/0", metadataService, "10.0.0.0/8")}), egressTo([]any{addresses("0.0.0.0/0", "10.0.0.0/8")})), opened, "egress of the pods is opened to 169.254.169.254/32, an exception until now"},
		"all exceptions removed":           {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("0.0.0.0/0")})), opened, "egress of the pods is opened to everybody: 169.254.169.254/32, an exception until now"},
		"an exception within another":      {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("0.0.0.0/0", "169.254.0.0/16")})), "", ""},
		"a smaller exception":              {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("0.0.0.0/0", "169.254.0.0/16")}), egressTo([]any{addresses("0.0.0.0/0", metadataService)})), opened, "169.254.0.0/16, an exception until now"},
		"a range without the exception":    {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("203.0.113.0/24")})), "", ""},
		"the exception itself, as a range": {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("0.0.0.0/0", metadataService), addresses(metadataService)})), opened, metadataService},
		"peers emptied":                    {stepOf(change, resource.NetworkPolicy, ingressFrom(podPeer("gateway")), ingressFrom()), opened, "ingress of the pods is opened to everybody"},
		"peers removed":                    {stepOf(change, resource.NetworkPolicy, ingressFrom(addresses("10.0.0.0/16")), policyOf(object{"policyTypes": []any{"Ingress"}, "ingress": []any{object{}}})), opened, "ingress of the pods is opened to everybody"},
		"egress peers emptied":             {stepOf(change, resource.NetworkPolicy, egressTo([]any{podPeer("model")}), egressTo(nil)), opened, "egress of the pods is opened to everybody"},
		"rules removed":                    {stepOf(change, resource.NetworkPolicy, ingressFrom(podPeer("gateway")), types("Ingress")), "", ""},
		"unknown rules":                    {stepOf(change, resource.NetworkPolicy, types("Ingress"), policyOf(object{"policyTypes": []any{"Ingress"}, "ingress": resource.Unknown})), opened, "(known after up)"},
		"unknown peers":                    {stepOf(change, resource.NetworkPolicy, types("Ingress"), policyOf(object{"policyTypes": []any{"Ingress"}, "ingress": []any{object{"from": resource.Unknown}}})), opened, "(known after up)"},
		"a direction dropped":              {stepOf(change, resource.NetworkPolicy, types("Ingress", "Egress"), types("Ingress")), opened, "egress of the pods is opened to everybody"},
		"the other direction dropped":      {stepOf(change, resource.NetworkPolicy, types("Ingress", "Egress"), types("Egress")), opened, "ingress of the pods is opened to everybody"},
		"a direction restricted":           {stepOf(change, resource.NetworkPolicy, types("Ingress"), types("Ingress", "Egress")), "", ""},
		"directions by default":            {stepOf(change, resource.NetworkPolicy, types("Ingress"), policyOf(object{})), "", ""},
		"another peer":                     {stepOf(change, resource.NetworkPolicy, ingressFrom(podPeer("gateway")), ingressFrom(podPeer("gateway"), podPeer("other"))), opened, `ingress of the pods is opened to {"podSelector"`},
		"a peer's pods of any kind":        {stepOf(change, resource.NetworkPolicy, ingressFrom(object{"namespaceSelector": object{}, "podSelector": object{"matchLabels": object{"app": "a"}}}), ingressFrom(object{"namespaceSelector": object{}})), opened, "namespaceSelector"},
		"a peer fewer":                     {stepOf(change, resource.NetworkPolicy, ingressFrom(podPeer("gateway"), podPeer("other")), ingressFrom(podPeer("gateway"))), "", ""},
		"a new policy in an old namespace": {stepOf(create, resource.NetworkPolicy, nil, ingressFrom(podPeer("gateway"))), opened, "ingress of the pods"},
		"a new policy without peers":       {stepOf(create, resource.NetworkPolicy, nil, types("Ingress")), "", ""},
		"another port":                     {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", 8500.0)), egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", 8500.0), on("TCP", 22.0))), opened, "10.0.0.0/16 by tcp 22"},
		"a port by name":                   {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", "grpc")), egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", "http"))), opened, "10.0.0.0/16 by tcp http"},
		"ports removed":                    {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", 8500.0)), egressTo([]any{addresses("10.0.0.0/16")})), opened, "egress of the pods is opened to 10.0.0.0/16"},
		"a port among all":                 {stepOf(change, resource.NetworkPolicy, egressTo([]any{addresses("10.0.0.0/16")}), egressTo([]any{addresses("10.0.0.0/16")}, on("UDP", "dns"))), "", ""},
		"fewer pods selected":              {stepOf(change, resource.NetworkPolicy, selecting(nil), selecting(object{"app": "gateway"})), opened, "it guards other pods"},
		"other pods selected":              {stepOf(change, resource.NetworkPolicy, selecting(object{"app": "model"}), selecting(object{"app": "gateway"})), opened, "it guards other pods"},
		"more pods selected":               {stepOf(change, resource.NetworkPolicy, selecting(object{"app": "a", "tier": "b"}), selecting(object{"app": "a"})), "", ""},
		"fewer pods by an expression":      {stepOf(change, resource.NetworkPolicy, expressing(), expressing(object{"key": "app", "operator": "Exists"})), opened, "it guards other pods"},
		"an unknown selector":              {stepOf(change, resource.NetworkPolicy, selecting(nil), policyOf(object{"policyTypes": []any{"Ingress"}, "podSelector": resource.Unknown})), opened, "it guards other pods"},

		"wider ports":                    {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 443, 443), group("tcp", 0, 65535)), opened, "the security group is opened to 10.0.0.0/16 by tcp"},
		"a few ports more":               {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 443, 443), group("tcp", 443, 444)), opened, "by tcp 443 to 444"},
		"narrower ports":                 {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 0, 65535), group("tcp", 443, 443)), "", ""},
		"every protocol":                 {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 0, 65535), group("-1", 0, 0)), opened, "opened to 10.0.0.0/16"},
		"another protocol":               {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 53, 53), group("udp", 53, 53)), opened, "by udp 53"},
		"a protocol by its number":       {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 53, 53), group("6", 53, 53)), "", ""},
		"one protocol of all":            {stepOf(change, resource.SecurityGroupIngressRule, group("-1", 0, 0), group("udp", 53, 53)), "", ""},
		"another kind of ICMP":           {stepOf(change, resource.SecurityGroupIngressRule, group("icmp", 3, 4), group("icmp", 5, 1)), opened, "icmp type 5, code 1"},
		"a kind of ICMP among all":       {stepOf(change, resource.SecurityGroupIngressRule, group("icmp", -1, -1), group("icmp", 5, 1)), "", ""},
		"unknown ports":                  {stepOf(change, resource.SecurityGroupIngressRule, group("tcp", 443, 443), object{"cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": resource.Unknown, "toPort": 443.0}), opened, "(known after up)"},
		"ports of a group's own rule":    {stepOf(change, resource.SecurityGroup, within(object{"cidrBlocks": []any{"10.0.0.0/8"}, "protocol": "tcp", "fromPort": 1.0, "toPort": 2.0}), within(object{"cidrBlocks": []any{"10.0.0.0/8"}, "protocol": "tcp", "fromPort": 1.0, "toPort": 3.0})), opened, "by tcp 1 to 3"},
		"unknown rules of a group":       {stepOf(change, resource.SecurityGroup, object{}, object{"ingress": resource.Unknown}), opened, "(known after up)"},
		"the default group":              {stepOf(change, resource.DefaultSecurityGroup, object{}, within(object{"cidrBlocks": []any{"10.0.0.0/8"}, "protocol": "-1"})), opened, "10.0.0.0/8"},
		"a list of prefixes":             {stepOf(change, resource.SecurityGroupRule, listed("pl-1"), listed("pl-1", "pl-2")), opened, "the security group is opened to pl-2 by tcp 443"},
		"a list of prefixes fewer":       {stepOf(change, resource.SecurityGroupRule, listed("pl-1", "pl-2"), listed("pl-1")), "", ""},
		"a new rule for a prefix list":   {stepOf(create, resource.SecurityGroupIngressRule, nil, object{"prefixListId": "pl-1", "ipProtocol": "-1"}), opened, "opened to pl-1"},
		"a prefix list of a group's own": {stepOf(change, resource.SecurityGroup, object{}, within(object{"prefixListIds": []any{"pl-1"}, "protocol": "-1"})), opened, "opened to pl-1"},
	}
}
