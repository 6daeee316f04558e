// Package namespace makes the namespace that the application lives in, with what holds for every pod in it: the Pod
// Security level, no traffic but what a policy allows, and bounds that protect the neighbours.
package namespace

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Args shape a namespace.
type Args struct {
	Name string
	// AllowRoot lowers the Pod Security level from restricted to baseline, which is what a root user takes.
	AllowRoot bool
	// MaxPods bounds the pods in the namespace, those that are draining included.
	MaxPods int
	// Labels are further ones, for controllers that look for them.
	Labels map[string]string
	// Ready, if it is not nil, is known once pods may be made here; what uses the namespace's Name waits for it.
	Ready pulumi.StringInput
}

// Namespace is the application's namespace.
type Namespace struct {
	pulumi.ResourceState

	// Name is known once the namespace and its policies exist, so what uses it comes after them.
	Name pulumi.StringOutput
}

const (
	// Names of the cluster's DNS, as every distribution labels it (CoreDNS keeps kube-dns' label).
	dnsNamespace = "kube-system"
	dnsApp       = "kube-dns"
	dnsPort      = 53
)

// NewNamespace makes a namespace.
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
	made, err := corev1.NewNamespace(ctx, name, &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(args.Name), Labels: labels},
	}, pulumi.Parent(ns))
	if err != nil {
		return nil, err
	}
	within := made.Metadata.Name().Elem()
	policies, err := denyByDefault(ctx, name, within, id, pulumi.Parent(ns))
	if err != nil {
		return nil, err
	}
	bounds, err := bound(ctx, name, args, within, id, pulumi.Parent(ns))
	if err != nil {
		return nil, err
	}
	// A component's DependsOn does not reach its children, so the name carries the wait: who uses it comes after all
	// of this.
	before := append(policies, append(bounds, within)...)
	if args.Ready != nil {
		before = append(before, args.Ready)
	}
	ns.Name = pulumi.All(before...).ApplyT(func([]any) string { return args.Name }).(pulumi.StringOutput)
	return ns, ctx.RegisterResourceOutputs(ns, pulumi.Map{"name": ns.Name})
}

// podSecurity are the namespace's Pod Security levels by mode. Whatever is enforced, callers are warned of what
// restricted would refuse.
func podSecurity(allowRoot bool) map[string]string {
	enforce := "restricted"
	if allowRoot {
		enforce = "baseline"
	}
	return map[string]string{"enforce": enforce, "warn": "restricted", "audit": "restricted"}
}

// denyByDefault lets no pod receive or send anything but DNS questions. Each component adds its own flows.
func denyByDefault(ctx *pulumi.Context, name string, within pulumi.StringOutput, id workload.Identity, opts ...pulumi.ResourceOption) ([]any, error) {
	everyPod := &metav1.LabelSelectorArgs{}
	deny, err := networkingv1.NewNetworkPolicy(ctx, name+"-default-deny", &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta("default-deny", within, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: everyPod,
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
		},
	}, opts...)
	if err != nil {
		return nil, err
	}
	dns := workload.NamespacePods(dnsNamespace)
	dns.PodSelector = &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{"k8s-app": pulumi.String(dnsApp)}}
	allow, err := networkingv1.NewNetworkPolicy(ctx, name+"-allow-dns", &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta("allow-dns", within, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: everyPod,
			PolicyTypes: pulumi.ToStringArray([]string{"Egress"}),
			Egress: networkingv1.NetworkPolicyEgressRuleArray{&networkingv1.NetworkPolicyEgressRuleArgs{
				To: networkingv1.NetworkPolicyPeerArray{dns},
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

// Defaults of a container that states no resources of its own: small, so that a stray pod (a debugging shell, a
// forgotten Job) cannot crowd out the servers.
const (
	strayCPU    = "100m"
	strayMemory = "128Mi"
)

// bound keeps a mistake in this namespace from taking the cluster: a runaway number of pods, a pod without bounds.
func bound(ctx *pulumi.Context, name string, args *Args, within pulumi.StringOutput, id workload.Identity, opts ...pulumi.ResourceOption) ([]any, error) {
	quota, err := corev1.NewResourceQuota(ctx, name, &corev1.ResourceQuotaArgs{
		Metadata: workload.ObjectMeta(args.Name, within, id),
		Spec: &corev1.ResourceQuotaSpecArgs{Hard: pulumi.StringMap{
			"pods": pulumi.String(fmt.Sprint(args.MaxPods)),
			// A Service of one of these types opens a door; the gateway's is the only one there may be.
			"services.loadbalancers": pulumi.String("1"),
			"services.nodeports":     pulumi.String("1"),
		}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	stray := pulumi.StringMap{"cpu": pulumi.String(strayCPU), "memory": pulumi.String(strayMemory)}
	limits, err := corev1.NewLimitRange(ctx, name, &corev1.LimitRangeArgs{
		Metadata: workload.ObjectMeta(args.Name, within, id),
		Spec: &corev1.LimitRangeSpecArgs{Limits: corev1.LimitRangeItemArray{&corev1.LimitRangeItemArgs{
			Type: pulumi.String("Container"), Default: stray, DefaultRequest: stray,
		}}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return []any{quota.Metadata.Name(), limits.Metadata.Name()}, nil
}
