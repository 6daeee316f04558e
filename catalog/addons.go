package catalog

// Requests are what a pod asks its node for: thousandths of a core, and MiB of memory.
type Requests struct{ MilliCPU, MemoryMiB int64 }

// AddonPods are the pods of an add-on with its default settings.
type AddonPods struct {
	Replicas int // of the add-on's Deployment; 0 where a DaemonSet runs one pod on every node
	Each     Requests
}

// addons are the add-ons whose pods are known here, from their manifests: the aws-vpc-cni chart (25m each for the CNI and
// its network policy agent), EKS's kube-proxy and CoreDNS add-ons, the eks-pod-identity-agent chart (asks for nothing) and
// metrics-server's (two replicas as EKS' add-on).
var addons = map[string]AddonPods{
	"vpc-cni":                {0, Requests{50, 0}},
	"kube-proxy":             {0, Requests{100, 0}},
	"eks-pod-identity-agent": {0, Requests{0, 0}},
	"coredns":                {2, Requests{100, 70}},
	"metrics-server":         {2, Requests{100, 200}},
}

// FindAddon returns the pods of an add-on, if it is known here.
func FindAddon(name string) (AddonPods, bool) {
	pods, known := addons[name]
	return pods, known
}
