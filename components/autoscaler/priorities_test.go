package autoscaler

import (
	"regexp"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"tfserving/internal/mockengine"
)

// prioritiesOf returns the priorities of the patterns that match a name, as the autoscaler reads the ConfigMap.
func prioritiesOf(t *testing.T, text, name string) (matched []int) {
	t.Helper()
	var all map[int][]string
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for priority, patterns := range all {
		for _, p := range patterns {
			if regexp.MustCompile(p).MatchString(name) {
				matched = append(matched, priority)
			}
		}
	}
	return matched
}

func TestEachScalingGroupHasThePriorityOfItsNodeGroupAlone(t *testing.T) {
	engine := deploy(t, Args{Priorities: map[string]int{"base": 10, "spot": 20, "spot-2": 30, "base-spot": 20}})
	m := mockengine.ObjectOf[*corev1.ConfigMap](t, engine, cluster+"-priorities")
	if m.Name != "cluster-autoscaler-priority-expander" || m.Namespace != "kube-system" {
		t.Errorf("the priorities are in %s/%s", m.Namespace, m.Name)
	}
	const completed, uuid = "-20261127201500000000000001", "-68b4b5d7-1c4f-4e32-9a5d-0123456789ab"
	for group, want := range map[string]int{"base": 10, "spot": 20, "spot-2": 30, "base-spot": 20} {
		if got := prioritiesOf(t, m.Data["priorities"], "eks-"+group+completed+uuid); !slices.Equal(got, []int{want}) {
			t.Errorf("group %s has the priorities %v, want %d:\n%s", group, got, want, m.Data["priorities"])
		}
	}
	if got := prioritiesOf(t, m.Data["priorities"], "eks-other"+completed+uuid); len(got) > 0 {
		t.Errorf("an unknown group has the priorities %v", got)
	}
}

func TestTheAutoscalerReadsThePrioritiesAndFillsNodesWherePrioritiesAreEqual(t *testing.T) {
	if !slices.Contains(Flags(pace), "--expander=priority,least-waste") {
		t.Errorf("the flags are %v", Flags(pace))
	}
	engine := deploy(t, Args{Priorities: map[string]int{"spot": 20}})
	// The autoscaler lists and watches every ConfigMap of its namespace. RBAC cannot limit that to one name.
	if !slices.ContainsFunc(mockengine.ObjectOf[*rbacv1.Role](t, engine, cluster).Rules, func(r rbacv1.PolicyRule) bool {
		return slices.Contains(r.Resources, "configmaps") && len(r.ResourceNames) == 0 && slices.Contains(r.Verbs, "list") && slices.Contains(r.Verbs, "watch")
	}) {
		t.Error("the autoscaler may not list and watch ConfigMaps")
	}
	if !engine.DependsOn(engine.Get(t, deploymentType, cluster), engine.Get(t, "kubernetes:core/v1:ConfigMap", cluster+"-priorities")) {
		t.Error("the autoscaler's pod does not wait for the priorities")
	}
}
