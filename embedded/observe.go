package embedded

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Labels of the application's objects, by which they are found.
const (
	partOfLabel    = "app.kubernetes.io/part-of=tfserving"
	componentLabel = "app.kubernetes.io/component"
)

// Workload is one Deployment at one moment.
type Workload struct {
	Component string // gateway or model-server
	Wanted    int    // pods that the Deployment should have
	Running   int    // pods that are ready
	Pending   int    // pods without a node
	Min, Max  int    // pods; the autoscaler's bounds
	CPU       int    // CPU use in % of the request, as the autoscaler reads it; -1 where it has no reading
	Target    int    // % of the request that the autoscaler aims at
}

// Reading is the autoscaler's figure, as kubectl shows it.
func (w Workload) Reading() string {
	if w.CPU < 0 {
		return "<unknown>"
	}
	return fmt.Sprintf("%d%%/%d%%", w.CPU, w.Target)
}

// State is the cluster at one moment.
type State struct {
	Time      time.Time
	Workloads []Workload
	Nodes     int // nodes that are ready
	Booting   int // nodes that are not ready yet
}

// Of returns the workload of a component.
func (s *State) Of(component string) *Workload {
	for i := range s.Workloads {
		if s.Workloads[i].Component == component {
			return &s.Workloads[i]
		}
	}
	return nil
}

// Observe reads the application's state from a namespace.
func Observe(ctx context.Context, client kubernetes.Interface, namespace string) (*State, error) {
	ours := metav1.ListOptions{LabelSelector: partOfLabel}
	deployments, err := client.AppsV1().Deployments(namespace).List(ctx, ours)
	if err != nil {
		return nil, fmt.Errorf("listing Deployments: %w", err)
	}
	autoscalers, err := client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, ours)
	if err != nil {
		return nil, fmt.Errorf("listing HorizontalPodAutoscalers: %w", err)
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, ours)
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	s := &State{Time: time.Now()}
	for i := range deployments.Items {
		w := workloadOf(&deployments.Items[i])
		for j := range autoscalers.Items {
			if a := &autoscalers.Items[j]; a.Spec.ScaleTargetRef.Name == deployments.Items[i].Name {
				w.read(a)
			}
		}
		for j := range pods.Items {
			p := &pods.Items[j]
			if p.Labels[componentLabel] == w.Component && p.DeletionTimestamp == nil && p.Spec.NodeName == "" {
				w.Pending++
			}
		}
		s.Workloads = append(s.Workloads, w)
	}
	for i := range nodes.Items {
		if conditionTrue(&nodes.Items[i]) {
			s.Nodes++
		} else {
			s.Booting++
		}
	}
	return s, nil
}

func workloadOf(d *appsv1.Deployment) Workload {
	w := Workload{Component: d.Labels[componentLabel], Running: int(d.Status.ReadyReplicas), CPU: -1}
	if d.Spec.Replicas != nil {
		w.Wanted = int(*d.Spec.Replicas)
		w.Min, w.Max = w.Wanted, w.Wanted
	}
	return w
}

func (w *Workload) read(a *autoscalingv2.HorizontalPodAutoscaler) {
	w.Max = int(a.Spec.MaxReplicas)
	if a.Spec.MinReplicas != nil {
		w.Min = int(*a.Spec.MinReplicas)
	}
	for _, m := range a.Spec.Metrics {
		if m.Resource != nil && m.Resource.Target.AverageUtilization != nil {
			w.Target = int(*m.Resource.Target.AverageUtilization)
		}
	}
	for _, m := range a.Status.CurrentMetrics {
		if m.Resource != nil && m.Resource.Current.AverageUtilization != nil {
			w.CPU = int(*m.Resource.Current.AverageUtilization)
		}
	}
}

func conditionTrue(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Settled says whether nothing is under way: each workload has the pods it should have, and no node boots.
func (s *State) Settled() bool {
	for _, w := range s.Workloads {
		if w.Running != w.Wanted || w.Pending > 0 || w.CPU < 0 && w.Max > w.Min {
			return false
		}
	}
	return s.Booting == 0 && len(s.Workloads) > 0
}

// String shows the state as a table.
func (s *State) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s %7s %8s %8s %8s %12s\n", "", "wanted", "running", "pending", "bounds", "cpu/target")
	for _, w := range s.Workloads {
		fmt.Fprintf(&b, "%-14s %7d %8d %8d %8s %12s\n", w.Component, w.Wanted, w.Running, w.Pending, fmt.Sprintf("%d-%d", w.Min, w.Max), w.Reading())
	}
	fmt.Fprintf(&b, "%-14s %7s %8d %8d\n", "nodes", "", s.Nodes, s.Booting)
	return b.String()
}

// AwaitReadings waits until every workload has its fewest pods ready and every autoscaler has a reading: the first comes
// with the second round of metrics.
func AwaitReadings(ctx context.Context, client kubernetes.Interface, namespace string) error {
	for {
		s, err := Observe(ctx, client, namespace)
		if err != nil {
			return err
		}
		if len(s.Workloads) > 0 && !slices.ContainsFunc(s.Workloads, Workload.waiting) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the application is not there in full: %w\n%s", ctx.Err(), s)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (w Workload) waiting() bool { return w.Running < w.Min || w.CPU < 0 && w.Max > w.Min }
