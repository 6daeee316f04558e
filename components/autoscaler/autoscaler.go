package autoscaler

import (
	"cmp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/podidentity"
	"tfserving/components/workload"
)

const (
	// Component is the value of the component label of the autoscaler's objects.
	Component = "cluster-autoscaler"
	// object is the name of the autoscaler's objects, its service account among them.
	object = "cluster-autoscaler"
)

// namespace is where the autoscaler runs. Only pods of this namespace may have a system priority by default.
const namespace = pulumi.String(catalog.SystemNamespace)

// Args describe an autoscaler.
type Args struct {
	ClusterName string
	// ClusterARN is the cluster's ARN, known once the cluster exists.
	ClusterARN     pulumi.StringInput
	ClusterVersion string // such as 1.35
	Region         string
	// Ready is the cluster's name, known once a pod can run and get an AWS role.
	Ready    pulumi.StringInput
	Image    string // empty takes the newest known release of the cluster's minor version
	Pace     Pace
	Headroom *Headroom // nil reserves no room
	// NodeGroupMetrics publishes the bounds and the size of each node group as metrics.
	NodeGroupMetrics bool
	// Priorities are the node groups' priorities: of the groups that fit a pending pod, one with the highest gets the node.
	Priorities map[string]int
	// Kubernetes is the provider of the cluster's objects; nil takes the component's own. A component waits for all of its
	// own providers, so with this field the AWS role does not wait for the control plane.
	Kubernetes pulumi.ProviderResource
}

// Autoscaler is a cluster's Cluster Autoscaler.
type Autoscaler struct {
	pulumi.ResourceState

	// RoleARN is the ARN of the AWS role of the autoscaler's pod.
	RoleARN pulumi.StringOutput
}

// NewAutoscaler deploys the autoscaler of an EKS cluster. It returns an error if the image and the cluster have different
// minor versions.
func NewAutoscaler(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Autoscaler, error) {
	image := cmp.Or(args.Image, catalog.AutoscalerImage(args.ClusterVersion))
	if err := checkImage(image, args.ClusterVersion); err != nil {
		return nil, err
	}
	a := &Autoscaler{}
	if err := ctx.RegisterComponentResource("tfserving:autoscaler:Autoscaler", name, a, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(a)
	role, err := podidentity.NewRole(ctx, name+"-"+object, podidentity.ControllerArgs(args.ClusterName, args.ClusterARN, object, awsPolicy), child)
	if err != nil {
		return nil, err
	}
	inCluster := pulumi.ResourceOption(child)
	if args.Kubernetes != nil {
		inCluster = pulumi.Composite(child, pulumi.Provider(args.Kubernetes))
	}
	id := workload.Identity{Component: Component, Name: object, Instance: name}
	account, bindings, err := newAccess(ctx, name, id, inCluster)
	if err != nil {
		return nil, err
	}
	budget, err := workload.NewDisruptionBudget(ctx, name, workload.ObjectMeta(object, namespace, id), id, inCluster)
	if err != nil {
		return nil, err
	}
	priorities, err := newPriorities(ctx, name, args.Priorities, id, inCluster)
	if err != nil {
		return nil, err
	}
	// The pod is created after its nodes, its AWS role, its rights and the priorities, and deleted before them.
	after := pulumi.DependsOn(append(bindings, budget, priorities))
	if err := newDeployment(ctx, name, image, role.ReadyWith(args.Ready), args, id, account, inCluster, after); err != nil {
		return nil, err
	}
	if args.Headroom != nil {
		if err := newHeadroom(ctx, name, args.Headroom, inCluster); err != nil {
			return nil, err
		}
	}
	a.RoleARN = role.ARN
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{"roleArn": a.RoleARN})
}
