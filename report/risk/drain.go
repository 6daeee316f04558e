package risk

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"tfserving/preview"
	"tfserving/resource"
)

// drainLimit is how long EKS waits for the pods of a node that an update replaces. Then the update fails with PodEvictionFailure
// (EKS User Guide, "Understand each phase of node updates").
const drainLimit = 15 * time.Minute

// deployment is what a drain of its pods depends on.
type deployment struct {
	name, namespace string
	pods            int           // at most
	start, end      time.Duration // at most, of a pod: until it is ready, and from its eviction to its end
	disrupted       int           // how many pods a drain evicts at a time; 0 is no limit
}

// deploymentsOf returns the Deployments of a preview that stay, with their autoscalers and disruption budgets.
func deploymentsOf(p *preview.Preview) (all []deployment) {
	for _, s := range p.Steps {
		if s.Type != resource.Deployment || s.New == nil {
			continue
		}
		d := deployment{name: textOf(s.New, "metadata", "name"), namespace: textOf(s.New, "metadata", "namespace"), pods: 1}
		if n, ok := resource.At(s.New.Inputs, "spec", "replicas").(float64); ok {
			d.pods = int(n)
		}
		pod := resource.At(s.New.Inputs, "spec", "template", "spec")
		d.end = seconds(resource.At(pod, "terminationGracePeriodSeconds"))
		for _, c := range elements(resource.At(pod, "containers")) {
			failures, _ := resource.At(c, "startupProbe", "failureThreshold").(float64)
			d.start = max(d.start, seconds(resource.At(c, "startupProbe", "initialDelaySeconds"))+time.Duration(failures)*seconds(resource.At(c, "startupProbe", "periodSeconds")))
		}
		selector := resource.At(s.New.Inputs, "spec", "selector", "matchLabels")
		for _, other := range p.Steps {
			if other.New == nil || textOf(other.New, "metadata", "namespace") != d.namespace {
				continue
			}
			switch other.Type {
			case podAutoscaler:
				if most, ok := resource.At(other.New.Inputs, "spec", "maxReplicas").(float64); ok && textOf(other.New, "spec", "scaleTargetRef", "name") == d.name {
					d.pods = int(most)
				}
			case disruptionBudget:
				if n, ok := resource.At(other.New.Inputs, "spec", "maxUnavailable").(float64); ok && reflect.DeepEqual(resource.At(other.New.Inputs, "spec", "selector", "matchLabels"), selector) {
					d.disrupted = int(n)
				}
			}
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b deployment) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	return all
}

func seconds(v any) time.Duration {
	n, _ := v.(float64)
	return time.Duration(n) * time.Second
}

// slowDrains says which Deployments may keep an update of a node group from ending: their pods on the nodes that end together
// leave a few at a time, each after another has started, and that may take longer than EKS waits. It is empty if none does.
func slowDrains(group *preview.State, all []deployment) string {
	share := 0.0 // of the group's nodes, that end together
	if percent, ok := resource.At(group.Inputs, "updateConfig", "maxUnavailablePercentage").(float64); ok {
		share = percent / 100
	}
	if nodes, ok := resource.At(group.Inputs, "scalingConfig", "desiredSize").(float64); ok && nodes > 0 {
		share = max(share, 1/nodes) // one node at least
	}
	var found []string
	for _, d := range all {
		leaving := int(math.Ceil(float64(d.pods) * share))
		if d.disrupted == 0 || leaving == 0 {
			continue
		}
		turns := (leaving + d.disrupted - 1) / d.disrupted
		if time.Duration(turns)*d.start+d.end <= drainLimit {
			continue
		}
		longest := ((drainLimit - d.end) / time.Duration(turns)).Round(time.Second)
		found = append(found, fmt.Sprintf("a pod of Deployment %s takes more than %s to start (%d of at most %d pods leave, %d at a time)", d.name, longest, leaving, d.pods, d.disrupted))
	}
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("; EKS waits %d minutes for a node's pods to leave, and the update fails if %s", drainLimit/time.Minute, strings.Join(found, ", or if "))
}
