package program

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/resource"
)

func TestControlPlaneDoesNotUseOutdatedDefaults(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		eksCluster := g.single(t, mockengine.Cluster)
		for key, want := range map[string]any{
			"name": config.ClusterName(g.stack), "version": g.settings.Cluster.Version,
			"authenticationMode": "API", "skipDefaultNodeGroup": true, "useDefaultVpcCni": true, "createOidcProvider": false,
		} {
			if got := eksCluster.input(key); !reflect.DeepEqual(got, want) {
				t.Errorf("the control plane's %s is %v, want %v", key, got, want)
			}
		}
		if got := eksCluster.list("enabledClusterLogTypes"); !slices.Equal(got, g.settings.Cluster.LogTypes) {
			t.Errorf("the control plane's logs are %v, want %v", got, g.settings.Cluster.LogTypes)
		}
		inner := g.engine.ControlPlane.Properties
		if got := resource.At(inner, "upgradePolicy", "supportType"); got != "STANDARD" {
			t.Errorf("the support type is %v, want STANDARD: extended support costs six times as much", got)
		}
		if got := resource.At(inner, "zonalShiftConfig", "enabled"); got != g.settings.Cluster.ZonalShift {
			t.Errorf("zonal shift is %v, want %v", got, g.settings.Cluster.ZonalShift)
		}
		if got := resource.At(inner, "bootstrapSelfManagedAddons"); got != false {
			t.Errorf("bootstrapSelfManagedAddons is %v: EKS would install add-ons of its own", got)
		}
	})
}

// Without administrators in the settings, the creator of the cluster must be one, or nobody could use the cluster.
func TestAdministratorsAreTheNamedIdentitiesOrTheCreator(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		want := g.settings.Cluster.Administrators
		entries, _ := g.single(t, mockengine.Cluster).input("accessEntries").(map[string]any)
		var got []string
		for name, e := range entries {
			arn, _ := resource.At(e, "principalArn").(string)
			got = append(got, arn)
			policies, _ := resource.At(e, "accessPolicies").(map[string]any)
			if policy, _ := resource.At(policies["administrator"], "policyArn").(string); len(policies) != 1 || !strings.HasSuffix(policy, "/AmazonEKSClusterAdminPolicy") {
				t.Errorf("access entry %s has policies %v", name, policies)
			}
		}
		if !slices.Equal(sorted(got), sorted(want)) {
			t.Errorf("administrators are %v, want %v", got, want)
		}
		if got := resource.At(g.engine.ControlPlane.Properties, "accessConfig", "bootstrapClusterCreatorAdminPermissions"); got != (len(want) == 0) {
			t.Errorf("the creator is an administrator: %v, want %t", got, len(want) == 0)
		}
	})
}

func TestAddonsFollowTheSettings(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		seen := map[string]bool{}
		for _, a := range g.ofType(typeAddon) {
			name := a.text("addonName")
			seen[name] = true
			want := "EKS's default for " + g.settings.Cluster.VersionOfNodes()
			if pinned := g.settings.Cluster.AddonVersions[name]; pinned != "" {
				want = pinned
			}
			if got := a.text("addonVersion"); got != want {
				t.Errorf("add-on %s has version %q, want %q", name, got, want)
			}
		}
		for _, name := range []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"} {
			if !seen[name] {
				t.Errorf("there is no add-on %s", name)
			}
		}
		var cni map[string]any
		if err := json.Unmarshal([]byte(g.resource(t, typeAddon, g.clusterName()+"-vpc-cni").text("configurationValues")), &cni); err != nil {
			t.Fatalf("reading the settings of add-on vpc-cni: %v", err)
		}
		if resource.At(cni, "enableNetworkPolicy") != "true" {
			t.Errorf("the CNI does not enforce NetworkPolicies: %v", cni)
		}
		if got := resource.At(cni, "env", "ENABLE_PREFIX_DELEGATION"); got != fmt.Sprint(g.settings.Cluster.PrefixDelegation) {
			t.Errorf("prefix delegation is %v, want %t", got, g.settings.Cluster.PrefixDelegation)
		}
	})
}
