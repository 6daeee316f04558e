package program

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/catalog"
	"tfserving/config"
	"tfserving/internal/mockengine"
)

func (g *graph) nodeGroup(t *testing.T, name string) *registered {
	t.Helper()
	return g.registered(t, "aws:eks/nodeGroup:NodeGroup", "tfserving-"+g.stack+"-"+name)
}

func TestNodeGroupsAreAsSet(t *testing.T) {
	capacities := map[string]string{"onDemand": "ON_DEMAND", "spot": "SPOT"}
	images := map[string]string{"amd64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}
	effects := map[string]string{"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		if got := len(g.ofType("aws:eks/nodeGroup:NodeGroup")); got != len(g.settings.NodeGroups) {
			t.Errorf("there are %d node groups, want %d", got, len(g.settings.NodeGroups))
		}
		for _, s := range g.settings.NodeGroups {
			group := g.nodeGroup(t, s.Name)
			instance, err := catalog.Lookup(s.InstanceTypes[0])
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]any{
				"capacityType":  capacities[s.Capacity],
				"amiType":       images[instance.Architecture],
				"version":       g.settings.Cluster.Version,
				"instanceTypes": anys(s.InstanceTypes),
				"scalingConfig": map[string]any{"minSize": float64(s.Min), "maxSize": float64(s.Max), "desiredSize": float64(max(s.Desired, s.Min))},
			} {
				if got := group.input(key); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %s is %v, want %v", group, key, got, want)
				}
			}
			if got := tagsOf(group.input("labels")); !maps.Equal(got, s.Labels) && len(got)+len(s.Labels) > 0 {
				t.Errorf("%s has labels %v, want %v", group, got, s.Labels)
			}
			taints, _ := group.input("taints").([]any)
			if len(taints) != len(s.Taints) {
				t.Errorf("%s has taints %v, want %v", group, taints, s.Taints)
				continue
			}
			for i, want := range s.Taints {
				if got := tagsOf(taints[i]); got["key"] != want.Key || got["value"] != want.Value || got["effect"] != effects[want.Effect] {
					t.Errorf("%s has taint %v, want %v", group, got, want)
				}
			}
			template := g.registered(t, "aws:ec2/launchTemplate:LaunchTemplate", group.Name)
			if got := template.input("blockDeviceMappings", 0, "ebs", "volumeSize"); got != float64(s.DiskGiB) {
				t.Errorf("%s makes volumes of %v GiB, want %d", template, got, s.DiskGiB)
			}
		}
	})
}

func anys(all []string) []any {
	var list []any
	for _, v := range all {
		list = append(list, v)
	}
	return list
}

// A plain up would otherwise undo what the autoscaler scaled. Whatever else is ignored would be beyond the program's
// word.
func TestUpLeavesTheNumberOfNodesToTheAutoscaler(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			var want []string
			if r.TypeToken == "aws:eks/nodeGroup:NodeGroup" {
				want = []string{"scalingConfig.desiredSize"}
			}
			if got := r.RegisterRPC.GetIgnoreChanges(); !slices.Equal(got, want) {
				t.Errorf("%s ignores changes of %v, want %v", r, got, want)
			}
		}
	})
}

// holdState are the types of what holds state, or everything else.
var holdState = []string{"aws:ec2/vpc:Vpc", "aws:kms/key:Key", "aws:ecr/repository:Repository"}

func TestWhatHoldsStateIsProtectedWhereAskedAndNothingElse(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		asked := g.settings.AWS.Protect
		for _, r := range g.resources {
			want := asked && slices.Contains(holdState, r.TypeToken)
			if got := r.RegisterRPC.GetProtect(); got != want {
				t.Errorf("%s is protected: %t, want %t", r, got, want)
			}
			if r.RegisterRPC.GetRetainOnDelete() {
				t.Errorf("%s would stay in the account when it is deleted", r)
			}
		}
		if g.engine.ControlPlane.Protected != asked {
			t.Errorf("the control plane is protected: %t, want %t", g.engine.ControlPlane.Protected, asked)
		}
		for _, r := range g.ofType("aws:ecr/repository:Repository") {
			if r.input("forceDelete") != !asked {
				t.Errorf("%s is deleted with its images: %v, want %t", r, r.input("forceDelete"), !asked)
			}
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			attributes := in.Annotations["alb.ingress.kubernetes.io/load-balancer-attributes"]
			if got := strings.Contains(attributes, "deletion_protection.enabled=true"); got != asked {
				t.Errorf("the load balancer is protected: %t, want %t", got, asked)
			}
		}
		for _, v := range objects[*corev1.Service](g) {
			if v.Spec.Type != corev1.ServiceTypeLoadBalancer {
				continue
			}
			attributes := v.Annotations["service.beta.kubernetes.io/aws-load-balancer-attributes"]
			if got := strings.Contains(attributes, "deletion_protection.enabled=true"); got != asked {
				t.Errorf("the Service's load balancer is protected: %t, want %t", got, asked)
			}
		}
	})
}

