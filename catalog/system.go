package catalog

// SystemNamespace is the namespace of a cluster's own components: DNS, add-ons and controllers.
const SystemNamespace = "kube-system"

// MetadataHops is how many network hops an answer of the EC2 instance metadata service may take. A pod with a network of
// its own is two hops away, so a limit of one keeps the node's credentials from it.
const MetadataHops = 1
