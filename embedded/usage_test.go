package embedded

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podWith is a ready pod of a component on node n1. An empty limit is none.
func podWith(name, component, request, limit string, changes ...func(*corev1.Pod)) corev1.Pod {
	resources := corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(request)}}
	if limit != "" {
		resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(limit)}
	}
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "x", Name: name, Labels: map[string]string{componentLabel: component}},
		Spec:       corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Resources: resources}}},
		Status:     corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func onNode(name string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.NodeName = name } }
func notReady(p *corev1.Pod)               { p.Status.Conditions[0].Status = corev1.ConditionFalse }

func TestPodsUseNoMoreThanTheirLimitAndTheirNodesCores(t *testing.T) {
	cores := map[string]int64{"n1": 2000, "n2": 4000}
	for name, test := range map[string]struct {
		demand map[string]int64
		pods   []corev1.Pod
		want   map[string]int64
	}{
		"the ready pods share a demand": {map[string]int64{"g": 900},
			[]corev1.Pod{podWith("a", "g", "500m", ""), podWith("b", "g", "500m", "", onNode("n2")), podWith("c", "other", "500m", "")},
			map[string]int64{"x/a": 450, "x/b": 450}},
		"a pod that is not ready uses nothing, and the others its share": {map[string]int64{"g": 900},
			[]corev1.Pod{podWith("a", "g", "500m", ""), podWith("b", "g", "500m", "", notReady)},
			map[string]int64{"x/a": 900}},
		"a pod uses at most its limit": {map[string]int64{"g": 8000},
			[]corev1.Pod{podWith("a", "g", "500m", "500m"), podWith("b", "g", "500m", "1", onNode("n2"))},
			map[string]int64{"x/a": 500, "x/b": 1000}},
		"pods without a limit use at most the node's cores": {map[string]int64{"g": 8000},
			[]corev1.Pod{podWith("a", "g", "500m", ""), podWith("b", "g", "500m", "", onNode("n2"))},
			map[string]int64{"x/a": 2000, "x/b": 4000}},
		"pods on a full node divide its cores by their requests": {map[string]int64{"g": 5000, "m": 5000},
			[]corev1.Pod{podWith("a", "g", "500m", ""), podWith("b", "m", "1500m", "")},
			map[string]int64{"x/a": 500, "x/b": 1500}},
		"what a pod leaves of its share is the others'": {map[string]int64{"g": 5000, "m": 300},
			[]corev1.Pod{podWith("a", "g", "500m", ""), podWith("b", "m", "1500m", "")},
			map[string]int64{"x/a": 1700, "x/b": 300}},
		"without demand there is no use": {map[string]int64{"g": 0}, []corev1.Pod{podWith("a", "g", "500m", "")}, map[string]int64{}},
	} {
		got := map[string]int64{}
		for _, u := range usages(test.demand, test.pods, cores) {
			got[u.pod] = u.milliCPU
		}
		if !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestKwokComputesEachPodsUseByItsName(t *testing.T) {
	for _, test := range []struct {
		uses []usage
		want string
	}{
		{nil, "0.005"},
		{[]usage{{pod: "x/b", milliCPU: 1930}, {pod: "x/a", milliCPU: 1}},
			`(pod.metadata.namespace + "/" + pod.metadata.name) in {"x/a": 0.005, "x/b": 1.930} ? {"x/a": 0.005, "x/b": 1.930}[pod.metadata.namespace + "/" + pod.metadata.name] : 0.005`},
	} {
		if got := usageExpression(test.uses); got != test.want {
			t.Errorf("the expression is %s, want %s", got, test.want)
		}
	}
}
