package monitoring

import (
	"maps"
	"slices"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
	alerts "tfserving/monitoring"
)

const (
	// stateMetrics is the name of kube-state-metrics' program, and of its objects.
	stateMetrics = "kube-state-metrics"
	// user is the user of its image.
	user = 65534
	// metricsPort serves the metrics and the answers to the probes (kube-state-metrics' default).
	metricsPort = 8080
	// probePeriod, probeFailures and probeTimeout replace a pod that has not answered for 30 s: its alerts are silent meanwhile.
	probePeriod   = 10 * time.Second
	probeFailures = 3
	probeTimeout  = 3 * time.Second
	// anywhere is where the API server may be. Policies are applied after the Service's address has become the server's own, which
	// no policy can name.
	anywhere = "0.0.0.0/0"
	apiPort  = 443
)

// resources are those that its README recommends for a cluster of up to 100 nodes, with room for a burst at its start.
var resources = workload.Resources{CPU: "100m", Memory: "250Mi"}

// newStateMetrics registers kube-state-metrics in a namespace of its own, at Pod Security level restricted. Only the collector
// reaches it: the namespace's one policy admits the address ranges of its network interfaces, at one port.
func newStateMetrics(ctx *pulumi.Context, name string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) error {
	labels := id.Labels()
	for _, mode := range []string{"enforce", "warn", "audit"} {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
	}
	// The namespace waits until pods can run, so everything in it does, and goes before the nodes.
	inside := args.Ready.ToStringOutput().ApplyT(func(string) string { return catalog.Monitoring }).(pulumi.StringOutput)
	namespace, err := corev1.NewNamespace(ctx, name+"-"+Component, &corev1.NamespaceArgs{
		Metadata: workload.Annotate(&metav1.ObjectMetaArgs{Name: inside, Labels: labels}, nil),
	}, opts...)
	if err != nil {
		return err
	}
	in := namespace.Metadata.Name().Elem()
	var from networkingv1.NetworkPolicyPeerArray
	for _, cidr := range args.CollectorCIDRs {
		from = append(from, workload.Addresses(cidr))
	}
	policy, err := networkingv1.NewNetworkPolicy(ctx, name+"-"+Component, &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta(stateMetrics, in, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{}, // every pod of the namespace
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
				From: from, Ports: workload.TCP(metricsPort),
			}},
			Egress: networkingv1.NetworkPolicyEgressRuleArray{&networkingv1.NetworkPolicyEgressRuleArgs{
				To: networkingv1.NetworkPolicyPeerArray{workload.Addresses(anywhere)}, Ports: workload.TCP(apiPort),
			}},
		},
	}, opts...)
	if err != nil {
		return err
	}
	account, binding, err := newReader(ctx, name, in, id, opts...)
	if err != nil {
		return err
	}
	arguments, err := alerts.StateMetricsArguments()
	if err != nil {
		return err
	}
	_, err = appsv1.NewDeployment(ctx, name+"-"+Component, &appsv1.DeploymentArgs{
		Metadata: workload.ObjectMeta(stateMetrics, in, id),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(1), // two would count everything twice
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy: workload.RollingUpdate(),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels()},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:           account,
					AutomountServiceAccountToken: pulumi.Bool(true), // it reads the Kubernetes API
					EnableServiceLinks:           pulumi.Bool(false),
					SecurityContext:              workload.PodSecurity(user),
					Containers: corev1.ContainerArray{&corev1.ContainerArgs{
						Name:            pulumi.String(stateMetrics),
						Image:           pulumi.String(catalog.KubeStateMetricsImage),
						Args:            pulumi.ToStringArray(arguments),
						Resources:       resources.Requirements(),
						SecurityContext: workload.ContainerSecurity(),
						Ports: corev1.ContainerPortArray{
							&corev1.ContainerPortArgs{Name: pulumi.String("metrics"), ContainerPort: pulumi.Int(metricsPort)},
						},
						// The first asks the API server, too. If that does not answer, another process would not help.
						ReadinessProbe: workload.Probe("metrics", "/livez", probePeriod, probeFailures, probeTimeout),
						LivenessProbe:  workload.Probe("metrics", "/healthz", probePeriod, probeFailures, probeTimeout),
					}},
				},
			},
		},
	}, append(opts, pulumi.DependsOn([]pulumi.Resource{policy, binding}))...)
	return err
}

// newReader registers kube-state-metrics' service account, which may list and watch the kinds of objects that the metrics are of, and
// nothing else. It returns the account's name and what grants the rights.
func newReader(ctx *pulumi.Context, name string, namespace pulumi.StringInput, id workload.Identity, opts ...pulumi.ResourceOption) (pulumi.StringInput, pulumi.Resource, error) {
	account, err := workload.NewServiceAccount(ctx, stateMetrics, namespace, id, opts...)
	if err != nil {
		return nil, nil, err
	}
	var rules rbacv1.PolicyRuleArray
	for _, group := range slices.Sorted(maps.Keys(alerts.StateMetricsKinds)) {
		rules = append(rules, &rbacv1.PolicyRuleArgs{
			ApiGroups: pulumi.ToStringArray([]string{group}), Resources: pulumi.ToStringArray(alerts.StateMetricsKinds[group]),
			Verbs: pulumi.ToStringArray([]string{"list", "watch"}),
		})
	}
	meta := &metav1.ObjectMetaArgs{Name: pulumi.String(stateMetrics), Labels: id.Labels()}
	role, err := rbacv1.NewClusterRole(ctx, name+"-"+Component, &rbacv1.ClusterRoleArgs{Metadata: meta, Rules: rules}, opts...)
	if err != nil {
		return nil, nil, err
	}
	binding, err := rbacv1.NewClusterRoleBinding(ctx, name+"-"+Component, &rbacv1.ClusterRoleBindingArgs{
		Metadata: meta,
		RoleRef:  &rbacv1.RoleRefArgs{ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String("ClusterRole"), Name: role.Metadata.Name().Elem()},
		Subjects: rbacv1.SubjectArray{&rbacv1.SubjectArgs{Kind: pulumi.String("ServiceAccount"), Name: account.Metadata.Name().Elem(), Namespace: namespace}},
	}, opts...)
	return account.Metadata.Name().Elem(), binding, err
}
