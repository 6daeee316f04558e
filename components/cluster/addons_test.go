package cluster

import (
	"encoding/json"
	"reflect"
	"testing"

	"tfserving/internal/mockengine"
)

func TestAddonsHaveThePinnedVersionOrTheDefaultForTheNodesVersion(t *testing.T) {
	g := newGraph(t, func(a *Args) { a.Version, a.AddonVersions = "1.35", map[string]string{"coredns": "v1.13.2-eksbuild.3"} })
	for _, name := range []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"} {
		got := g.inputs(t, addonKey(name))
		want := "default-of-" + name + "-for-1.34"
		if name == "coredns" {
			want = "v1.13.2-eksbuild.3"
		}
		if got["addonVersion"] != want {
			t.Errorf("%s has version %v, want %s", name, got["addonVersion"], want)
		}
		if got["clusterName"] != "dev" || got["addonName"] != name {
			t.Errorf("%s is add-on %v of cluster %v", name, got["addonName"], got["clusterName"])
		}
		for _, property := range []string{"resolveConflictsOnCreate", "resolveConflictsOnUpdate"} {
			if got[property] != "OVERWRITE" {
				t.Errorf("%s: %s is %v", name, property, got[property])
			}
		}
	}
}

func TestOnlyAddonsThatNeedANodeWaitForNodes(t *testing.T) {
	g := newGraph(t)
	for name, needs := range map[string]bool{"vpc-cni": false, "kube-proxy": false, "eks-pod-identity-agent": false, "coredns": true, "metrics-server": true} {
		key := addonKey(name)
		if !g.comesAfter(t, key, controlPlane) {
			t.Errorf("%s does not wait for the control plane", name)
		}
		for _, group := range []string{general, spot} {
			if g.comesAfter(t, key, group) != needs {
				t.Errorf("%s waits for %s: %v, want %v", name, group, !needs, needs)
			}
		}
		// A destroy deletes these add-ons while nodes drain. A drain needs their pods, so the pods must stay.
		if preserve := g.inputs(t, key)["preserve"]; preserve != !needs {
			t.Errorf("%s is preserved: %v, want %v", name, preserve, !needs)
		}
	}
}

func TestAddonsHaveTheSettingsOfTheCluster(t *testing.T) {
	for _, prefixes := range []string{"true", "false"} {
		g := newGraph(t, func(a *Args) { a.PrefixDelegation = prefixes == "true" })
		for name, want := range map[string]map[string]any{
			"vpc-cni":                {"enableNetworkPolicy": "true", "env": map[string]any{"ENABLE_PREFIX_DELEGATION": prefixes}},
			"eks-pod-identity-agent": {"tolerations": []any{map[string]any{"operator": "Exists"}}},
			"kube-proxy":             nil, "coredns": nil, "metrics-server": nil,
		} {
			var got map[string]any
			if text, ok := g.inputs(t, addonKey(name))["configurationValues"]; ok {
				if err := json.Unmarshal([]byte(text.(string)), &got); err != nil {
					t.Fatal(err)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("settings of %s are %v, want %v", name, got, want)
			}
		}
	}
}

func TestTheCNIHasARoleOfItsOwn(t *testing.T) {
	g := newGraph(t)
	got := g.inputs(t, cniAssociation)
	if got["namespace"] != "kube-system" || got["serviceAccount"] != "aws-node" || got["clusterName"] != "dev" {
		t.Errorf("the association of the CNI's role is %v", got)
	}
	policy := g.inputs(t, "aws:iam/rolePolicyAttachment:RolePolicyAttachment tfserving-vpc-cni-AmazonEKS_CNI_Policy")["policyArn"]
	if policy != "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy" {
		t.Errorf("the CNI's role has policy %v", policy)
	}
	if g.comesAfter(t, "aws:iam/role:Role tfserving-vpc-cni", controlPlane) {
		t.Error("the CNI's role waits for the control plane, which it does not need")
	}
}

func TestReadyWaitsForWhatAPodNeedsAndNothingElse(t *testing.T) {
	g := newGraph(t)
	for _, before := range []string{controlPlane, general, spot, cniAssociation, addonKey("vpc-cni"), addonKey("kube-proxy"), addonKey("coredns"), addonKey("eks-pod-identity-agent")} {
		if !g.comesAfter(t, userOfReady, before) {
			t.Errorf("Ready does not wait for %s", before)
		}
	}
	if g.comesAfter(t, userOfReady, addonKey("metrics-server")) {
		t.Error("Ready waits for metrics-server, which no pod needs to run")
	}
	for key, want := range map[string]string{userOfReady: "dev", userOfName: "dev", userOfARN: "arn:aws:eks:eu-west-1:" + mockengine.Account + ":cluster/dev"} {
		if got := g.inputs(t, key)["role"]; got != want {
			t.Errorf("%s gets %v, want %s", key, got, want)
		}
	}
	for _, key := range []string{userOfName, userOfARN} {
		if !g.comesAfter(t, key, controlPlane) || g.comesAfter(t, key, general) {
			t.Errorf("%s must wait for the control plane, and for no node", key)
		}
	}
}
