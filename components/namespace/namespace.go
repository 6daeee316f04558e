// Package namespace registers the application's namespace, with rules for every pod in it: the Pod Security level, network
// policies that deny traffic by default, and limits that protect other applications of the cluster.
package namespace

import (
	"fmt"
	"maps"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// Args describe a namespace.
type Args struct {
	Name string
	// AllowRoot lowers the Pod Security level from restricted to baseline, which allows root.
	AllowRoot bool
	// MaxPods is the most pods in the namespace, including those that drain.
	MaxPods int
	// Labels are further labels, for controllers that select namespaces by them.
	Labels map[string]string
	// Ready, if not nil, is known once the cluster can run pods. A resource that uses the output Name waits for it.
	Ready pulumi.StringInput
}

// Namespace is the application's namespace.
type Namespace struct {
	pulumi.ResourceState

	// Name is known once the namespace, its policies and its limits exist. A resource that uses it is created after them.
	Name pulumi.StringOutput
}

const (
	// dnsApp is the label of the cluster's DNS pods in most distributions. CoreDNS has the label of kube-dns.
	dnsApp  = "kube-dns"
	dnsPort = 53
	// dnsCache is the address of NodeLocal DNSCache on each node (its documentation). The cache is on the host's network, so
	// labels of pods do not select it.
	dnsCache = "169.254.20.10/32"
)

// NewNamespace registers a namespace with its policies and limits.
func NewNamespace(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Namespace, error) {
	ns := &Namespace{}
	if err := ctx.RegisterComponentResource("tfserving:namespace:Namespace", name, ns, opts...); err != nil {
		return nil, err
	}
	id := workload.Identity{Component: "namespace", Name: args.Name, Instance: args.Name}
	labels := id.Labels()
	for mode, level := range podSecurity(args.AllowRoot) {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String(level)
	}
	for key, value := range args.Labels {
		labels[key] = pulumi.String(value)
	}
	namespace, err := corev1.NewNamespace(ctx, name, &corev1.NamespaceArgs{
		Metadata: workload.Annotate(&metav1.ObjectMetaArgs{Name: pulumi.String(args.Name), Labels: labels}, nil),
	}, pulumi.Parent(ns))
	if err != nil {
		return nil, err
	}
	inside := namespace.Metadata.Name().Elem()
	policies, err := denyByDefault(ctx, name, inside, id, pulumi.Parent(ns))
	if err != nil {
		return nil, err
	}
	limits, err := limit(ctx, name, args, inside, id, pulumi.Parent(ns))
	if err != nil {
		return nil, err
	}
	// A dependency on a component does not wait for all of its children, so the output Name waits for them.
	before := append(policies, append(limits, inside)...)
	if args.Ready != nil {
		before = append(before, args.Ready)
	}
	ns.Name = pulumi.All(before...).ApplyT(func([]any) string { return args.Name }).(pulumi.StringOutput)
	return ns, ctx.RegisterResourceOutputs(ns, pulumi.Map{"name": ns.Name})
}

// podSecurity returns the namespace's Pod Security levels by mode. Under any enforced level, Kubernetes warns of pods that
// level restricted refuses.
func podSecurity(allowRoot bool) map[string]string {
	enforce := "restricted"
	if allowRoot {
		enforce = "baseline"
	}
	return map[string]string{"enforce": enforce, "warn": "restricted", "audit": "restricted"}
}

// denyByDefault registers policies that deny all traffic of every pod but DNS queries. Each component allows its own
// connections.
func denyByDefault(ctx *pulumi.Context, name string, inside pulumi.StringOutput, id workload.Identity, opts ...pulumi.ResourceOption) ([]any, error) {
	everyPod := &metav1.LabelSelectorArgs{}
	deny, err := networkingv1.NewNetworkPolicy(ctx, name+"-default-deny", &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta("default-deny", inside, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: everyPod,
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
		},
	}, opts...)
	if err != nil {
		return nil, err
	}
	dns := workload.NamespacePods(catalog.SystemNamespace)
	dns.PodSelector = &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"k8s-app": pulumi.String(dnsApp)}}
	allow, err := networkingv1.NewNetworkPolicy(ctx, name+"-allow-dns", &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta("allow-dns", inside, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: everyPod,
			PolicyTypes: pulumi.ToStringArray([]string{"Egress"}),
			Egress: networkingv1.NetworkPolicyEgressRuleArray{&networkingv1.NetworkPolicyEgressRuleArgs{
				To: networkingv1.NetworkPolicyPeerArray{dns, workload.Addresses(dnsCache)},
				Ports: append(workload.TCP(dnsPort), &networkingv1.NetworkPolicyPortArgs{
					Protocol: pulumi.String("UDP"), Port: pulumi.Int(dnsPort),
				}),
			}},
		},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return []any{deny.Metadata.Name(), allow.Metadata.Name()}, nil
}

// Requests and limits of a container that states none. They are small, so that another pod in the namespace, such as a
// debugging shell or a forgotten Job, leaves the servers their room.
const (
	defaultCPU     = "100m"
	defaultMemory  = "128Mi"
	defaultStorage = "128Mi"
)

// limit registers the limits of the namespace: the number of pods, and the resources of a container that states none.
// Without them one mistake in this namespace could take the whole cluster.
func limit(ctx *pulumi.Context, name string, args *Args, inside pulumi.StringOutput, id workload.Identity, opts ...pulumi.ResourceOption) ([]any, error) {
	quota, err := corev1.NewResourceQuota(ctx, name, &corev1.ResourceQuotaArgs{
		Metadata: workload.ObjectMeta(args.Name, inside, id),
		Spec: &corev1.ResourceQuotaSpecArgs{Hard: pulumi.StringMap{
			"pods": pulumi.String(fmt.Sprint(args.MaxPods)),
			// A Service of one of these types is reachable from outside. The gateway's is the only one allowed.
			"services.loadbalancers": pulumi.String("1"),
			"services.nodeports":     pulumi.String("1"),
		}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	limits := pulumi.StringMap{"memory": pulumi.String(defaultMemory), "ephemeral-storage": pulumi.String(defaultStorage)}
	// There is no default limit of CPU: the API server would give it to the servers that have none on purpose.
	requests := maps.Clone(limits)
	requests["cpu"] = pulumi.String(defaultCPU)
	limitRange, err := corev1.NewLimitRange(ctx, name, &corev1.LimitRangeArgs{
		Metadata: workload.ObjectMeta(args.Name, inside, id),
		Spec: &corev1.LimitRangeSpecArgs{Limits: corev1.LimitRangeItemArray{&corev1.LimitRangeItemArgs{
			Type: pulumi.String("Container"), Default: limits, DefaultRequest: requests,
		}}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return []any{quota.Metadata.Name(), limitRange.Metadata.Name()}, nil
}
