package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const (
	// usageName is the name of the ClusterResourceUsage that sets the usage of all simulated pods.
	usageName = "tfserving"
	usagePath = "/apis/kwok.x-k8s.io/v1alpha1/clusterresourceusages/"
	// idleMilliCPU and idleMemory are the usage of a pod without demand.
	idleMilliCPU = 5
	idleMemory   = "64Mi"
)

// SetDemand sets the CPU usage of an embedded cluster's simulated pods to what they would use of a demand, and returns how much of it they serve.
// demand and served have thousandths of a core in total for each component. A Service spreads the demand over the component's
// ready pods, so each gets the same share. A kernel limits what a pod can use of its share: to the pod's CPU limit, and together
// with the other pods of the node to the node's cores. All other pods are idle.
//
// The usage holds for the pods that are ready now, so a caller repeats SetDemand while the demand lasts.
func SetDemand(ctx context.Context, client *kubernetes.Clientset, demand map[string]int64) (served map[string]int64, err error) {
	var pods []corev1.Pod
	cores := map[string]int64{}
	if len(demand) > 0 {
		components := slices.Sorted(maps.Keys(demand))
		list, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{LabelSelector: fmt.Sprintf("%s in (%s)", componentLabel, strings.Join(components, ","))})
		if err != nil {
			return nil, fmt.Errorf("listing the pods that have demand: %w", err)
		}
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("listing the nodes of pods that have demand: %w", err)
		}
		for i := range nodes.Items {
			cores[nodes.Items[i].Name] = nodes.Items[i].Status.Allocatable.Cpu().MilliValue()
		}
		pods = list.Items
	}
	uses := usages(demand, pods, cores)
	served = map[string]int64{}
	for _, u := range uses {
		served[u.component] += u.milliCPU
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "kwok.x-k8s.io/v1alpha1",
		"kind":       "ClusterResourceUsage",
		"metadata":   map[string]any{"name": usageName},
		"spec": map[string]any{"usages": []any{map[string]any{"usage": map[string]any{
			"cpu":    map[string]any{"expression": usageExpression(uses)},
			"memory": map[string]any{"value": idleMemory},
		}}}},
	})
	if err != nil {
		return nil, err
	}
	err = client.RESTClient().Patch(types.ApplyPatchType).AbsPath(usagePath+usageName).
		Param("fieldManager", "tfserving").Param("force", "true").Body(body).Do(ctx).Error()
	if err != nil {
		return nil, fmt.Errorf("setting the CPU usage of the pods: %w", err)
	}
	return served, nil
}

// usage is what a pod uses.
type usage struct {
	pod       string // namespace/name
	component string
	node      string
	weight    int64 // the kernel's share for the pod: its CPU request
	milliCPU  int64
}

// usages returns what each ready pod uses of a demand, on nodes with a number of cores. Both are in thousandths of a core.
func usages(demand map[string]int64, pods []corev1.Pod, cores map[string]int64) []usage {
	ready := map[string]int64{}
	var all []usage
	for i := range pods {
		p := &pods[i]
		component := p.Labels[componentLabel]
		if demand[component] == 0 || !podReady(p) {
			continue
		}
		ready[component]++
		request, limit := cpuOf(p)
		all = append(all, usage{pod: p.Namespace + "/" + p.Name, component: component, node: p.Spec.NodeName, weight: max(request, 1), milliCPU: limit})
	}
	onNode := map[string][]*usage{}
	for i := range all {
		u := &all[i]
		u.milliCPU = min(demand[u.component]/ready[u.component], u.milliCPU)
		onNode[u.node] = append(onNode[u.node], u)
	}
	for node, pods := range onNode {
		divide(cores[node], pods)
	}
	return all
}

// divide limits what pods use to the cores of their node, as the kernel does: a pod that wants less than its share by weight gets
// what it wants, and the others divide the rest by their weights.
func divide(cores int64, pods []*usage) {
	var weights int64
	for _, p := range pods {
		weights += p.weight
	}
	// Those that want the least for their weight come first, so what they leave is known when the next one gets its share.
	slices.SortFunc(pods, func(a, b *usage) int { return cmp.Compare(a.milliCPU*b.weight, b.milliCPU*a.weight) })
	for _, p := range pods {
		p.milliCPU = min(p.milliCPU, cores*p.weight/weights)
		cores, weights = cores-p.milliCPU, weights-p.weight
	}
}

// noLimit is the CPU limit of a container without one, in thousandths of a core: more than a node has.
const noLimit = int64(1_000_000_000)

// cpuOf returns the CPU request and limit of a pod's containers, in thousandths of a core.
func cpuOf(p *corev1.Pod) (request, limit int64) {
	for i := range p.Spec.Containers {
		r := &p.Spec.Containers[i].Resources
		request += r.Requests.Cpu().MilliValue()
		limit += cmp.Or(r.Limits.Cpu().MilliValue(), noLimit)
	}
	return request, limit
}

func podReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// usageExpression is the expression, in CEL, with which kwok computes the cores that a pod uses.
func usageExpression(all []usage) string {
	idle := fmt.Sprintf("%.3f", float64(idleMilliCPU)/1000)
	if len(all) == 0 {
		return idle
	}
	var entries []string
	for _, u := range all {
		entries = append(entries, fmt.Sprintf("%q: %.3f", u.pod, float64(max(u.milliCPU, idleMilliCPU))/1000))
	}
	slices.Sort(entries)
	const pod = `pod.metadata.namespace + "/" + pod.metadata.name`
	byPod := "{" + strings.Join(entries, ", ") + "}"
	return fmt.Sprintf("(%[1]s) in %[2]s ? %[2]s[%[1]s] : %[3]s", pod, byPod, idle)
}
