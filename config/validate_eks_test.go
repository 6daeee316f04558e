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
		{"platform kubernetes needs none", set("aws:region", removed), ""},
		{"a region is AWS'", onEKS(change{"aws:region", "ireland"}), `aws:region is "ireland"; it must be an AWS region, such as eu-west-1`},
		{"a zone is no region", onEKS(change{"aws:region", "eu-west-1a"}), `aws:region is "eu-west-1a"; it must be an AWS region, such as eu-west-1`},
		{"a region has a form on every platform", set("aws:region", "EU-WEST-1"), `aws:region is "EU-WEST-1"; it must be an AWS region, such as eu-west-1`},
		{"a region of more words", onEKS(change{"aws:region", "us-gov-west-1"}), ""},
		{"a region of the European Sovereign Cloud", onEKS(change{"aws:region", "eusc-de-east-1"}), ""},
		{"accounts", set("tfserving:aws.allowedAccountIds", []string{"123456789012", "000000000001"}), ""},
		{"an account has 12 digits", set("tfserving:aws.allowedAccountIds", []string{"12345678901"}), `tfserving:aws.allowedAccountIds[0] is "12345678901"; an AWS account has 12 digits`},
		{"an account is text, for its zeros", set("tfserving:aws.allowedAccountIds", []int{123456789012}), `tfserving:aws.allowedAccountIds[0] is 123456789012; it must be text, in quotes`},
		{"an account twice", set("tfserving:aws.allowedAccountIds", []string{"123456789012", "123456789012"}), `tfserving:aws.allowedAccountIds[1] is "123456789012", which an earlier entry is, too; remove it`},
		{"platform eks needs an owner", onEKS(change{"tfserving:aws.owner", removed}), `tfserving:aws.owner is missing; give the person or team that is responsible for the stack's AWS resources`},
		{"an owner is a tag's value", set("tfserving:aws.owner", "us & them"), `tfserving:aws.owner is "us & them"; a tag's value may have only letters, digits, spaces and _ . : / = + - @`},
		{"an owner by mail", set("tfserving:aws.owner", "Zoë <zoe@example.com>"), `tfserving:aws.owner is "Zoë <zoe@example.com>"; a tag's value may have only …`},
		{"a tag's value in any script", set("tfserving:aws.owner", "Zoë: equipo/visión @ 東京"), ""},
		{"the longest owner", set("tfserving:aws.owner", text(256)), ""},
		{"an owner too long for a tag", set("tfserving:aws.owner", text(257)), `tfserving:aws.owner has 257 characters; a tag's value has at most 256`},
		{"a cost centre is a tag's value", set("tfserving:aws.costCentre", "a\nb"), `tfserving:aws.costCentre is "a\nb"; a tag's value may have only …`},
		{"a tag's value has no space around it", set("tfserving:aws.costCentre", "42 "), `tfserving:aws.costCentre is "42 "; a tag's value must not begin or end with a space`},
		{"aws: is AWS' own", set("tfserving:aws.owner", "AWS:me"), `tfserving:aws.owner is "AWS:me"; AWS reserves values that begin with aws:`},
	})
}

func TestEKSStackRules(t *testing.T) {
	dedicated := []Taint{{"dedicated", "model", "NoSchedule"}}
	const certificate = "arn:aws:acm:%s:%s:certificate/a-1"
	runRules(t, []rule{
		{"platform eks brings a controller for class alb", onEKS(change{"tfserving:ingress.class", "nginx"}), `tfserving:ingress.class is "nginx"; platform eks installs a controller for class alb only: set ingress.class to alb, or gateway.service to LoadBalancer`},
		{"a load balancer of its own needs no class", onEKS(change{"tfserving:ingress", map[string]any{"allowedCidrs": []string{"203.0.113.0/24"}}}, change{"tfserving:gateway.service", "LoadBalancer"}), ""},
		{"one group has no taints", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}), ""},
		{"not every group has taints", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].taints", dedicated}), `tfserving:nodeGroups has taints on every group; the pods of the application and of the cluster do not tolerate them: remove the taints of one group`},
		{"a taint that only advises keeps no pod out", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "PreferNoSchedule"}}}), ""},
		{"the autoscaler needs a node to run on", onEKS(change{"tfserving:nodeGroups[0].min", 0}, change{"tfserving:nodeGroups[1].min", 0}), `tfserving:nodeGroups has min 0 in every group without taints; the autoscaler runs on a node of such a group: set min of one group to 1 or more`},
		{"a tainted node is none for it", onEKS(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].min", 0}), `tfserving:nodeGroups has min 0 in every group without taints; …`},
		{"platform kubernetes may have taints on all", []change{{"tfserving:nodeGroups[0].taints", dedicated}, {"tfserving:nodeGroups[1].taints", dedicated}}, ""},
		{"a certificate of the stack's region", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}), ""},
		{"a certificate of another region", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "us-east-1", "123456789012")}), `tfserving:ingress.certificateArn is a certificate in us-east-1, but aws:region is eu-west-1; a load balancer uses only certificates of its own region`},
		{"a certificate of the stack's account", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}, change{"tfserving:aws.allowedAccountIds", []string{"123456789012"}}), ""},
		{"a certificate of another account", onEKS(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}, change{"tfserving:aws.allowedAccountIds", []string{"210987654321"}}), `tfserving:ingress.certificateArn is a certificate of account 123456789012, which is not in aws.allowedAccountIds; a load balancer uses only certificates of its own account`},
		{"an IAM server certificate is none of ACM's", onEKS(change{"tfserving:ingress.certificateArn", "arn:aws:iam::123456789012:server-certificate/a"}), `tfserving:ingress.certificateArn is "arn:aws:iam::123456789012:server-certificate/a"; it must be the ARN of an ACM certificate, such as …`},
	})
}

