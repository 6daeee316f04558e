package catalog

import (
	"maps"
	"slices"
)

// Requests are the resources that a pod requests: thousandths of a core, and MiB of memory.
type Requests struct{ MilliCPU, MemoryMiB int64 }

// AddonPods are the pods of an EKS add-on with its default settings.
type AddonPods struct {
	Replicas int // pods of the add-on's Deployment; 0 for a DaemonSet, which runs one pod on every node
	Each     Requests
}

// addons are the EKS add-ons that every cluster has. The requests are those of their manifests: the aws-vpc-cni chart (25m
// each for the CNI and its network policy agent), EKS's kube-proxy and CoreDNS add-ons, the eks-pod-identity-agent chart
// (no requests) and EKS's metrics-server add-on (two replicas).
var addons = map[string]AddonPods{
	"vpc-cni":                {0, Requests{50, 0}},
	"kube-proxy":             {0, Requests{100, 0}},
	"eks-pod-identity-agent": {0, Requests{0, 0}},
	"coredns":                {2, Requests{100, 70}},
	"metrics-server":         {2, Requests{100, 200}},
}

// AddonNames lists the EKS add-ons that every cluster has, sorted.
func AddonNames() []string { return slices.Sorted(maps.Keys(addons)) }

// FindAddon returns the pods of an add-on, if the catalog has it.
func FindAddon(name string) (AddonPods, bool) {
	pods, known := addons[name]
	return pods, known
}

// DaemonMilliCPU returns the CPU that the add-ons' pods request on every node, in thousandths of a core. They request no
// memory.
func DaemonMilliCPU() (sum int64) {
	for _, a := range addons {
		if a.Replicas == 0 {
			sum += a.Each.MilliCPU
		}
	}
	return sum
}
