package report

import (
	"tfserving/resource"
)

// The parts of a NetworkPolicy.
func peer(selector string) inputs {
	return inputs{"podSelector": inputs{"matchLabels": inputs{"app": selector}}}
}

func addresses(cidr string, except ...any) inputs {
	return inputs{"ipBlock": inputs{"cidr": cidr, "except": except}}
}

func on(protocol string, port any) inputs { return inputs{"protocol": protocol, "port": port} }

// egressTo is a policy with one rule out; ingressFrom with one in.
func egressTo(peers []any, by ...any) inputs {
	return policyOf(inputs{"policyTypes": []any{"Egress"}, "egress": []any{inputs{"to": peers, "ports": by}}})
}

func ingressFrom(peers ...any) inputs {
	return policyOf(inputs{"policyTypes": []any{"Ingress"}, "ingress": []any{inputs{"from": peers}}})
}

func policyOf(spec inputs) inputs {
	return inputs{"metadata": inputs{"namespace": "tfserving"}, "spec": spec}
}

// doorCases are of NetworkPolicies and security groups, by more than addresses.
func doorCases() map[string]riskCase {
	const opened = "a door is opened"
	const metadataService = "169.254.169.254/32"
	group := func(protocol string, low, high float64) inputs {
		return inputs{"cidrIpv4": "10.0.0.0/16", "ipProtocol": protocol, "fromPort": low, "toPort": high}
	}
	listed := func(ids ...any) inputs {
		return inputs{"type": "ingress", "protocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "prefixListIds": ids}
	}
	within := func(rule inputs) inputs { return inputs{"ingress": []any{rule}} }
	selecting := func(labels inputs) inputs {
		return policyOf(inputs{"policyTypes": []any{"Ingress"}, "podSelector": inputs{"matchLabels": labels}})
	}
	expressing := func(keys ...any) inputs {
		return policyOf(inputs{"policyTypes": []any{"Ingress"}, "podSelector": inputs{"matchExpressions": keys}})
	}
	types := func(all ...any) inputs { return policyOf(inputs{"policyTypes": all}) }
	return map[string]riskCase{
		"an exception removed":              {stepOf(change, policyType, egressTo([]any{addresses("0.0.0.0/0", metadataService, "10.0.0.0/8")}), egressTo([]any{addresses("0.0.0.0/0", "10.0.0.0/8")})), opened, "egress of the pods is opened to 169.254.169.254/32, an exception until now"},
		"all exceptions removed":            {stepOf(change, policyType, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("0.0.0.0/0")})), opened, "egress of the pods is opened to everybody: 169.254.169.254/32, an exception until now"},
		"an exception within another":       {stepOf(change, policyType, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("0.0.0.0/0", "169.254.0.0/16")})), "", ""},
		"a smaller exception":               {stepOf(change, policyType, egressTo([]any{addresses("0.0.0.0/0", "169.254.0.0/16")}), egressTo([]any{addresses("0.0.0.0/0", metadataService)})), opened, "169.254.0.0/16, an exception until now"},
		"a range in which nothing was kept": {stepOf(change, policyType, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("203.0.113.0/24")})), "", ""},
		"the exception itself, as a range":  {stepOf(change, policyType, egressTo([]any{addresses("0.0.0.0/0", metadataService)}), egressTo([]any{addresses("0.0.0.0/0", metadataService), addresses(metadataService)})), opened, metadataService},
		"peers emptied":                     {stepOf(change, policyType, ingressFrom(peer("gateway")), ingressFrom()), opened, "ingress of the pods is opened to everybody"},
		"peers removed":                     {stepOf(change, policyType, ingressFrom(addresses("10.0.0.0/16")), policyOf(inputs{"policyTypes": []any{"Ingress"}, "ingress": []any{inputs{}}})), opened, "ingress of the pods is opened to everybody"},
		"peers out emptied":                 {stepOf(change, policyType, egressTo([]any{peer("model")}), egressTo(nil)), opened, "egress of the pods is opened to everybody"},
		"rules removed":                     {stepOf(change, policyType, ingressFrom(peer("gateway")), types("Ingress")), "", ""},
		"rules that nobody knows":           {stepOf(change, policyType, types("Ingress"), policyOf(inputs{"policyTypes": []any{"Ingress"}, "ingress": resource.Unknown})), opened, "(known after up)"},
		"peers that nobody knows":           {stepOf(change, policyType, types("Ingress"), policyOf(inputs{"policyTypes": []any{"Ingress"}, "ingress": []any{inputs{"from": resource.Unknown}}})), opened, "(known after up)"},
		"a direction dropped":               {stepOf(change, policyType, types("Ingress", "Egress"), types("Ingress")), opened, "egress of the pods is opened to everybody"},
		"the other direction dropped":       {stepOf(change, policyType, types("Ingress", "Egress"), types("Egress")), opened, "ingress of the pods is opened to everybody"},
		"a direction guarded":               {stepOf(change, policyType, types("Ingress"), types("Ingress", "Egress")), "", ""},
		"directions by default":             {stepOf(change, policyType, types("Ingress"), policyOf(inputs{})), "", ""},
		"another peer":                      {stepOf(change, policyType, ingressFrom(peer("gateway")), ingressFrom(peer("gateway"), peer("other"))), opened, `ingress of the pods is opened to {"podSelector"`},
		"a peer's pods of any kind":         {stepOf(change, policyType, ingressFrom(inputs{"namespaceSelector": inputs{}, "podSelector": inputs{"matchLabels": inputs{"app": "a"}}}), ingressFrom(inputs{"namespaceSelector": inputs{}})), opened, "namespaceSelector"},
		"a peer fewer":                      {stepOf(change, policyType, ingressFrom(peer("gateway"), peer("other")), ingressFrom(peer("gateway"))), "", ""},
		"a new policy in an old namespace":  {stepOf(create, policyType, nil, ingressFrom(peer("gateway"))), opened, "ingress of the pods"},
		"a new policy that lets nobody in":  {stepOf(create, policyType, nil, types("Ingress")), "", ""},
		"another port":                      {stepOf(change, policyType, egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", 8500.0)), egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", 8500.0), on("TCP", 22.0))), opened, "10.0.0.0/16 by tcp 22"},
		"a port by name":                    {stepOf(change, policyType, egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", "grpc")), egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", "http"))), opened, "10.0.0.0/16 by tcp http"},
		"ports removed":                     {stepOf(change, policyType, egressTo([]any{addresses("10.0.0.0/16")}, on("TCP", 8500.0)), egressTo([]any{addresses("10.0.0.0/16")})), opened, "egress of the pods is opened to 10.0.0.0/16"},
		"a port among all":                  {stepOf(change, policyType, egressTo([]any{addresses("10.0.0.0/16")}), egressTo([]any{addresses("10.0.0.0/16")}, on("UDP", "dns"))), "", ""},
		"fewer pods guarded":                {stepOf(change, policyType, selecting(nil), selecting(inputs{"app": "gateway"})), opened, "it guards other pods"},
		"other pods guarded":                {stepOf(change, policyType, selecting(inputs{"app": "model"}), selecting(inputs{"app": "gateway"})), opened, "it guards other pods"},
		"more pods guarded":                 {stepOf(change, policyType, selecting(inputs{"app": "a", "tier": "b"}), selecting(inputs{"app": "a"})), "", ""},
		"fewer pods by an expression":       {stepOf(change, policyType, expressing(), expressing(inputs{"key": "app", "operator": "Exists"})), opened, "it guards other pods"},
		"pods that nobody knows":            {stepOf(change, policyType, selecting(nil), policyOf(inputs{"policyTypes": []any{"Ingress"}, "podSelector": resource.Unknown})), opened, "it guards other pods"},

		"wider ports":                    {stepOf(change, ruleType, group("tcp", 443, 443), group("tcp", 0, 65535)), opened, "the security group is opened to 10.0.0.0/16 by tcp"},
		"a few ports more":               {stepOf(change, ruleType, group("tcp", 443, 443), group("tcp", 443, 444)), opened, "by tcp 443 to 444"},
		"narrower ports":                 {stepOf(change, ruleType, group("tcp", 0, 65535), group("tcp", 443, 443)), "", ""},
		"every protocol":                 {stepOf(change, ruleType, group("tcp", 0, 65535), group("-1", 0, 0)), opened, "opened to 10.0.0.0/16"},
		"another protocol":               {stepOf(change, ruleType, group("tcp", 53, 53), group("udp", 53, 53)), opened, "by udp 53"},
		"a protocol by its number":       {stepOf(change, ruleType, group("tcp", 53, 53), group("6", 53, 53)), "", ""},
		"one protocol of all":            {stepOf(change, ruleType, group("-1", 0, 0), group("udp", 53, 53)), "", ""},
		"another kind of ICMP":           {stepOf(change, ruleType, group("icmp", 3, 4), group("icmp", 5, 1)), opened, "icmp type 5, code 1"},
		"a kind of ICMP among all":       {stepOf(change, ruleType, group("icmp", -1, -1), group("icmp", 5, 1)), "", ""},
		"ports that nobody knows":        {stepOf(change, ruleType, group("tcp", 443, 443), inputs{"cidrIpv4": "10.0.0.0/16", "ipProtocol": "tcp", "fromPort": resource.Unknown, "toPort": 443.0}), opened, "(known after up)"},
		"ports of a group's own rule":    {stepOf(change, "aws:ec2/securityGroup:SecurityGroup", within(inputs{"cidrBlocks": []any{"10.0.0.0/8"}, "protocol": "tcp", "fromPort": 1.0, "toPort": 2.0}), within(inputs{"cidrBlocks": []any{"10.0.0.0/8"}, "protocol": "tcp", "fromPort": 1.0, "toPort": 3.0})), opened, "by tcp 1 to 3"},
		"rules of a group, unknown":      {stepOf(change, "aws:ec2/securityGroup:SecurityGroup", inputs{}, inputs{"ingress": resource.Unknown}), opened, "(known after up)"},
		"the default group":              {stepOf(change, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", inputs{}, within(inputs{"cidrBlocks": []any{"10.0.0.0/8"}, "protocol": "-1"})), opened, "10.0.0.0/8"},
		"a list of prefixes":             {stepOf(change, "aws:ec2/securityGroupRule:SecurityGroupRule", listed("pl-1"), listed("pl-1", "pl-2")), opened, "the security group is opened to pl-2 by tcp 443"},
		"a list of prefixes fewer":       {stepOf(change, "aws:ec2/securityGroupRule:SecurityGroupRule", listed("pl-1", "pl-2"), listed("pl-1")), "", ""},
		"a new rule for a prefix list":   {stepOf(create, ruleType, nil, inputs{"prefixListId": "pl-1", "ipProtocol": "-1"}), opened, "opened to pl-1"},
		"a prefix list of a group's own": {stepOf(change, "aws:ec2/securityGroup:SecurityGroup", inputs{}, within(inputs{"prefixListIds": []any{"pl-1"}, "protocol": "-1"})), opened, "opened to pl-1"},
	}
}
