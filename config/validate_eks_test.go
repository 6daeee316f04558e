package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestAccountRules(t *testing.T) {
	text := func(n int) string { return strings.Repeat("é", n) }
	runRules(t, []rule{
		{"platform eks needs a region", onEKS(change{"aws:region", removed}), `aws:region is missing; platform eks needs the AWS region, such as eu-west-1`},
		{"platform kubernetes needs no region", set("aws:region", removed), ""},
		{"a place is not a region", onEKS(change{"aws:region", "ireland"}), `aws:region is "ireland"; it must be an AWS region: …`},
		{"a zone is not a region", onEKS(change{"aws:region", "eu-west-1a"}), `aws:region is "eu-west-1a"; it must be an AWS region: eu-…`},
		{"a region is checked on every platform", set("aws:region", "EU-WEST-1"), `aws:region is "EU-WEST-1"; it must be an AWS region: eu-…`},
		{"a region that AWS does not have", onEKS(change{"aws:region", "eu-west-9"}), `aws:region is "eu-west-9"; it must be an AWS region: eu-west-1, eu-west-2, eu-west-3, …`},
		{"a region of GovCloud", onEKS(change{"aws:region", "us-gov-west-1"}), ""},
		{"a region of the European Sovereign Cloud", onEKS(change{"aws:region", "eusc-de-east-1"}), ""},
		{"accounts", set("tfserving:aws.allowedAccountIds", []string{"123456789012", "000000000001"}), ""},
		{"an account has 12 digits", set("tfserving:aws.allowedAccountIds", []string{"12345678901"}), `tfserving:aws.allowedAccountIds[0] is "12345678901"; an AWS account has 12 digits`},
		{"an account is text", set("tfserving:aws.allowedAccountIds", []int{123456789012}), `tfserving:aws.allowedAccountIds[0] is 123456789012; it must be text, in quotes`},
		{"an account twice", set("tfserving:aws.allowedAccountIds", []string{"123456789012", "123456789012"}), `tfserving:aws.allowedAccountIds[1] is "123456789012", which an earlier entry is, too; remove it`},
		{"platform eks needs an owner", onEKS(change{"tfserving:aws.owner", removed}), `tfserving:aws.owner is missing; give the person or team that is responsible for the stack's AWS resources`},
		{"an owner is a tag's value", set("tfserving:aws.owner", "us & them"), `tfserving:aws.owner is "us & them"; a tag's value may have only letters, digits, spaces and _ . : / = + - @`},
		{"an owner with characters that tags do not allow", set("tfserving:aws.owner", "Zoë <zoe@example.com>"), `tfserving:aws.owner is "Zoë <zoe@example.com>"; a tag's value may have only …`},
		{"a tag's value in any script", set("tfserving:aws.owner", "Zoë: equipo/visión @ 東京"), ""},
		{"the longest owner", set("tfserving:aws.owner", text(256)), ""},
		{"an owner too long for a tag", set("tfserving:aws.owner", text(257)), `tfserving:aws.owner has 257 characters; a tag's value has at most 256`},
		{"a cost centre is a tag's value", set("tfserving:aws.costCentre", "a\nb"), `tfserving:aws.costCentre is "a\nb"; a tag's value may have only …`},
		{"a tag's value does not end with a space", set("tfserving:aws.costCentre", "42 "), `tfserving:aws.costCentre is "42 "; a tag's value must not begin or end with a space`},
		{"a tag's value does not begin with aws:", set("tfserving:aws.owner", "AWS:me"), `tfserving:aws.owner is "AWS:me"; AWS reserves values that begin with aws:`},
	})
}

func TestEKSStackRules(t *testing.T) {
	dedicated := []Taint{{"dedicated", "model", "NoSchedule"}}
	const certificate = "arn:aws:acm:%s:%s:certificate/a-1"
	runRules(t, []rule{
		{"platform eks needs class alb", onEKS(change{"tfserving:ingress.class", "nginx"}), `tfserving:ingress.class is "nginx"; platform eks installs a controller for class alb only: set ingress.class to alb, or gateway.service to LoadBalancer`},
		{"a gateway with its own load balancer needs no class", onEKS(change{"tfserving:ingress", map[string]any{"allowedCidrs": []string{"203.0.113.0/24"}}}, change{"tfserving:gateway.service", "LoadBalancer"}), ""},
		{"one group has taints", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}), ""},
		{"every group has taints", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].taints", dedicated}), `tfserving:nodeGroups has taints on every group; the pods of the application and of the cluster do not tolerate them: remove the taints of one group`},
		{"PreferNoSchedule keeps no pod off a node", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "PreferNoSchedule"}}}), ""},
		{"every group without taints may be empty", onEKS(change{"tfserving:nodeGroups[0].min", 0}, change{"tfserving:nodeGroups[1].min", 0}), `tfserving:nodeGroups has min 0 in every group without taints; the autoscaler runs on a node of such a group: set min of one group to 1 or more`},
		{"the only group that is never empty has taints", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].min", 0}), `tfserving:nodeGroups has min 0 in every group without taints; …`},
		{"platform kubernetes allows taints on every group", []change{{"tfserving:nodeGroups[0].taints", dedicated}, {"tfserving:nodeGroups[1].taints", dedicated}}, ""},
		{"a certificate of the stack's region", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}), ""},
		{"a certificate of another region", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "us-east-1", "123456789012")}), `tfserving:ingress.certificateArn is a certificate in us-east-1, but aws:region is eu-west-1; a load balancer uses only certificates of its own region`},
		{"a certificate of the stack's account", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}, change{"tfserving:aws.allowedAccountIds", []string{"123456789012"}}), ""},
		{"a certificate of another account", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}, change{"tfserving:aws.allowedAccountIds", []string{"210987654321"}}), `tfserving:ingress.certificateArn is a certificate of account 123456789012, which is not in aws.allowedAccountIds; a load balancer uses only certificates of its own account`},
		{"an IAM server certificate", onEKS(change{"tfserving:ingress.certificateArn", "arn:aws:iam::123456789012:server-certificate/a"}), `tfserving:ingress.certificateArn is "arn:aws:iam::123456789012:server-certificate/a"; it must be the ARN of an ACM certificate, such as …`},
	})
}

