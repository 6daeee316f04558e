// Package loadbalancer makes the AWS Load Balancer Controller, from its maintainers' Helm chart: it makes AWS load
// balancers for Ingresses of its class and for Services of class service.k8s.aws/nlb.
package loadbalancer

import (
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/podidentity"
	"tfserving/components/workload"
)

const (
	// Component is the value of the component label of the controller's objects.
	Component = "load-balancer-controller"
	// Namespace is where the controller runs: the priority of its pods is kept for pods of the system.
	Namespace = "kube-system"
	// ReadinessGates is the label of a namespace, with the value enabled, in which the controller's webhook lets pods
	// be ready only when their load balancer finds them so. While no controller answers, pods come without the gate
	// (the chart's choice since 1.12): they start sooner than they should, where the alternative is not at all.
	ReadinessGates = "elbv2.k8s.aws/pod-readiness-gate-inject"

	// object is the name of the release and of the controller's Deployment and service account. The chart names the
	// latter two after a release that is called like itself.
	object = "aws-load-balancer-controller"
	// controllerName is what the controller looks for in an IngressClass.
	controllerName = "ingress.k8s.aws/alb"
)

// Args shape a controller.
type Args struct {
	ClusterName string
	// ClusterARN is the cluster's ARN, known once the cluster exists.
	ClusterARN pulumi.StringInput
	// Ready is the cluster's name, known once a pod can run and get an AWS role.
	Ready  pulumi.StringInput
	VPCID  pulumi.StringInput
	Region string
	// Chart is the name of a chart of a version in a repository (a URL). Where Repository is empty, it is the path of a
	// chart, and Version does not matter.
	Chart, Repository, Version string
	Replicas                   int
	// Tags are on every AWS resource that the controller makes; the provider's default tags do not reach them.
	Tags map[string]string
	// Kubernetes is the way into the cluster; nil takes the component's own. Among those it would hold up the AWS role,
	// which can be made beside the control plane: a component is registered once all of its providers are there.
	Kubernetes pulumi.ProviderResource
}

// Controller is a cluster's AWS Load Balancer Controller.
type Controller struct {
	pulumi.ResourceState

	// IngressClass is the name of its class. What uses it comes once the controller and its webhook answer, and goes
	// while they still do: only the controller lets go of an Ingress whose load balancer it made.
	IngressClass pulumi.StringOutput
	// RoleARN is the AWS role of the controller's pods.
	RoleARN pulumi.StringOutput
}

// NewController installs the controller of an EKS cluster.
func NewController(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Controller, error) {
	c := &Controller{}
	if err := ctx.RegisterComponentResource("tfserving:loadbalancer:Controller", name, c, opts...); err != nil {
		return nil, err
	}
	within := pulumi.Parent(c)
	inCluster := pulumi.ResourceOption(within)
	if args.Kubernetes != nil {
		inCluster = pulumi.Composite(within, pulumi.Provider(args.Kubernetes))
	}
	role, err := newRole(ctx, name, args, within)
	if err != nil {
		return nil, err
	}
	// With the role's Ready, the pods come after the role is theirs and go before it is taken from them.
	ready := pulumi.All(args.Ready, role.Ready).ApplyT(func(all []any) string { return all[0].(string) }).(pulumi.StringOutput)
	installed, err := newRelease(ctx, name, args, values(args, ready), inCluster)
	if err != nil {
		return nil, err
	}
	// The chart could make the class; then no preview would show it. A pod of the controller is ready once its webhook
	// listens, and the release once its pods are.
	id := workload.Identity{Component: Component, Name: object, Instance: name}
	class, err := networkingv1.NewIngressClass(ctx, name, &networkingv1.IngressClassArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(catalog.IngressClassALB), Labels: id.Labels()},
		Spec:     &networkingv1.IngressClassSpecArgs{Controller: pulumi.String(controllerName)},
	}, inCluster, pulumi.DependsOn([]pulumi.Resource{installed}))
	if err != nil {
		return nil, err
	}
	c.IngressClass, c.RoleARN = class.Metadata.Name().Elem(), role.ARN
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"ingressClass": c.IngressClass, "roleArn": c.RoleARN})
}

func newRole(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*podidentity.Role, error) {
	cluster := args.ClusterARN.ToStringOutput()
	return podidentity.NewRole(ctx, name+"-"+object, &podidentity.Args{
		ClusterName:    pulumi.String(args.ClusterName),
		ClusterExists:  cluster.ApplyT(func(string) string { return args.ClusterName }).(pulumi.StringOutput),
		Namespace:      Namespace,
		ServiceAccount: object,
		Policy:         cluster.ApplyT(Policy).(pulumi.StringOutput),
	}, opts...)
}