func TestProductionIsProtectedAndTheOthersCanBeTakenDown(t *testing.T) {
	for stack, want := range map[string]bool{"dev": false, "staging": false, "prod": true} {
		if got := eksStack(t, stack).settings.AWS.Protect; got != want {
			t.Errorf("stack %s is protected: %t, want %t", stack, got, want)
		}
	}
}

func TestTheControlPlaneHasNoDatedDefault(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		eks := g.only(t, mockengine.Cluster)
		for key, want := range map[string]any{
			"name": config.ClusterName(g.stack), "version": g.settings.Cluster.Version,
			"authenticationMode": "API", "skipDefaultNodeGroup": true, "useDefaultVpcCni": true, "createOidcProvider": false,
			"enabledClusterLogTypes": []any{"api", "audit", "authenticator", "controllerManager", "scheduler"},
		} {
			if got := eks.input(key); !reflect.DeepEqual(got, want) {
				t.Errorf("the control plane's %s is %v, want %v", key, got, want)
			}
		}
		inner := g.engine.ControlPlane.Properties
		if got := at(inner, "upgradePolicy", "supportType"); got != "STANDARD" {
			t.Errorf("past standard support the version is kept, at six times the price: %v", got)
		}
		if got := at(inner, "bootstrapSelfManagedAddons"); got != false {
			t.Errorf("EKS puts add-ons of its own there: %v", got)
		}
	})
}

// With administrators named, they alone are; with none, whoever makes the cluster has to be one.
func TestAdministratorsAreThoseNamedOrTheMaker(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		named := g.settings.Cluster.Administrators
		entries, _ := g.only(t, mockengine.Cluster).input("accessEntries").(map[string]any)
		var got []string
		for name, e := range entries {
			who, _ := at(e, "principalArn").(string)
			got = append(got, who)
			policies, _ := at(e, "accessPolicies").(map[string]any)
			if policy, _ := at(policies["administrator"], "policyArn").(string); len(policies) != 1 || !strings.HasSuffix(policy, "/AmazonEKSClusterAdminPolicy") {
				t.Errorf("access entry %s has policies %v", name, policies)
			}
		}
		if !slices.Equal(sorted(got), sorted(named)) {
			t.Errorf("administrators are %v, want %v", got, named)
		}
		if got := at(g.engine.ControlPlane.Properties, "accessConfig", "bootstrapClusterCreatorAdminPermissions"); got != (len(named) == 0) {
			t.Errorf("whoever makes the cluster administers it: %v, want %t", got, len(named) == 0)
		}
	})
}

func TestAddonsAreAsSet(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		seen := map[string]bool{}
		for _, a := range g.ofType("aws:eks/addon:Addon") {
			name := a.text("addonName")
			seen[name] = true
			want := "EKS's default for " + g.settings.Cluster.Version
			if pinned := g.settings.Cluster.AddonVersions[name]; pinned != "" {
				want = pinned
			}
			if got := a.text("addonVersion"); got != want {
				t.Errorf("add-on %s is of version %q, want %q", name, got, want)
			}
		}
		for _, name := range []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"} {
			if !seen[name] {
				t.Errorf("there is no add-on %s", name)
			}
		}
		cni := decoded[map[string]any](t, "vpc-cni", g.registered(t, "aws:eks/addon:Addon", "tfserving-"+g.stack+"-vpc-cni").text("configurationValues"))
		if at(cni, "enableNetworkPolicy") != "true" {
			t.Errorf("NetworkPolicies are not enforced: %v", cni)
		}
		if got := at(cni, "env", "ENABLE_PREFIX_DELEGATION"); got != fmt.Sprint(g.settings.Cluster.PrefixDelegation) {
			t.Errorf("prefix delegation is %v, want %t", got, g.settings.Cluster.PrefixDelegation)
		}
	})
}

// The controllers are of kube-system, where no Pod Security level holds; what they are is for the program to say.
func TestOnlySystemPodsAreInTheSystemNamespace(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			if inSystem := r.meta.GetNamespace() == "kube-system"; inSystem != (r.meta.GetLabels()["app.kubernetes.io/component"] == "cluster-autoscaler" && r.meta.GetNamespace() != "") {
				t.Errorf("%s is in namespace %q", r, r.meta.GetNamespace())
			}
		}
		for _, ns := range objects[*corev1.Namespace](g) {
			if ns.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
				t.Errorf("namespace %s does not enforce Pod Security level restricted", ns.Name)
			}
		}
	})
}
