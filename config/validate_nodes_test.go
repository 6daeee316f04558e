package config

import (
	"strings"
	"testing"
)

func TestNodeGroupRules(t *testing.T) {
	runRules(t, []rule{
		{"a group needs a name", set("tfserving:nodeGroups[0].name", removed), `tfserving:nodeGroups[0].name is missing; give it a name`},
		{"a group's name is a DNS label", set("tfserving:nodeGroups[0].name", "General"), `tfserving:nodeGroups[0].name is "General"; it must be ` + dnsLabel},
		{"two groups of one name", set("tfserving:nodeGroups[1].name", "general"), `tfserving:nodeGroups[1].name is "general", which an earlier group has, too; give each group its own name`},
		{"a group needs an instance type", set("tfserving:nodeGroups[0].instanceTypes", removed), `tfserving:nodeGroups[0].instanceTypes is empty; give at least one EC2 instance type, such as m6i.large`},
		{"an instance type has a family and a size", set("tfserving:nodeGroups[1].instanceTypes[1]", "m6ilarge"), `tfserving:nodeGroups[1].instanceTypes[1] is "m6ilarge", which is not in this program's list of EC2 instance types; did you mean m6i.large, c6i.large, m1.large?`},
		{"an instance type whose family has a suffix", set("tfserving:nodeGroups[0].instanceTypes", []string{"m7i-flex.large"}), ""},
		{"an unknown instance type, with the most similar first", set("tfserving:nodeGroups[0].instanceTypes[0]", "m6i.lrge"), `tfserving:nodeGroups[0].instanceTypes[0] is "m6i.lrge", which is not in this program's list of EC2 instance types; did you mean m6i.large, …`},
		{"an instance type twice", set("tfserving:nodeGroups[1].instanceTypes[1]", "m6i.large"), `tfserving:nodeGroups[1].instanceTypes[1] is "m6i.large", which an earlier entry is, too; remove it`},
		{"instance types with different architectures", set("tfserving:nodeGroups[1].instanceTypes[1]", "m7g.large"), `tfserving:nodeGroups[1].instanceTypes has m6i.large (amd64) and m7g.large (arm64); all types of a group must have one architecture: make a group for each`},
		{"a group of Arm instances", set("tfserving:nodeGroups[1].instanceTypes", []string{"m7g.large", "m6g.large"}), ""},
		{"instance types with different vCPUs", set("tfserving:nodeGroups[1].instanceTypes[1]", "c6i.xlarge"), `tfserving:nodeGroups[1].instanceTypes has m6i.large (2 vCPUs, 8192 MiB) and c6i.xlarge (4 vCPUs, 8192 MiB); the autoscaler assumes that a group's nodes are of one size: make a group for each size`},
		{"instance types with different memory", set("tfserving:nodeGroups[1].instanceTypes[1]", "c6i.large"), `tfserving:nodeGroups[1].instanceTypes has m6i.large (2 vCPUs, 8192 MiB) and c6i.large (2 vCPUs, 4096 MiB); the autoscaler assumes that a group's nodes are of one size: make a group for each size`},
		{"an unknown capacity", set("tfserving:nodeGroups[0].capacity", "Spot"), `tfserving:nodeGroups[0].capacity is "Spot"; it must be onDemand or spot`},
		{"min above max", set("tfserving:nodeGroups[0].min", 5), `tfserving:nodeGroups[0].min is 5, above max 4; min must be at most max`},
		{"a group may be empty", set("tfserving:nodeGroups[0].min", 0), ""},
		{"nodes are not negative", set("tfserving:nodeGroups[0].min", -1), `tfserving:nodeGroups[0].min is -1; it must be from 0 to 450`},
		{"more nodes than a node group of EKS allows", set("tfserving:nodeGroups[0].max", 451), `tfserving:nodeGroups[0].max is 451; it must be from 1 to 450`},
		{"a disk smaller than the image", set("tfserving:nodeGroups[0].diskGiB", 8), `tfserving:nodeGroups[0].diskGiB is 8; it must be from 20 to 16384`},
		{"desired 0 starts with min", set("tfserving:nodeGroups[0].desired", 0), ""},
		{"desired may be max", set("tfserving:nodeGroups[0].desired", 4), ""},
		{"desired below min", set("tfserving:nodeGroups[0].desired", 1), `tfserving:nodeGroups[0].desired is 1; it must be from min 2 to max 4, or 0 to start with min`},
		{"desired above max", set("tfserving:nodeGroups[0].desired", 5), `tfserving:nodeGroups[0].desired is 5; it must be from min 2 to max 4, or 0 to start with min`},
	})
}

