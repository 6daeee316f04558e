package machines

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestPodsOfADeletedNodeAreDeleted(t *testing.T) {
	on := func(name, node string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}, Spec: corev1.PodSpec{NodeName: node}}
	}
	client := fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "there"}},
		on("runs", "there"), on("waits", ""), on("orphan", "gone"))
	l := &instances{m: &Machines{kubernetes: client}}
	if err := l.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	pods, err := client.CoreV1().Pods("apps").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, p := range pods.Items {
		left = append(left, p.Name)
	}
	slices.Sort(left)
	if !slices.Equal(left, []string{"runs", "waits"}) {
		t.Errorf("the remaining pods are %v", left)
	}
}