func TestEveryPodFitsOnSomeNode(t *testing.T) {
	// An m6i.large leaves pods 1930 m of its 2 cores, less 150 m for the pods that run on every node, and 6903 MiB.
	const small = `, for which even an empty node has no room: a node of group general (m6i.large) has 1780m and 6903Mi, of group burst (m6i.large) has 1780m and 6903Mi; lower the resources, or use larger instance types`
	model := func(cpu, memory string) change {
		return change{"tfserving:model.resources", map[string]string{"cpu": cpu, "memory": memory}}
	}
	runRules(t, []rule{
		{"a pod that fills a node", onEKS(model("1780m", "6903Mi")), ""},
		{"a model pod with too much CPU", onEKS(model("1781m", "1Gi")), `tfserving:model.resources is cpu 1781m and memory 1Gi` + small},
		{"a model pod with too much memory", onEKS(model("1", "6904Mi")), `tfserving:model.resources is cpu 1 and memory 6904Mi` + small},
		{"all of a node's vCPUs are never free", onEKS(model("2", "1Gi")), `tfserving:model.resources is cpu 2 and memory 1Gi` + small},
		{"a gateway pod", onEKS(change{"tfserving:gateway.resources.cpu", "4"}), `tfserving:gateway.resources is cpu 4 and memory 256Mi` + small},
		{"one larger group will do", onEKS(model("2", "1Gi"), change{"tfserving:nodeGroups[1].instanceTypes", []string{"m6i.xlarge"}}), ""},
		{"but not one with taints", onEKS(model("2", "1Gi"), change{"tfserving:nodeGroups[1].instanceTypes", []string{"m6i.xlarge"}}, change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "NoExecute"}}}),
			`tfserving:model.resources is cpu 2 and memory 1Gi, for which even an empty node has no room: a node of group general (m6i.large) has 1780m and 6903Mi; lower the resources, or use larger instance types`},
		{"headroom that no pod asks for", onEKS(change{"tfserving:autoscaler.headroom", map[string]any{"pods": 0, "resources": map[string]string{"cpu": "2"}}}), ""},
		{"headroom fits on a node", onEKS(change{"tfserving:autoscaler.headroom", map[string]any{"pods": 1, "resources": map[string]string{"cpu": "2"}}}), `tfserving:autoscaler.headroom.resources is cpu 2 and memory 1Gi` + small},
		{"what nodes a cluster that exists has is not known", []change{model("64", "1Ti")}, ""},
		{"an unknown instance type is said once", onEKS(model("2", "1Gi"), change{"tfserving:nodeGroups[0].instanceTypes", []string{"m6i.lrge"}}), `tfserving:nodeGroups[0].instanceTypes[0] is "m6i.lrge", which …`},
	})
}

func TestTheNetworkHoldsThePods(t *testing.T) {
	groups := func(max int, types ...string) change {
		return change{"tfserving:nodeGroups", []any{map[string]any{"name": "general", "instanceTypes": types, "max": max}}}
	}
	cidr := func(text string) change { return change{"tfserving:network.cidr", text} }
	runRules(t, []rule{
		// An m6i.large holds 3 interfaces of 10 addresses. Each zone of a /20 has 1024 addresses for pods, less 5.
		{"as many as the private subnets have", onEKS(cidr("10.0.0.0/20"), groups(67, "m6i.large")), ""},
		{"one node more", onEKS(cidr("10.0.0.0/20"), groups(68, "m6i.large")), `tfserving:network.cidr is 10.0.0.0/20, which is too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their max need 2040 (general: 68 nodes of 29 pods); use a larger range, or lower max`},
		{"a third zone has more", onEKS(cidr("10.0.0.0/20"), groups(68, "m6i.large"), change{"tfserving:network.zones", 3}), ""},
		{"a larger range has more", onEKS(cidr("10.0.0.0/19"), groups(68, "m6i.large")), ""},
		{"the type with the most addresses counts", onEKS(cidr("10.0.0.0/20"), groups(60, "m6i.large", "t3.large", "m6a.large")), `tfserving:network.cidr is 10.0.0.0/20, which is too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their max need 2160 (general: 60 nodes of 35 pods); …`},
		{"prefix delegation gives more pods", onEKS(cidr("10.0.0.0/20"), groups(18, "m6i.large"), change{"tfserving:cluster.prefixDelegation", true}), ""},
		{"and takes more addresses", onEKS(cidr("10.0.0.0/20"), groups(19, "m6i.large"), change{"tfserving:cluster.prefixDelegation", true}), `tfserving:network.cidr is 10.0.0.0/20, which is too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their max need 2147 (general: 19 nodes of 110 pods); …`},
		{"a cluster that exists has its own network", []change{cidr("10.0.0.0/20"), groups(400, "m6i.large")}, ""},
		{"a bad range is said once", onEKS(cidr("10.0.0.0/28"), groups(68, "m6i.large")), `tfserving:network.cidr is 10.0.0.0/28; it must be private IPv4 (RFC 1918), from /16 to /20`},
	})
}
