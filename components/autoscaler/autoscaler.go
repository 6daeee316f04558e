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
	// Namespace is where the autoscaler runs: the priority of its pod is kept for pods of the system.
	Namespace = "kube-system"
	// object is the name of the autoscaler's objects, its service account among them.
	object = "cluster-autoscaler"
)

// Args shape an autoscaler.
type Args struct {
	ClusterName string
	// ClusterARN is the cluster's ARN, known once the cluster exists.
	ClusterARN     pulumi.StringInput
	ClusterVersion string // such as 1.35
	Region         string
	// Ready is the cluster's name, known once a pod can run and get an AWS role.
	Ready    pulumi.StringInput
	Image    string // empty takes ImageFor the cluster's version
	Pace     Pace
	Headroom *Headroom // nil keeps no room free
	// Kubernetes is the way into the cluster; nil takes the component's own. Among those it would hold up the AWS role,
	// which can be made beside the control plane: a component is registered once all of its providers are there.
	Kubernetes pulumi.ProviderResource
}

// Autoscaler is a cluster's Cluster Autoscaler.
type Autoscaler struct {
	pulumi.ResourceState

	// RoleARN is the AWS role of the autoscaler's pod.
	RoleARN pulumi.StringOutput
}

// NewAutoscaler deploys the autoscaler of an EKS cluster. It is an error if the image is not of the cluster's minor
// version.
func NewAutoscaler(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Autoscaler, error) {
	image := cmp.Or(args.Image, catalog.AutoscalerImage(args.ClusterVersion))
	if err := checkImage(image, args.ClusterVersion); err != nil {
		return nil, err
	}
	a := &Autoscaler{}
	if err := ctx.RegisterComponentResource("tfserving:autoscaler:Autoscaler", name, a, opts...); err != nil {
		return nil, err
	}
	within := pulumi.Parent(a)
	inCluster := pulumi.ResourceOption(within)
	if args.Kubernetes != nil {
		inCluster = pulumi.Composite(within, pulumi.Provider(args.Kubernetes))
	}
	id := workload.Identity{Component: Component, Name: object, Instance: name}

	role, err := newRole(ctx, name, args, within)
	if err != nil {
		return nil, err
	}
	account, bindings, err := newAccess(ctx, name, id, inCluster)
	if err != nil {
		return nil, err
	}
	budget, err := newDisruptionBudget(ctx, name, id, inCluster)
	if err != nil {
		return nil, err
	}
	// By Ready the pod finds nodes and the role, and goes before they do; by the bindings it may call the API as long as
	// it lives.
	ready := pulumi.All(args.Ready, role.Ready).ApplyT(func(all []any) string { return all[0].(string) }).(pulumi.StringOutput)
	if err := newDeployment(ctx, name, image, ready, args, id, account, inCluster, pulumi.DependsOn(append(bindings, budget))); err != nil {
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