func TestNodeLabelAndTaintRules(t *testing.T) {
	label := func(key, value string) []change {
		return set("tfserving:nodeGroups[0].labels", map[string]string{key: value})
	}
	taint := func(key, value, effect string) []change {
		return set("tfserving:nodeGroups[0].taints", []Taint{{key, value, effect}})
	}
	const (
		notAKey  = `; it must be letters, digits, -, _ and ., after an optional domain, as in example.com/team`
		reserved = `; EKS reserves kubernetes.io, k8s.io, eks.amazonaws.com, so use another domain or none`
	)
	runRules(t, []rule{
		{"a label", label("team", "vision"), ""},
		{"a label with a domain", label("example.com/team", "vision"), ""},
		{"a label's key has no spaces", label("my team", "x"), `tfserving:nodeGroups[0].labels[my team] has the key "my team"` + notAKey},
		{"a label's value has no spaces", label("team", "a b"), `tfserving:nodeGroups[0].labels[team] is "a b"; a label's value must be 1 to 63 letters, digits, -, _ and ., with a letter or digit first and last`},
		{"EKS needs a value for each label", label("team", ""), `tfserving:nodeGroups[0].labels[team] is ""; a label's value must be 1 to 63 letters, …`},
		{"a key longer than EKS allows", label("example.com/"+strings.Repeat("x", 52), "y"), `tfserving:nodeGroups[0].labels[example.com/` + strings.Repeat("x", 52) + `] has a key of 64 characters; EKS allows at most 63`},
		{"the longest key", label("example.com/"+strings.Repeat("x", 51), "y"), ""},
		{"a label in the domain of Kubernetes", label("kubernetes.io/os", "linux"), `tfserving:nodeGroups[0].labels[kubernetes.io/os] has the key "kubernetes.io/os"` + reserved},
		{"a label in a subdomain of Kubernetes", label("node-role.kubernetes.io/model", "x"), `tfserving:nodeGroups[0].labels[node-role.kubernetes.io/model] has the key "node-role.kubernetes.io/model"` + reserved},
		{"a label in the domain of EKS", label("eks.amazonaws.com/nodegroup", "x"), `tfserving:nodeGroups[0].labels[eks.amazonaws.com/nodegroup] has the key "eks.amazonaws.com/nodegroup"` + reserved},
		{"a domain that only ends like that of Kubernetes", label("notkubernetes.io/os", "linux"), ""},
		{"a taint", taint("dedicated", "model", "NoSchedule"), ""},
		{"a taint without a value", taint("dedicated", "", "NoExecute"), ""},
		{"a taint needs a key", taint("", "model", "NoSchedule"), `tfserving:nodeGroups[0].taints[0].key is missing; give it a key, such as dedicated`},
		{"a taint's key has no spaces", taint("a b", "model", "NoSchedule"), `tfserving:nodeGroups[0].taints[0].key has the key "a b"` + notAKey},
		{"a taint in the domain of Kubernetes", taint("node.kubernetes.io/x", "", "NoSchedule"), `tfserving:nodeGroups[0].taints[0].key has the key "node.kubernetes.io/x"` + reserved},
		{"a taint's value has no spaces", taint("dedicated", "a b", "NoSchedule"), `tfserving:nodeGroups[0].taints[0].value is "a b"; a taint's value must be at most 63 letters, …`},
		{"a taint needs an effect", taint("dedicated", "", ""), `tfserving:nodeGroups[0].taints[0].effect is missing; it must be NoSchedule or PreferNoSchedule or NoExecute`},
		{"an effect as the EKS API names it", taint("dedicated", "", "NO_SCHEDULE"), `tfserving:nodeGroups[0].taints[0].effect is "NO_SCHEDULE"; it must be NoSchedule or PreferNoSchedule or NoExecute`},
		{"a taint twice", set("tfserving:nodeGroups[0].taints", []Taint{{"a", "x", "NoSchedule"}, {"a", "y", "NoSchedule"}}), `tfserving:nodeGroups[0].taints[1] has the key and effect of an earlier taint; remove it`},
		{"a key with two effects", set("tfserving:nodeGroups[0].taints", []Taint{{"a", "x", "NoSchedule"}, {"a", "x", "NoExecute"}}), ""},
		{"an unknown key in a taint", set("tfserving:nodeGroups[0].taints", []any{map[string]string{"key": "a", "efect": "NoSchedule", "effect": "NoSchedule"}}), `tfserving:nodeGroups[0].taints[0].efect is not a setting; the settings here are effect, …`},
	})
}
