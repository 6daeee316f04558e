package drill

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"tfserving/embedded"
)

func TestOnlyDeletedPodsThatTheEvictionAPIEndedAreEvictions(t *testing.T) {
	client := fake.NewClientset()
	pods := client.CoreV1().Pods("ns")
	stop, err := watchEvictions(t.Context(), client, "ns", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, conditions := range map[string][]corev1.PodCondition{
		"evicted":     {{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI"}},
		"preempted":   {{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "PreemptionByScheduler"}},
		"scaled down": {{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	} {
		created := metav1.NewTime(time.Now().Add(-90 * time.Second))
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: created}, Status: corev1.PodStatus{Conditions: conditions}}
		if _, err := pods.Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := pods.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // the watch is a goroutine
	all, err := stop()
	if err != nil || len(all) != 1 || all[0].Pod != "evicted" || all[0].Age < 90 || all[0].Age > 92 {
		t.Errorf("the evictions are %+v (%v), want that of the pod evicted, at the age of 90 s", all, err)
	}
}

func TestASampleIsKeptIfMoreThanTimeAndDemandHasChanged(t *testing.T) {
	a := embedded.Sample{Seconds: 1, MilliCPU: 500, Wanted: 2, Running: 2, Nodes: 2}
	later, more := a, a
	later.Seconds, later.MilliCPU = 2, 600
	more.Seconds, more.Booting = 2, 1
	if differs(a, later) || !differs(a, more) {
		t.Errorf("a later sample differs: %v, one with a node that boots: %v; want false, true", differs(a, later), differs(a, more))
	}
}
