package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestAccountRules(t *testing.T) {
	text := func(n int) string { return strings.Repeat("é", n) }
	runRules(t, []rule{
		{"platform eks needs a region", eks(change{"aws:region", removed}), `aws:region is missing; platform eks needs the AWS region, such as eu-west-1`},
		{"platform kubernetes needs none", one("aws:region", removed), ""},
		{"a region is AWS'", eks(change{"aws:region", "ireland"}), `aws:region is "ireland"; it must be an AWS region, such as eu-west-1`},
		{"a zone is no region", eks(change{"aws:region", "eu-west-1a"}), `aws:region is "eu-west-1a"; it must be an AWS region, such as eu-west-1`},
		{"a region has a form on every platform", one("aws:region", "EU-WEST-1"), `aws:region is "EU-WEST-1"; it must be an AWS region, such as eu-west-1`},
		{"a region of more words", eks(change{"aws:region", "us-gov-west-1"}), ""},
		{"a region of the European Sovereign Cloud", eks(change{"aws:region", "eusc-de-east-1"}), ""},
		{"accounts", one("tfserving:aws.allowedAccountIds", []string{"123456789012", "000000000001"}), ""},
		{"an account has 12 digits", one("tfserving:aws.allowedAccountIds", []string{"12345678901"}), `tfserving:aws.allowedAccountIds[0] is "12345678901"; an AWS account has 12 digits`},
		{"an account is text, for its zeros", one("tfserving:aws.allowedAccountIds", []int{123456789012}), `tfserving:aws.allowedAccountIds[0] is 123456789012; it must be text, in quotes`},
		{"an account twice", one("tfserving:aws.allowedAccountIds", []string{"123456789012", "123456789012"}), `tfserving:aws.allowedAccountIds[1] is "123456789012", and so is an earlier one; remove it`},
		{"platform eks needs an owner", eks(change{"tfserving:aws.owner", removed}), `tfserving:aws.owner is missing; say who answers for the stack's AWS resources, such as a team's name`},
		{"an owner is a tag's value", one("tfserving:aws.owner", "us & them"), `tfserving:aws.owner is "us & them"; a tag's value has only letters, digits, spaces and _ . : / = + - @`},
		{"an owner by mail", one("tfserving:aws.owner", "Zoë <zoe@example.com>"), `tfserving:aws.owner is "Zoë <zoe@example.com>"; a tag's value has only …`},
		{"a tag's value in any script", one("tfserving:aws.owner", "Zoë: equipo/visión @ 東京"), ""},
		{"the longest owner", one("tfserving:aws.owner", text(256)), ""},
		{"an owner too long for a tag", one("tfserving:aws.owner", text(257)), `tfserving:aws.owner has 257 characters; a tag's value has at most 256`},
		{"a cost centre is a tag's value", one("tfserving:aws.costCentre", "a\nb"), `tfserving:aws.costCentre is "a\nb"; a tag's value has only …`},
		{"a tag's value has no space around it", one("tfserving:aws.costCentre", "42 "), `tfserving:aws.costCentre is "42 "; a tag's value neither begins nor ends with a space`},
		{"aws: is AWS' own", one("tfserving:aws.owner", "AWS:me"), `tfserving:aws.owner is "AWS:me"; AWS keeps what begins with aws: for itself`},
	})
}

func TestEKSStackRules(t *testing.T) {
	dedicated := []Taint{{"dedicated", "model", "NoSchedule"}}
	const certificate = "arn:aws:acm:%s:%s:certificate/a-1"
	runRules(t, []rule{
		{"platform eks brings a controller for class alb", eks(change{"tfserving:ingress.class", "nginx"}), `tfserving:ingress.class is "nginx"; the controller that platform eks brings is for class alb: set that, or gateway.service to LoadBalancer`},
		{"a load balancer of its own needs no class", eks(change{"tfserving:ingress", map[string]any{"allowedCidrs": []string{"203.0.113.0/24"}}}, change{"tfserving:gateway.service", "LoadBalancer"}), ""},
		{"one group has no taints", eks(change{"tfserving:nodeGroups[0].taints", dedicated}), ""},
		{"not every group has taints", eks(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].taints", dedicated}), `tfserving:nodeGroups has taints on every group; the application and the cluster's own pods tolerate none, so one group must be without`},
		{"a taint that only advises keeps no pod out", eks(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "PreferNoSchedule"}}}), ""},
		{"the autoscaler needs a node to run on", eks(change{"tfserving:nodeGroups[0].min", 0}, change{"tfserving:nodeGroups[1].min", 0}), `tfserving:nodeGroups has min 0 in every group without taints; the autoscaler itself runs on such a node, so one group must keep one`},
		{"a tainted node is none for it", eks(change{"tfserving:nodeGroups[0].taints", dedicated}, change{"tfserving:nodeGroups[1].min", 0}), `tfserving:nodeGroups has min 0 in every group without taints; …`},
		{"platform kubernetes may have taints on all", []change{{"tfserving:nodeGroups[0].taints", dedicated}, {"tfserving:nodeGroups[1].taints", dedicated}}, ""},
		{"a certificate of the stack's region", eks(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}), ""},
		{"a certificate of another region", eks(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "us-east-1", "123456789012")}), `tfserving:ingress.certificateArn is a certificate in us-east-1 and aws:region is eu-west-1; a load balancer uses certificates of its own region only`},
		{"a certificate of the stack's account", eks(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}, change{"tfserving:aws.allowedAccountIds", []string{"123456789012"}}), ""},
		{"a certificate of another account", eks(change{"tfserving:ingress.certificateArn", fmt.Sprintf(certificate, "eu-west-1", "123456789012")}, change{"tfserving:aws.allowedAccountIds", []string{"210987654321"}}), `tfserving:ingress.certificateArn is a certificate of account 123456789012, which is none of aws.allowedAccountIds; a load balancer uses certificates of its own account only`},
		{"an IAM server certificate is none of ACM's", eks(change{"tfserving:ingress.certificateArn", "arn:aws:iam::123456789012:server-certificate/a"}), `tfserving:ingress.certificateArn is "arn:aws:iam::123456789012:server-certificate/a"; it must be the ARN of an ACM certificate, such as …`},
	})
}

