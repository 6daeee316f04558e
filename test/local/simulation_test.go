package local

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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

// usageOfPods is what metrics-server serves: the CPU of each pod of namespace default, in thousandths of a core.
func usageOfPods(ctx context.Context, client *kubernetes.Clientset) (map[string]int64, error) {
	raw, err := client.RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Metadata   metav1.ObjectMeta
			Containers []struct{ Usage corev1.ResourceList }
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	uses := map[string]int64{}
	for _, p := range list.Items {
		for _, c := range p.Containers {
			uses[p.Metadata.Name] += c.Usage.Cpu().MilliValue()
		}
	}
	return uses, nil
}

func TestMetricsShowNoMoreCPUThanAKernelWouldGive(t *testing.T) {
	client := simulation(t)
	ctx := t.Context()
	const componentLabel = "app.kubernetes.io/component"
	deploy := func(name, image, limit string) {
		resources := corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m")}}
		if limit != "" {
			resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(limit)}
		}
		labels := map[string]string{componentLabel: name, "app": name + image}
		_, err := client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: name + image},
			Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i:1" + image, Resources: resources}}},
			}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	deploy("limited", "", "750m")
	deploy("unlimited", "", "")
	deploy("unlimited", "-broken", "") // never ready
	pods := map[string]corev1.Pod{}
	checkout.Eventually(t, "two of three pods are ready", func(ctx context.Context) error {
		list, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for _, p := range list.Items {
			pods[p.Labels["app"]] = p
			if checkout.PodReady(&p) {
				ready++
			}
		}
		if len(pods) != 3 || ready != 2 {
			return fmt.Errorf("%d pods, %d ready", len(pods), ready)
		}
		return nil
	})
	// 1930m are allocatable on a node of m6i.large. If both pods are on one, the limited pod's 750m are less than its half.
	unlimited := int64(1930)
	if pods["limited"].Spec.NodeName == pods["unlimited"].Spec.NodeName {
		unlimited -= 750
	}
	const idle = 5
	for _, step := range []struct {
		demand map[string]int64
		want   map[string]int64
	}{
		{map[string]int64{"limited": 8000, "unlimited": 8000}, map[string]int64{"limited": 750, "unlimited": unlimited}},
		{map[string]int64{"limited": 300, "unlimited": 400}, map[string]int64{"limited": 300, "unlimited": 400}},
		{nil, map[string]int64{"limited": idle, "unlimited": idle}},
	} {
		served, err := embedded.SetDemand(ctx, client, step.demand)
		if err != nil {
			t.Fatal(err)
		}
		for component := range step.demand {
			if served[component] != step.want[component] {
				t.Errorf("of %v, %s serves %dm, want %dm", step.demand, component, served[component], step.want[component])
			}
		}
		checkout.Eventually(t, fmt.Sprintf("with a demand of %v the metrics are %v", step.demand, step.want), func(context.Context) error {
			uses, err := usageOfPods(t.Context(), client)
			if err != nil {
				return err
			}
			// metrics-server shows no pod that has not started.
			if got := uses[pods["unlimited-broken"].Name]; got > idle {
				return fmt.Errorf("the pod that is not ready uses %dm", got)
			}
			for app, want := range step.want {
				// metrics-server rounds, and divides by a time that it measures: on a busy machine, 10 s are up to a second more or less.
				if got := uses[pods[app].Name]; got < want*90/100-1 || got > want*110/100+1 {
					return fmt.Errorf("%s uses %dm of %v", app, got, uses)
				}
			}
			return nil
		})
	}
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
