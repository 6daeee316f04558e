package cost

import (
	"fmt"
	"slices"
	"strings"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
	"tfserving/resource"
)

const (
	autoscalerType = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
	addonType      = "aws:eks/addon:Addon"
	mib            = 1 << 20 // bytes
	// atRest is the demand outside working hours, in which what an autoscaler scales has no pods.
	atRest = -1.0
)

// pods returns the requests of each pod at a demand, and the sum of what the DaemonSets request on every node.
func (e *estimator) pods(demand float64) (all []catalog.Room, everyNode catalog.Room, err error) {
	for _, r := range e.resources {
		var each catalog.Room
		var number int
		switch r.Type {
		case resource.Deployment:
			if each, err = podRoom(r); err == nil {
				number, err = e.deploymentReplicas(r, demand)
			}
		case resource.HelmRelease:
			each, number, err = chartPods(r)
		case addonType:
			var add catalog.Room
			each, number, add, err = addonPods(r)
			everyNode = sum(everyNode, add)
		default:
			continue
		}
		if err != nil {
			return nil, catalog.Room{}, fmt.Errorf("%s %s: %w", r.Type[strings.LastIndex(r.Type, ":")+1:], r.Name, err)
		}
		for range number {
			all = append(all, each)
		}
	}
	return all, everyNode, nil
}

func sum(a, b catalog.Room) catalog.Room {
	return catalog.Room{MilliCPU: a.MilliCPU + b.MilliCPU, MemoryMiB: a.MemoryMiB + b.MemoryMiB, Pods: a.Pods + b.Pods}
}

// podRoom is the sum of the requests of a Deployment's containers.
func podRoom(r resource.Resource) (catalog.Room, error) {
	room := catalog.Room{Pods: 1}
	containers, err := resource.List(r.Inputs, "spec", "template", "spec", "containers")
	if err != nil {
		return room, err
	}
	for i := range containers {
		requested, err := requests(r, "spec", "template", "spec", "containers", i, "resources", "requests")
		if err != nil {
			return room, err
		}
		room = sum(room, requested)
	}
	return room, nil
}

// requests reads the CPU and the memory at a path, which are Kubernetes quantities.
func requests(r resource.Resource, path ...any) (catalog.Room, error) {
	var room catalog.Room
	for _, kind := range []string{"cpu", "memory"} {
		value, err := resource.Value[any](r.Inputs, append(slices.Clone(path), kind)...)
		if err != nil {
			return room, err
		}
		if value == nil {
			continue
		}
		text := fmt.Sprint(value) // cores may be a number
		parsed, err := quantity.ParseQuantity(text)
		if err != nil {
			return room, fmt.Errorf("%s %q: %w", kind, text, err)
		}
		if kind == "cpu" {
			room.MilliCPU = parsed.MilliValue()
		} else {
			room.MemoryMiB = (parsed.Value() + mib - 1) / mib
		}
	}
	return room, nil
}

// deploymentReplicas is the number of a Deployment's pods at a demand: its autoscaler sets it, or it is fixed.
func (e *estimator) deploymentReplicas(r resource.Resource, demand float64) (int, error) {
	name, namespace := objectName(r)
	for _, hpa := range e.resources {
		if hpa.Type != autoscalerType {
			continue
		}
		target, err := resource.Text(hpa.Inputs, "spec", "scaleTargetRef", "name")
		if err != nil {
			return 0, fmt.Errorf("autoscaler %s: %w", hpa.Name, err)
		}
		if _, in := objectName(hpa); target != name || in != "" && namespace != "" && in != namespace {
			continue
		}
		fewest, isSet, err := resource.Number(hpa.Inputs, "spec", "minReplicas")
		if err == nil && !isSet {
			fewest = 1 // Kubernetes's default
		}
		most, mostSet, mostErr := resource.Number(hpa.Inputs, "spec", "maxReplicas")
		if err != nil || mostErr != nil || !mostSet {
			return 0, fmt.Errorf("the bounds of autoscaler %s are not known", hpa.Name)
		}
		if demand == atRest {
			return 0, nil
		}
		return replicas(fewest, most, demand), nil
	}
	fixed, isSet, err := resource.Number(r.Inputs, "spec", "replicas")
	if err == nil && !isSet {
		fixed = 1 // Kubernetes's default
	}
	return fixed, err
}

// chartPods returns the requests and the number of a chart's pods, from the values replicaCount and resources that most
// charts have. A chart without replicaCount counts as none.
func chartPods(r resource.Resource) (catalog.Room, int, error) {
	number, isSet, err := resource.Number(r.Inputs, "values", "replicaCount")
	if err != nil || !isSet {
		return catalog.Room{}, 0, err
	}
	each, err := requests(r, "values", "resources", "requests")
	each.Pods = 1
	return each, number, err
}

// addonPods returns the requests and the number of the pods of an add-on's Deployment, and what its DaemonSet requests on
// every node.
func addonPods(r resource.Resource) (each catalog.Room, number int, everyNode catalog.Room, err error) {
	name, err := resource.Text(r.Inputs, "addonName")
	if err != nil {
		return each, 0, everyNode, err
	}
	pods, known := catalog.FindAddon(name)
	if !known {
		return each, 0, everyNode, fmt.Errorf("what the pods of add-on %q ask for is not known here (catalog/addons.go)", name)
	}
	room := catalog.Room{MilliCPU: pods.Each.MilliCPU, MemoryMiB: pods.Each.MemoryMiB, Pods: 1}
	if pods.Replicas == 0 {
		return each, 0, room, nil
	}
	return room, pods.Replicas, everyNode, nil
}

// objectName is the name and namespace of a Kubernetes object. Either is empty if it is not known yet.
func objectName(r resource.Resource) (name, namespace string) {
	name, _ = resource.Text(r.Inputs, "metadata", "name")
	namespace, _ = resource.Text(r.Inputs, "metadata", "namespace")
	return name, namespace
}