func TestEveryPodFitsOnSomeNode(t *testing.T) {
	// An m6i.large leaves pods 1930 m of its 2 cores, less 150 m for the pods that run on every node, and 6903 MiB.
	const small = `, for which no node has room, be it empty: a node of group general (m6i.large) has 1780m and 6903Mi, of group burst (m6i.large) has 1780m and 6903Mi; ask for less, or take larger instance types`
	model := func(cpu, memory string) change {
		return change{"tfserving:model.resources", map[string]string{"cpu": cpu, "memory": memory}}
	}
	runRules(t, []rule{
		{"a pod that fills a node", eks(model("1780m", "6903Mi")), ""},
		{"a model pod with too much CPU", eks(model("1781m", "1Gi")), `tfserving:model.resources is cpu 1781m and memory 1Gi` + small},
		{"a model pod with too much memory", eks(model("1", "6904Mi")), `tfserving:model.resources is cpu 1 and memory 6904Mi` + small},
		{"all of a node's vCPUs are never free", eks(model("2", "1Gi")), `tfserving:model.resources is cpu 2 and memory 1Gi` + small},
		{"a gateway pod", eks(change{"tfserving:gateway.resources.cpu", "4"}), `tfserving:gateway.resources is cpu 4 and memory 256Mi` + small},
		{"one larger group will do", eks(model("2", "1Gi"), change{"tfserving:nodeGroups[1].instanceTypes", []string{"m6i.xlarge"}}), ""},
		{"but not one with taints", eks(model("2", "1Gi"), change{"tfserving:nodeGroups[1].instanceTypes", []string{"m6i.xlarge"}}, change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "NoExecute"}}}),
			`tfserving:model.resources is cpu 2 and memory 1Gi, for which no node has room, be it empty: a node of group general (m6i.large) has 1780m and 6903Mi; ask for less, or take larger instance types`},
		{"headroom that no pod asks for", eks(change{"tfserving:autoscaler.headroom", map[string]any{"pods": 0, "resources": map[string]string{"cpu": "2"}}}), ""},
		{"headroom fits on a node", eks(change{"tfserving:autoscaler.headroom", map[string]any{"pods": 1, "resources": map[string]string{"cpu": "2"}}}), `tfserving:autoscaler.headroom.resources is cpu 2 and memory 1Gi` + small},
		{"what nodes a cluster that exists has is not known", []change{model("64", "1Ti")}, ""},
		{"an unknown instance type is said once", eks(model("2", "1Gi"), change{"tfserving:nodeGroups[0].instanceTypes", []string{"m6i.lrge"}}), `tfserving:nodeGroups[0].instanceTypes[0] is "m6i.lrge", which …`},
	})
}

func TestTheNetworkHoldsThePods(t *testing.T) {
	groups := func(max int, types ...string) change {
		return change{"tfserving:nodeGroups", []any{map[string]any{"name": "general", "instanceTypes": types, "max": max}}}
	}
	cidr := func(text string) change { return change{"tfserving:network.cidr", text} }
	runRules(t, []rule{
		// An m6i.large holds 3 interfaces of 10 addresses. Each zone of a /20 has 1024 addresses for pods, less 5.
		{"as many as the private subnets have", eks(cidr("10.0.0.0/20"), groups(67, "m6i.large")), ""},
		{"one node more", eks(cidr("10.0.0.0/20"), groups(68, "m6i.large")), `tfserving:network.cidr is 10.0.0.0/20, too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their most take 2040 (general: 68 nodes of 29 pods); take a larger range, or lower max`},
		{"a third zone has more", eks(cidr("10.0.0.0/20"), groups(68, "m6i.large"), change{"tfserving:network.zones", 3}), ""},
		{"a larger range has more", eks(cidr("10.0.0.0/19"), groups(68, "m6i.large")), ""},
		{"the type with the most addresses counts", eks(cidr("10.0.0.0/20"), groups(60, "m6i.large", "t3.large", "m6a.large")), `tfserving:network.cidr is 10.0.0.0/20, too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their most take 2160 (general: 60 nodes of 35 pods); …`},
		{"prefix delegation gives more pods", eks(cidr("10.0.0.0/20"), groups(18, "m6i.large"), change{"tfserving:cluster.prefixDelegation", true}), ""},
		{"and takes more addresses", eks(cidr("10.0.0.0/20"), groups(19, "m6i.large"), change{"tfserving:cluster.prefixDelegation", true}), `tfserving:network.cidr is 10.0.0.0/20, too small: its private subnets in 2 zones have 2038 addresses, and the node groups at their most take 2147 (general: 19 nodes of 110 pods); …`},
		{"a cluster that exists has its own network", []change{cidr("10.0.0.0/20"), groups(400, "m6i.large")}, ""},
		{"a bad range is said once", eks(cidr("10.0.0.0/28"), groups(68, "m6i.large")), `tfserving:network.cidr is 10.0.0.0/28; it must be private IPv4 (RFC 1918), from /16 to /20`},
	})
}
