// Package loadbalancer installs the AWS Load Balancer Controller from its maintainers' Helm chart. The controller creates
// AWS load balancers for Ingresses of class alb and for Services of class service.k8s.aws/nlb.
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
	// ReadinessGates is a label for namespaces, with the value enabled. There the controller's webhook adds a readiness gate
	// to each new pod: the pod is ready once the load balancer's health checks of it pass. While no controller answers,
	// pods start without the gate (the chart's default since 1.12), so they still start.
	ReadinessGates = "elbv2.k8s.aws/pod-readiness-gate-inject"

	// object is the name of the release, and of the controller's Deployment and service account. The chart gives the
	// release's name to these two if the release has the chart's name.
	object = "aws-load-balancer-controller"
	// controllerName is the name of the controller in an IngressClass.
	controllerName = "ingress.k8s.aws/alb"
)

// Args describe a controller.
type Args struct {
	ClusterName string
	// ClusterARN is the cluster's ARN, known once the cluster exists.
	ClusterARN pulumi.StringInput
	// Ready is the cluster's name, known once a pod can run and get an AWS role.
	Ready  pulumi.StringInput
	VPCID  pulumi.StringInput
	Region string
	// Chart is the name of a chart in Repository, a URL, and Version is the chart's version there. If Repository is empty,
	// Chart is a path and Version is not used.
	Chart, Repository, Version string
	Replicas                   int
	// Tags are the tags of every AWS resource that the controller creates. The provider's default tags do not reach those.
	Tags map[string]string
	// Kubernetes is the provider of the cluster's objects; nil takes the component's own. A component waits for all of its
	// own providers, so with this field the AWS role does not wait for the control plane.
	Kubernetes pulumi.ProviderResource
}

// Controller is a cluster's AWS Load Balancer Controller.
type Controller struct {
	pulumi.ResourceState

	// IngressClass is the name of the controller's IngressClass. A resource that uses it is created once the controller and
	// its webhook answer, and deleted while they still do: an Ingress has a finalizer that only the controller removes.
	IngressClass pulumi.StringOutput
	// RoleARN is the ARN of the AWS role of the controller's pods.
	RoleARN pulumi.StringOutput
}

// NewController installs the controller of an EKS cluster.
func NewController(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Controller, error) {
	c := &Controller{}
	if err := ctx.RegisterComponentResource("tfserving:loadbalancer:Controller", name, c, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(c)
	role, err := podidentity.NewRole(ctx, name+"-"+object, podidentity.ControllerArgs(args.ClusterName, args.ClusterARN, object, awsPolicy), child)
	if err != nil {
		return nil, err
	}
	inCluster := pulumi.ResourceOption(child)
	if args.Kubernetes != nil {
		inCluster = pulumi.Composite(child, pulumi.Provider(args.Kubernetes))
	}
	installed, err := newRelease(ctx, name, args, values(args, role.ReadyWith(args.Ready)), inCluster)
	if err != nil {
		return nil, err
	}
	// If the chart created the class, no preview would show it. The release is ready once the controller's pods are, and a
	// pod is ready once its webhook listens.
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
