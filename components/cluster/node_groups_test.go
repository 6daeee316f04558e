package cluster

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/mockengine"
)

func TestNodeGroupsFollowTheirSettings(t *testing.T) {
	g := newGraph(t)
	common := map[string]any{
		"clusterName": "dev", "version": "1.34", "nodeRoleArn": "arn:aws:iam::" + mockengine.Account + ":role/tfserving-node",
		"subnetIds":        []any{"subnet-a", "subnet-b"},
		"updateConfig":     map[string]any{"maxUnavailablePercentage": 33.0},
		"nodeRepairConfig": map[string]any{"enabled": true},
	}
	for key, want := range map[string]map[string]any{
		general: {
			"nodeGroupNamePrefix": "general-", "amiType": "AL2023_x86_64_STANDARD", "capacityType": "ON_DEMAND",
			"instanceTypes":  []any{"m7i.large", "m6i.large"},
			"scalingConfig":  map[string]any{"minSize": 1.0, "maxSize": 4.0, "desiredSize": 2.0},
			"launchTemplate": map[string]any{"id": "launchtemplate/tfserving-general", "version": "7"},
			"tags":           map[string]any{storageTag: "35Gi"}, // 40 GiB without a tenth and without 1 GiB
		},
		spot: {
			"nodeGroupNamePrefix": "spot-", "amiType": "AL2023_ARM_64_STANDARD", "capacityType": "SPOT",
			"instanceTypes":  []any{"m7g.large"},
			"scalingConfig":  map[string]any{"minSize": 0.0, "maxSize": 8.0, "desiredSize": 0.0},
			"launchTemplate": map[string]any{"id": "launchtemplate/tfserving-spot", "version": "7"},
			"tags":           map[string]any{storageTag: "44Gi"}, // of 50 GiB
			"labels":         map[string]any{"pool": "spot"},
			"taints":         []any{map[string]any{"key": "spot", "effect": "NO_SCHEDULE"}},
		},
	} {
		maps.Copy(want, common)
		if got := g.inputs(t, key); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%v, want\n%v", key, got, want)
		}
	}
}

func TestAnUpKeepsTheNumberOfNodesThatTheAutoscalerSet(t *testing.T) {
	g := newGraph(t)
	for _, key := range []string{general, spot} {
		if got := g.get(t, key).RegisterRPC.GetIgnoreChanges(); !slices.Equal(got, []string{"scalingConfig.desiredSize"}) {
			t.Errorf("%s ignores changes of %v, want of its desired size alone", key, got)
		}
		// Two groups cannot have one name, so with a fixed name a replacement would first delete the nodes.
		if g.inputs(t, key)["nodeGroupName"] != nil || g.get(t, key).RegisterRPC.GetDeleteBeforeReplace() {
			t.Errorf("%s is deleted before its replacement exists", key)
		}
	}
}

func TestNodesComeAfterWhatTheyNeedAndNothingElse(t *testing.T) {
	for _, prefixes := range []bool{true, false} {
		g := newGraph(t, func(a *Args) { a.PrefixDelegation = prefixes })
		for _, group := range []string{general, spot} {
			for _, before := range []string{
				controlPlane, cniAssociation, nodeRole, "aws:ec2/natGateway:NatGateway gateway",
				"aws:iam/rolePolicyAttachment:RolePolicyAttachment tfserving-node-AmazonEKSWorkerNodePolicy",
			} {
				if !g.comesAfter(t, group, before) {
					t.Errorf("%s does not wait for %s", group, before)
				}
			}
			if g.comesAfter(t, group, addonKey("vpc-cni")) != prefixes {
				t.Errorf("prefix delegation %v: %s waits for the CNI add-on: %v", prefixes, group, !prefixes)
			}
			for _, independent := range []string{addonKey("kube-proxy"), addonKey("eks-pod-identity-agent")} {
				if g.comesAfter(t, group, independent) {
					t.Errorf("%s waits for %s, which it does not need", group, independent)
				}
			}
		}
		for _, early := range []string{nodeRole, generalTemplate, logGroup, secretsKey} {
			if g.comesAfter(t, early, controlPlane) {
				t.Errorf("%s waits for the control plane, which it does not need", early)
			}
		}
	}
}

