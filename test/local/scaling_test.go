package local

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"tfserving/embedded"
	"tfserving/internal/checkout"
)

const (
	gatewayComponent = "gateway"
	gatewayPods      = "app.kubernetes.io/component=" + gatewayComponent
	// oddReading is a reading that asks for many more pods, in % of the request.
	oddReading = 150
)

// gatewayScaling watches the gateway's autoscaler.
type gatewayScaling struct {
	t       *testing.T
	client  *kubernetes.Clientset
	wanted  int // pods, the most so far
	reading int // % of the request, the highest so far
}

// look reads the autoscaler.
func (g *gatewayScaling) look(ctx context.Context) (*embedded.Workload, error) {
	s, err := embedded.Observe(ctx, g.client, namespace)
	if err != nil {
		return nil, err
	}
	w := s.Of(gatewayComponent)
	if w == nil {
		return nil, fmt.Errorf("there is no gateway:\n%s", s)
	}
	g.wanted, g.reading = max(g.wanted, w.Wanted), max(g.reading, w.CPU)
	return w, nil
}

// until looks until done.
func (g *gatewayScaling) until(what string, done func(*embedded.Workload) bool) {
	g.t.Helper()
	checkout.Eventually(g.t, what, func(ctx context.Context) error {
		w, err := g.look(ctx)
		if err == nil && !done(w) {
			err = fmt.Errorf("the gateway is %+v", *w)
		}
		return err
	})
}

// demand is the demand on the gateway until the test sets another.
func (g *gatewayScaling) demand(milliCPU int64) {
	g.t.Helper()
	if _, err := embedded.SetDemand(context.WithoutCancel(g.t.Context()), g.client, map[string]int64{gatewayComponent: milliCPU}); err != nil {
		g.t.Fatal(err)
	}
}

// keep repeats a demand for a time, so that new pods have their share.
func (g *gatewayScaling) keep(milliCPU int64, length time.Duration) {
	g.t.Helper()
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		g.demand(milliCPU)
		if _, err := g.look(g.t.Context()); err != nil {
			g.t.Fatal(err)
		}
	}
}

// twoRounds is the time in which metrics-server reads every node twice, and the autoscaler evaluates both readings.
const twoRounds = 30 * time.Second

