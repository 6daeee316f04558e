package program

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"tfserving/catalog"
	"tfserving/internal/mockengine"
	"tfserving/resource"
)

func TestNodeGroupsFollowTheSettings(t *testing.T) {
	capacities := map[string]string{"onDemand": "ON_DEMAND", "spot": "SPOT"}
	images := map[string]string{"amd64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}
	effects := map[string]string{"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		if got := len(g.ofType(resource.NodeGroup)); got != len(g.settings.NodeGroups) {
			t.Errorf("there are %d node groups, want %d", got, len(g.settings.NodeGroups))
		}
		for _, s := range g.settings.NodeGroups {
			group := g.resource(t, resource.NodeGroup, g.clusterName()+"-"+s.Name)
			instance, err := catalog.Lookup(s.InstanceTypes[0])
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]any{
				"capacityType":     capacities[s.Capacity],
				"amiType":          images[instance.Architecture],
				"version":          g.settings.Cluster.VersionOfNodes(),
				"instanceTypes":    anyList(s.InstanceTypes),
				"nodeRepairConfig": map[string]any{"enabled": g.settings.Cluster.NodeRepair},
				"scalingConfig":    map[string]any{"minSize": float64(s.Min), "maxSize": float64(s.Max), "desiredSize": float64(max(s.Desired, s.Min))},
			} {
				if got := group.input(key); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %s is %v, want %v", group, key, got, want)
				}
			}
			if got := stringMap(group.input("labels")); !maps.Equal(got, s.Labels) && len(got)+len(s.Labels) > 0 {
				t.Errorf("%s has labels %v, want %v", group, got, s.Labels)
			}
			taints, _ := group.input("taints").([]any)
			if len(taints) != len(s.Taints) {
				t.Errorf("%s has taints %v, want %v", group, taints, s.Taints)
				continue
			}
			for i, want := range s.Taints {
				if got := stringMap(taints[i]); got["key"] != want.Key || got["value"] != want.Value || got["effect"] != effects[want.Effect] {
					t.Errorf("%s has taint %v, want %v", group, got, want)
				}
			}
			template := g.resource(t, resource.LaunchTemplate, group.Name)
			if got := template.input("blockDeviceMappings", 0, "ebs", "volumeSize"); got != float64(s.DiskGiB) {
				t.Errorf("%s has volumes of %v GiB, want %d", template, got, s.DiskGiB)
			}
		}
	})
}

func anyList(all []string) []any {
	var list []any
	for _, v := range all {
		list = append(list, v)
	}
	return list
}

// Autoscalers change the desired number of nodes and of pods, and an update must not change it back. Pulumi ignores no other
// change.
func TestUpdatesKeepTheNumberOfNodesAndOfPods(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			var want []string
			if r.TypeToken == resource.NodeGroup {
				want = []string{"scalingConfig.desiredSize"}
			}
			if d, ok := r.object.(*appsv1.Deployment); ok && autoscalerOf(g, d) != nil {
				want = []string{"spec.replicas"}
			}
			if got := r.RegisterRPC.GetIgnoreChanges(); !slices.Equal(got, want) {
				t.Errorf("%s ignores changes of %v, want %v", r, got, want)
			}
		}
	})
}

func TestPodsCannotReachInstanceMetadata(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		templates := map[string]bool{}
		for _, r := range g.ofType(resource.LaunchTemplate) {
			templates[mockengine.ID(r.MockResourceArgs)] = true
			m := r.input("metadataOptions")
			if resource.At(m, "httpTokens") != "required" || resource.At(m, "httpPutResponseHopLimit") != 1.0 {
				t.Errorf("%s has metadata options %v, want only IMDSv2 and one hop: a pod is one hop further away", r, m)
			}
		}
		for _, r := range g.ofType(resource.NodeGroup) {
			if !templates[r.text("launchTemplate", "id")] {
				t.Errorf("%s does not use a launch template of the program", r)
			}
			// With version $Latest, a change of the template would not update the group.
			if v := r.text("launchTemplate", "version"); v != "1" {
				t.Errorf("%s has version %q of its launch template, want its number", r, v)
			}
		}
	})
}

// The settings of the group are min 2 and max 6.
func TestBoundsThatExcludeTheNumberOfNodesSetTheNumber(t *testing.T) {
	const suffix = "20261127203447000000000001" // as the AWS provider adds it: 26 characters
	for _, c := range []struct {
		name    string
		groups  map[string]int
		desired float64
		ignored bool // changes of the number are ignored
	}{
		{"no group yet", nil, 2, true},
		{"within the bounds", map[string]int{"general-" + suffix: 4}, 2, true},
		{"at a bound", map[string]int{"general-" + suffix: 6}, 2, true},
		{"fewer nodes than min", map[string]int{"general-" + suffix: 1}, 2, false},
		{"more nodes than max", map[string]int{"general-" + suffix: 9}, 6, false},
		{"another group whose name begins alike", map[string]int{"general-2-" + suffix: 9}, 2, true},
		{"an older group that is being replaced", map[string]int{"general-" + suffix: 9, "general-3" + suffix[1:]: 4}, 2, true},
	} {
		account := newFakeAWS()
		account.nodeGroups = c.groups
		g, err := newEKSGraph("dev", "", account)
		if err != nil {
			t.Fatal(err)
		}
		group := g.ofType(resource.NodeGroup)[0]
		if got := group.Inputs["scalingConfig"].ObjectValue()["desiredSize"].NumberValue(); got != c.desired {
			t.Errorf("%s: the group's number is %v, want %v", c.name, got, c.desired)
		}
		if got := slices.Contains(group.RegisterRPC.GetIgnoreChanges(), "scalingConfig.desiredSize"); got != c.ignored {
			t.Errorf("%s: changes of the number are ignored: %v, want %v", c.name, got, c.ignored)
		}
	}
}
