package cost

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

const (
	deploymentType = "kubernetes:apps/v1:Deployment"
	autoscalerType = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
	addonType      = "aws:eks/addon:Addon"
	chartType      = "kubernetes:helm.sh/v3:Release"
	mib            = 1 << 20
)

// pods are what a demand takes: each pod that needs a place on some node, and what one of every DaemonSet takes of every
// node.
func (e *estimator) pods(demand float64) (all []catalog.Room, everyNode catalog.Room, err error) {
	for _, r := range e.resources {
		var each catalog.Room
		var number int
		switch r.Type {
		case deploymentType:
			if each, err = podRoom(r); err == nil {
				number, err = e.deploymentReplicas(r, demand)
			}
		case chartType:
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

// podRoom is what a pod of a Deployment asks for: the requests of its containers.
func podRoom(r Resource) (catalog.Room, error) {
	room := catalog.Room{Pods: 1}
	containers, err := r.list("spec", "template", "spec", "containers")
	if err != nil {
		return room, err
	}
	for _, c := range containers {
		container, isObject := c.(map[string]any)
		if !isObject {
			return room, fmt.Errorf("a container is %T, or not known yet", c)
		}
		asked, err := requests(container, "resources", "requests")
		if err != nil {
			return room, err
		}
		room = sum(room, asked)
	}
	return room, nil
}

// requests reads what an object asks for under a path, in Kubernetes' quantities.
func requests(object map[string]any, path ...string) (catalog.Room, error) {
	var room catalog.Room
	for _, kind := range []string{"cpu", "memory"} {
		value, err := valueAt(object, append(path, kind)...)
		if err != nil {
			return room, err
		}
		if value == nil {
			continue
		}
		text := fmt.Sprint(value) // a number of cores may be written as one
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			return room, fmt.Errorf("%s %q: %w", kind, text, err)
		}
		if kind == "cpu" {
			room.MilliCPU = quantity.MilliValue()
		} else {
			room.MemoryMiB = (quantity.Value() + mib - 1) / mib
		}
	}
	return room, nil
}

// deploymentReplicas are a Deployment's pods at a demand: its autoscaler's to say, or fixed.
func (e *estimator) deploymentReplicas(r Resource, demand float64) (int, error) {
	name, namespace := r.objectName()
	for _, hpa := range e.resources {
		if hpa.Type != autoscalerType {
			continue
		}
		target, err := hpa.text("spec", "scaleTargetRef", "name")
		if err != nil {
			return 0, fmt.Errorf("autoscaler %s: %w", hpa.Name, err)
		}
		if _, in := hpa.objectName(); target != name || in != "" && namespace != "" && in != namespace {
			continue
		}
		fewest, isSet, err := hpa.count("spec", "minReplicas")
		if err == nil && !isSet {
			fewest = 1 // Kubernetes' default
		}
		most, mostSet, mostErr := hpa.count("spec", "maxReplicas")
		if err != nil || mostErr != nil || !mostSet {
			return 0, fmt.Errorf("the bounds of autoscaler %s are not known", hpa.Name)
		}
		return replicas(fewest, most, demand), nil
	}
	fixed, isSet, err := r.count("spec", "replicas")
	if err == nil && !isSet {
		fixed = 1 // Kubernetes' default
	}
	return fixed, err
}

// chartPods are the pods of a chart whose values say their number and what each asks for, by the names that charts
// commonly have for them. Of others nothing is known, and nothing counted.
func chartPods(r Resource) (catalog.Room, int, error) {
	number, isSet, err := r.count("values", "replicaCount")
	if err != nil || !isSet {
		return catalog.Room{}, 0, err
	}
	values, err := as[map[string]any](r.at("values"))
	if err != nil {
		return catalog.Room{}, 0, err
	}
	each, err := requests(values, "resources", "requests")
	each.Pods = 1
	return each, number, err
}

// addonPods are an add-on's pods: those of its Deployment, and what its DaemonSet takes of every node.
func addonPods(r Resource) (each catalog.Room, number int, everyNode catalog.Room, err error) {
	name, err := r.text("addonName")
	if err != nil {
		return each, 0, everyNode, err
	}
	pods, known := catalog.FindAddon(name)
	if !known {
		return each, 0, everyNode, fmt.Errorf("what the pods of add-on %q ask for is not known here (eks/addons.go)", name)
	}
	room := catalog.Room{MilliCPU: pods.Each.MilliCPU, MemoryMiB: pods.Each.MemoryMiB, Pods: 1}
	if pods.Replicas == 0 {
		return each, 0, room, nil
	}
	return room, pods.Replicas, everyNode, nil
}