func calmScaling(t *testing.T, c *checkout.Checkout) {
	client := c.Client()
	start := func(t *testing.T) *gatewayScaling {
		g := &gatewayScaling{t: t, client: client}
		g.demand(0)
		g.until("the gateway is idle with 2 pods", func(w *embedded.Workload) bool { return w.Wanted == 2 && w.Running == 2 && w.CPU >= 0 && w.CPU < 10 })
		g.reading = 0
		t.Cleanup(func() { g.demand(0) })
		return g
	}
	t.Run("a single odd reading", func(t *testing.T) {
		g := start(t)
		g.demand(8000)
		g.until("the odd reading", func(*embedded.Workload) bool { return g.reading >= oddReading })
		g.keep(0, twoRounds)
		if g.wanted != 2 {
			t.Errorf("a reading of %d %% asked for %d pods, want 2 until the next reading confirms it", g.reading, g.wanted)
		}
	})
	t.Run("a starting pod's burst", func(t *testing.T) {
		g := start(t)
		pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: gatewayPods})
		if err != nil {
			t.Fatal(err)
		}
		old := map[string]bool{}
		for _, p := range pods.Items {
			old[p.Name] = true
		}
		if err := client.CoreV1().Pods(namespace).Delete(t.Context(), pods.Items[0].Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		var started string
		checkout.Eventually(t, "a pod starts", func(ctx context.Context) error {
			pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: gatewayPods})
			if err != nil {
				return err
			}
			for _, p := range pods.Items {
				if !old[p.Name] {
					started = p.Name
					return nil
				}
			}
			return fmt.Errorf("no new pod")
		})
		g.burst(started)
		g.keep(0, twoRounds)
		if g.wanted != 2 {
			t.Errorf("a burst of pod %s asked for %d pods, want 2", started, g.wanted)
		}
	})
	t.Run("a rollout", func(t *testing.T) {
		g := start(t)
		const demand = 600 // 60 % of the requests of two pods, below the target of 70 %
		g.keep(demand, twoRounds)
		restart := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"restarted":%q}}}}}`, time.Now())
		if _, err := client.AppsV1().Deployments(namespace).Patch(t.Context(), gatewayComponent, types.StrategicMergePatchType, restart, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		g.keep(demand, time.Minute)
		if g.wanted != 2 || g.reading < 50 {
			t.Errorf("a rollout with a demand of %dm asked for %d pods at readings up to %d %%, want 2 pods, and 60 %% before it", demand, g.wanted, g.reading)
		}
	})
}

// burstLength is one round of metrics. The pod is ready after 1 s of it.
const burstLength = 10 * time.Second

// burst makes a pod use all of a node from its start, for burstLength.
func (g *gatewayScaling) burst(pod string) {
	t, client := g.t, g.client
	t.Helper()
	path := "/apis/kwok.x-k8s.io/v1alpha1/namespaces/" + namespace + "/resourceusages/" + pod
	body, err := json.Marshal(map[string]any{
		"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ResourceUsage", "metadata": map[string]any{"name": pod, "namespace": namespace},
		"spec": map[string]any{"usages": []any{map[string]any{"usage": map[string]any{"cpu": map[string]any{"value": "1900m"}, "memory": map[string]any{"value": "64Mi"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.RESTClient().Patch(types.ApplyPatchType).AbsPath(path).Param("fieldManager", "test").Body(body).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(burstLength); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if _, err := g.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.RESTClient().Delete().AbsPath(path).Do(t.Context()).Error(); err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
}

// A pod of a rollout that is not ready counts as 0 %. The readings of the pods that serve must still show the demand.
func loadDuringStuckRollout(t *testing.T, c *checkout.Checkout) {
	client := c.Client()
	image := func(name string) {
		patch := fmt.Appendf(nil, `{"spec":{"template":{"spec":{"containers":[{"name":"gateway","image":%q}]}}}}`, name)
		if _, err := client.AppsV1().Deployments(namespace).Patch(t.Context(), gatewayComponent, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var before string
	deployment := func(ctx context.Context) *appsv1.Deployment {
		d, err := client.AppsV1().Deployments(namespace).Get(ctx, gatewayComponent, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	before = deployment(t.Context()).Spec.Template.Spec.Containers[0].Image
	image(strings.TrimSuffix(before, "-broken") + "-broken")
	checkout.Eventually(t, "the rollout is stuck at 2 ready pods of 3", func(ctx context.Context) error {
		if d := deployment(ctx); d.Status.Replicas != 3 || d.Status.ReadyReplicas != 2 || d.Status.ObservedGeneration < d.Generation {
			return fmt.Errorf("the Deployment is %+v", d.Status)
		}
		return nil
	})
	g := &gatewayScaling{t: t, client: client}
	g.keep(2000, time.Minute)
	d := deployment(t.Context())
	// 2 cores, and pods of half a core at 70 %, need 6 pods.
	const needed = 6
	if g.wanted < needed || int(d.Status.ReadyReplicas) < needed-1 {
		t.Errorf("with a stuck rollout the autoscaler wants %d pods at readings up to %d %%, and %d are ready; want %d", g.wanted, g.reading, d.Status.ReadyReplicas, needed)
	}
	g.demand(0)
	image(before)
	checkout.Eventually(t, "2 pods after the load", func(ctx context.Context) error {
		if d := deployment(ctx); d.Status.Replicas != 2 || d.Status.ReadyReplicas != 2 || d.Status.UpdatedReplicas != 2 {
			return fmt.Errorf("the Deployment is %+v", d.Status)
		}
		return nil
	})
	var left []string
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: gatewayPods})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods.Items {
		if p.DeletionTimestamp == nil && p.Status.Phase != corev1.PodRunning {
			left = append(left, p.Name)
		}
	}
	if len(left) > 0 {
		t.Errorf("pods of the stuck rollout are left: %v", left)
	}
}