func TestInstancesAreHardenedAndTagged(t *testing.T) {
	got := newGraph(t).inputs(t, generalTemplate)
	tags := map[string]any{"owner": "platform", "Name": "dev-general"}
	want := map[string]any{
		"description":     "Nodes of group general in EKS cluster dev",
		"metadataOptions": map[string]any{"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1.0},
		"blockDeviceMappings": []any{map[string]any{"deviceName": "/dev/xvda", "ebs": map[string]any{
			"volumeType": "gp3", "volumeSize": 40.0, "encrypted": "true", "deleteOnTermination": "true",
		}}},
		"monitoring": map[string]any{"enabled": false},
		"tagSpecifications": []any{
			map[string]any{"resourceType": "instance", "tags": tags},
			map[string]any{"resourceType": "volume", "tags": tags},
			map[string]any{"resourceType": "network-interface", "tags": tags},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the launch template is\n%v, want\n%v", got, want)
	}
}

func TestNodesHaveThePoliciesThatTheyNeedAndNoOthers(t *testing.T) {
	need := []string{"AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"}
	for ssm, want := range map[bool][]string{false: need, true: append(slices.Clone(need), "AmazonSSMManagedInstanceCore")} {
		var got []string
		for _, r := range newGraph(t, func(a *Args) { a.SSMAccess = ssm }).OfType("aws:iam/rolePolicyAttachment:RolePolicyAttachment") {
			if strings.HasPrefix(r.Name, "tfserving-node-") {
				got = append(got, strings.TrimPrefix(r.Inputs["policyArn"].StringValue(), "arn:aws:iam::aws:policy/"))
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("SSM access %v: nodes have policies %v, want %v", ssm, got, want)
		}
	}
}

func TestImpossibleClustersAreRefusedBeforeAnyResourceIsRegistered(t *testing.T) {
	for want, change := range map[string]func(*Args){
		"0 characters":             func(a *Args) { a.NodeGroups[0].Name = "" },
		"37 characters":            func(a *Args) { a.NodeGroups[0].Name = strings.Repeat("g", 37) },
		`architecture "riscv64"`:   func(a *Args) { a.NodeGroups[0].Architecture = "riscv64" },
		`effect "NO_SCHEDULE"`:     func(a *Args) { a.NodeGroups[1].Taints[0].Effect = "NO_SCHEDULE" },
		`two node groups`:          func(a *Args) { a.NodeGroups[1].Name = "general" },
		"takes any pod":            func(a *Args) { a.NodeGroups[0].Desired = 0 },
		"no node group":            func(a *Args) { a.NodeGroups = a.NodeGroups[1:] },
		"one must have desired of": func(a *Args) { a.NodeGroups[0].Taints = []Taint{{Key: "k", Effect: "NoExecute"}} },
	} {
		g, err := register(change)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
		for _, r := range g.Resources {
			if strings.HasPrefix(r.TypeToken, "tfserving:") {
				t.Errorf("%s: %s was registered", want, r.TypeToken)
			}
		}
	}
	longest := func(a *Args) { a.NodeGroups[0].Name = strings.Repeat("g", 36) }
	if _, err := register(longest, func(a *Args) { a.NodeGroups[0].Taints = []Taint{{Key: "k", Effect: "PreferNoSchedule"}} }); err != nil {
		t.Errorf("a valid cluster is refused: %v", err)
	}
}

func TestTheClustersNameLeavesRoomForTheNamesOfItsRoles(t *testing.T) {
	// pulumi-eks adds "-eksRole-role" and Pulumi "-0123456"; IAM allows 64 characters.
	for n, ok := range map[int]bool{43: true, 44: false} {
		if err := checkName(strings.Repeat("n", n)); (err == nil) != ok {
			t.Errorf("a name of %d characters: %v", n, err)
		}
	}
}
