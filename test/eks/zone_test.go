package eks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/internal/checkout"
)

// zoneLost ends every instance of the zone with the most pods of the application, and lets none start there. Of each component,
// the pods in the other zones must stay ready, which are all but an even share; and soon all must be ready again.
func zoneLost(t *testing.T, r *rehearsal) {
	before := r.readyPods(t)
	zone := mostPods(before)
	defer r.aws.RestoreZone()
	begin := time.Now()
	if err := r.aws.LoseZone(t.Context(), zone); err != nil {
		t.Fatal(err)
	}
	least := map[string]int{}
	checkout.Eventually(t, "all pods are ready without zone "+zone, func(context.Context) (missing error) {
		now := r.readyPods(t)
		for component, zones := range before {
			ready := sum(now[component]) - now[component][zone]
			if have, seen := least[component]; !seen || ready < have {
				least[component] = ready
			}
			if want := sum(zones); ready < want {
				missing = errors.Join(missing, fmt.Errorf("%d of %d pods of the %s are ready", ready, want, component))
			}
		}
		return missing
	})
	took := time.Since(begin).Round(time.Second)
	for _, component := range slices.Sorted(maps.Keys(before)) {
		all := sum(before[component])
		share := (all + r.settings.Network.Zones - 1) / r.settings.Network.Zones
		r.logf("without zone %s, %d of %d pods of the %s stayed ready", zone, least[component], all, component)
		if least[component] < all-share {
			t.Errorf("without zone %s, %d of %d pods of the %s stayed ready, want %d: before, they were in %v", zone, least[component], all, component, all-share, before[component])
		}
	}
	r.logf("all pods were ready again after %s, on instances that boot in %s", took, bootTime)
}

// readyPods counts the ready pods of each component by the zone of their node. Pods of a node that is gone do not count.
func (r *rehearsal) readyPods(t *testing.T) map[string]map[string]int {
	t.Helper()
	client := r.admin()
	// The pods are listed before the nodes. In the other order, a pod of a new node would not count.
	pods, err := client.CoreV1().Pods(r.settings.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]string{}
	for _, n := range nodes.Items {
		zones[n.Name] = n.Labels[corev1.LabelTopologyZone]
	}
	ready := map[string]map[string]int{gateway.Component: {}, modelserver.Component: {}}
	for i := range pods.Items {
		p := &pods.Items[i]
		zone, exists := zones[p.Spec.NodeName]
		if counts := ready[p.Labels["app.kubernetes.io/component"]]; counts != nil && exists && checkout.PodReady(p) {
			counts[zone]++
		}
	}
	return ready
}

// mostPods is the zone with the most pods of all components.
func mostPods(ready map[string]map[string]int) string {
	total := map[string]int{}
	for _, zones := range ready {
		for zone, n := range zones {
			total[zone] += n
		}
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(total)), func(x, y string) int { return total[x] - total[y] })
}

func sum(counts map[string]int) (n int) {
	for _, one := range counts {
		n += one
	}
	return n
}