func TestEveryPodFitsOnANode(t *testing.T) {
	// Pods get 1930 m of the 2 cores of an m6i.large, and 6903 MiB. The pods on every node request 150 m of that.
	const small = `, for which even an empty node has no room: a node of group general (m6i.large) has 1780m and 6903Mi, of group burst (m6i.large) has 1780m and 6903Mi; lower the resources, or use larger instance types`
	model := func(cpu, memory string) change {
		return change{"tfserving:model.resources", map[string]string{"cpu": cpu, "memory": memory}}
	}
	runRules(t, []rule{
		{"a pod that fills a node", onEKS(model("1780m", "6903Mi")), ""},
		{"a model pod with too much CPU", onEKS(model("1781m", "1Gi")), `tfserving:model.resources is cpu 1781m and memory 1Gi` + small},
		{"a model pod with too much memory", onEKS(model("1", "6904Mi")), `tfserving:model.resources is cpu 1 and memory 6904Mi` + small},
		{"a model pod with all of a node's vCPUs", onEKS(model("2", "1Gi")), `tfserving:model.resources is cpu 2 and memory 1Gi` + small},
		{"a gateway pod", onEKS(change{"tfserving:gateway.resources.cpu", "4"}), `tfserving:gateway.resources is cpu 4 and memory 256Mi` + small},
		{"a larger group has room", onEKS(model("2", "1Gi"), change{"tfserving:nodeGroups[1].instanceTypes", []string{"m6i.xlarge"}}), ""},
		{"a larger group with taints has no room", onEKS(model("2", "1Gi"), change{"tfserving:nodeGroups[1].instanceTypes", []string{"m6i.xlarge"}}, change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "NoExecute"}}}),
			`tfserving:model.resources is cpu 2 and memory 1Gi, for which even an empty node has no room: a node of group general (m6i.large) has 1780m and 6903Mi; lower the resources, or use larger instance types`},
		{"headroom without pods is not checked", onEKS(change{"tfserving:autoscaler.headroom", map[string]any{"pods": 0, "resources": map[string]string{"cpu": "2"}}}), ""},
		{"headroom larger than a node", onEKS(change{"tfserving:autoscaler.headroom", map[string]any{"pods": 1, "resources": map[string]string{"cpu": "2"}}}), `tfserving:autoscaler.headroom.resources is cpu 2 and memory 1Gi` + small},
		{"platform kubernetes does not check the room", []change{model("64", "1Ti")}, ""},
		{"an unknown instance type is reported once", onEKS(model("2", "1Gi"), change{"tfserving:nodeGroups[0].instanceTypes", []string{"m6i.lrge"}}), `tfserving:nodeGroups[0].instanceTypes[0] is "m6i.lrge", which …`},
	})
}

func TestTheNetworkHasAnAddressForEveryPod(t *testing.T) {
	groups := func(max int, types ...string) change {
		return change{"tfserving:nodeGroups", []any{map[string]any{"name": "general", "instanceTypes": types, "max": max}}}
	}
	cidr := func(text string) change { return change{"tfserving:network.cidr", text} }
	runRules(t, []rule{
		// An m6i.large holds 3 interfaces of 10 addresses. Each zone of a /20 has 1024 addresses for pods, less 5.
		{"node groups that take every address", onEKS(cidr("10.0.0.0/20"), groups(67, "m6i.large")), ""},
		{"node groups that take too many addresses", onEKS(cidr("10.0.0.0/20"), groups(68, "m6i.large")), `tfserving:network.cidr is 10.0.0.0/20, which is too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their max need 2040 (general: 68 nodes of 29 pods); use a larger range, or lower max`},
		{"a third zone adds addresses", onEKS(cidr("10.0.0.0/20"), groups(68, "m6i.large"), change{"tfserving:network.zones", 3}), ""},
		{"a larger range has more addresses", onEKS(cidr("10.0.0.0/19"), groups(68, "m6i.large")), ""},
		{"the type with the most addresses counts", onEKS(cidr("10.0.0.0/20"), groups(60, "m6i.large", "t3.large", "m6a.large")), `tfserving:network.cidr is 10.0.0.0/20, which is too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their max need 2160 (general: 60 nodes of 35 pods); …`},
		{"prefix delegation within the addresses", onEKS(cidr("10.0.0.0/20"), groups(18, "m6i.large"), change{"tfserving:cluster.prefixDelegation", true}), ""},
		{"prefix delegation takes too many addresses", onEKS(cidr("10.0.0.0/20"), groups(19, "m6i.large"), change{"tfserving:cluster.prefixDelegation", true}), `tfserving:network.cidr is 10.0.0.0/20, which is too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their max need 2147 (general: 19 nodes of 110 pods); …`},
		{"platform kubernetes does not check the addresses", []change{cidr("10.0.0.0/20"), groups(400, "m6i.large")}, ""},
		{"a wrong range is reported once", onEKS(cidr("10.0.0.0/28"), groups(68, "m6i.large")), `tfserving:network.cidr is 10.0.0.0/28; it must be private IPv4 (RFC 1918), from /16 to /20`},
	})
}
