package local

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"tfserving/embedded"
	"tfserving/internal/checkout"
)

// simulation starts an embedded cluster with two nodes and nothing on it, for tests of the simulation itself.
func simulation(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	c := checkout.New(t, "../..")
	c.Make("tools")
	dir := checkout.RealPath(t, t.TempDir())
	cluster := embedded.New(embedded.Config{
		Dir: filepath.Join(dir, "cluster"), Bin: filepath.Join(c.Dir, ".local", "bin"), Kubeconfig: filepath.Join(dir, "kubeconfig"),
		NodeGroups: []embedded.NodeGroup{{Name: "general", InstanceType: "m6i.large", Capacity: "ON_DEMAND", Min: 2, Max: 2}},
		Region:     "test-1", Zones: 2, HPASync: 15 * time.Second,
	})
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return checkout.Client(t, filepath.Join(dir, "kubeconfig"))
}

func TestNodesAreReadyAfterTheirBootTime(t *testing.T) {
	client := simulation(t)
	const (
		// bootTime is longer than the 10 s after which the control plane taints another booting node (--node-eviction-rate): each
		// taint changes the node, and kwok starts the delay of a changed node again.
		bootTime  = 15 * time.Second
		tolerance = 2 * time.Second
		waves     = 3
	)
	for _, nodes := range []int{1, 7, 30} {
		for name, pause := range map[string]time.Duration{"at once": 0, "in three waves": 7 * time.Second} {
			if nodes < waves && pause > 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d nodes %s", nodes, name), func(t *testing.T) {
				took := boot(t, client, nodes, waves, pause, bootTime)
				if len(took) != nodes {
					t.Fatalf("%d nodes got ready, want %d", len(took), nodes)
				}
				if first, last := took[0], took[nodes-1]; first < bootTime-tolerance || last > bootTime+tolerance {
					t.Errorf("ready %.1f to %.1f s after the request, want %s, within %s", first.Seconds(), last.Seconds(), bootTime, tolerance)
				} else {
					t.Logf("ready %.1f to %.1f s after the request", first.Seconds(), last.Seconds())
				}
			})
		}
	}
}

// boot makes nodes in waves with a pause between them, as the Cluster Autoscaler's provider does. It returns how long after its
// request each one is ready, shortest first, and deletes them.
func boot(t *testing.T, client *kubernetes.Clientset, nodes, waves int, pause, bootTime time.Duration) (took []time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(waves)*pause+10*bootTime)
	defer cancel()
	events, err := client.CoreV1().Nodes().Watch(ctx, metav1.ListOptions{LabelSelector: "wave"})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	requested := map[string]time.Time{}
	ready := map[string]time.Duration{}
	pending := nodes
	for wave := 0; len(ready) < nodes; {
		if pending > 0 {
			for range min(pending, (nodes+waves-1)/waves) {
				name := fmt.Sprintf("boot-%d", pending)
				n, err := embedded.NewNode(embedded.NodeSpec{Name: name, InstanceType: "m6i.large", Region: "test-1", Labels: map[string]string{"wave": fmt.Sprint(wave)}, BootTime: bootTime})
				if err != nil {
					t.Fatal(err)
				}
				requested[name] = time.Now()
				if _, err := client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				pending--
			}
			wave++
		}
		next := time.After(pause)
		if pending == 0 {
			next = nil
		}
		for waiting := true; waiting && len(ready) < nodes; {
			select {
			case e, ok := <-events.ResultChan():
				if !ok {
					t.Fatalf("only %d of %d nodes are ready: %v", len(ready), nodes, ctx.Err())
				}
				if n, isNode := e.Object.(*corev1.Node); isNode && ready[n.Name] == 0 && nodeReady(n) {
					ready[n.Name] = time.Since(requested[n.Name])
				}
			case <-next:
				waiting = false
			}
		}
	}
	if err := client.CoreV1().Nodes().DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "wave"}); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Values(ready))
}

func nodeReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}
