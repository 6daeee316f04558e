package catalog

// SystemNamespace is the namespace of a cluster's own components: DNS, add-ons and controllers.
const SystemNamespace = "kube-system"

// LogTypes lists the logs of an EKS control plane (EKS API reference, LogSetup).
func LogTypes() []string {
	return []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}
}

// MetadataHops is how many network hops an answer of the EC2 instance metadata service may take. A pod with a network of
// its own is two hops away, so a limit of one keeps the node's credentials from it.
const MetadataHops = 1

// AutoscalerPriorities is the ConfigMap in SystemNamespace from which the Cluster Autoscaler's expander priority reads the
// priorities of node groups, and AutoscalerPrioritiesKey the key of its text (the autoscaler's constants).
const (
	AutoscalerPriorities    = "cluster-autoscaler-priority-expander"
	AutoscalerPrioritiesKey = "priorities"
)
