// Package catalog holds what AWS publishes about EC2 and EKS: instance types and the room for pods on their nodes, Kubernetes
// versions with the end of their support, add-ons with the requests of their pods, names of regions, and zones. It needs no
// AWS account. It also holds constants and rules that several packages share.
package catalog
