// Package catalog holds facts that AWS publishes about EC2 and EKS: instance types and how much of a node they leave to
// pods, Kubernetes versions and until when EKS supports them, add-ons and what their pods ask for. It asks no account. It
// also holds constants that several packages share.
package catalog
