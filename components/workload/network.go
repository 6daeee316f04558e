package workload

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Pods returns a peer of a network policy: the pods with these labels in the policy's own namespace.
func Pods(labels pulumi.StringMap) *networkingv1.NetworkPolicyPeerArgs {
	return &networkingv1.NetworkPolicyPeerArgs{PodSelector: &metav1.LabelSelectorArgs{MatchLabels: labels}}
}

// NamespacePods returns a peer of a network policy: all pods of the namespace with this name.
func NamespacePods(namespace string) *networkingv1.NetworkPolicyPeerArgs {
	return &networkingv1.NetworkPolicyPeerArgs{NamespaceSelector: &metav1.LabelSelectorArgs{
		MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String(namespace)},
	}}
}

// Addresses returns a peer of a network policy: an address range, without the ranges in except.
func Addresses(cidr string, except ...string) *networkingv1.NetworkPolicyPeerArgs {
	block := &networkingv1.IPBlockArgs{Cidr: pulumi.String(cidr)}
	if len(except) > 0 {
		block.Except = pulumi.ToStringArray(except)
	}
	return &networkingv1.NetworkPolicyPeerArgs{IpBlock: block}
}

// TCP returns TCP ports for a rule of a network policy.
func TCP(ports ...int) networkingv1.NetworkPolicyPortArray {
	var all networkingv1.NetworkPolicyPortArray
	for _, p := range ports {
		all = append(all, &networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String("TCP"), Port: pulumi.Int(p)})
	}
	return all
}

// NamedTCP returns the TCP container port of a name, for a rule of a network policy. Kubernetes looks the name up in each pod
// that the policy selects. So while a rollout changes the port, old and new pods are both admitted, each on its own port.
//
// EKS's policy controller resolves a name with address ranges as peers for ingress rules since its pull request 92 (March
// 2024), and admits the number of every selected pod at all of them.
func NamedTCP(name string) networkingv1.NetworkPolicyPortArray {
	return networkingv1.NetworkPolicyPortArray{&networkingv1.NetworkPolicyPortArgs{Protocol: pulumi.String("TCP"), Port: pulumi.String(name)}}
}

// NewServiceAccount registers the service account of a component's pods. It mounts no token: most pods never call the
// Kubernetes API.
func NewServiceAccount(ctx *pulumi.Context, name string, namespace pulumi.StringInput, id Identity, opts ...pulumi.ResourceOption) (*corev1.ServiceAccount, error) {
	return corev1.NewServiceAccount(ctx, name, &corev1.ServiceAccountArgs{
		Metadata:                     ObjectMeta(name, namespace, id),
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, opts...)
}
