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

// Labels by which the application's objects are found.
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
	CPU       int    // the autoscaler's reading of CPU usage, in % of the request; -1 without a reading
	Target    int    // the autoscaler's target, in % of the request
}

// Reading is the autoscaler's reading and target, in the form of kubectl.
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

// Observe reads the state of the application in a namespace, and of the nodes.
func Observe(ctx context.Context, client kubernetes.Interface, namespace string) (*State, error) {
	application := metav1.ListOptions{LabelSelector: partOfLabel}
	deployments, err := client.AppsV1().Deployments(namespace).List(ctx, application)
	if err != nil {
		return nil, fmt.Errorf("listing Deployments: %w", err)
	}
	autoscalers, err := client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, application)
	if err != nil {
		return nil, fmt.Errorf("listing HorizontalPodAutoscalers: %w", err)
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, application)
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
				w.addReading(a)
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
		if nodeReady(&nodes.Items[i]) {
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

// addReading fills in what a workload's autoscaler knows: its bounds, target and reading.
func (w *Workload) addReading(a *autoscalingv2.HorizontalPodAutoscaler) {
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

func nodeReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Settled says whether each workload has all its pods and its autoscaler a reading, and no node boots.
func (s *State) Settled() bool {
	for _, w := range s.Workloads {
		if w.Running != w.Wanted || w.Pending > 0 || w.Wanted > 0 && w.CPU < 0 && w.Max > w.Min {
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

// readingsPoll is the time between two observations by AwaitReadings.
const readingsPoll = 500 * time.Millisecond

// AwaitReadings waits until every workload has its minimum of ready pods and every autoscaler has a reading. The first
// reading needs two rounds of metrics.
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
			return fmt.Errorf("waiting for the application's pods and the autoscalers' readings: %w\n%s", ctx.Err(), s)
		case <-time.After(readingsPoll):
		}
	}
}

func (w Workload) waiting() bool {
	if w.Wanted == 0 { // its autoscaler rests
		return false
	}
	return w.Running < w.Min || w.CPU < 0 && w.Max > w.Min
}
