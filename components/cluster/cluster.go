// Package cluster makes an EKS cluster of EC2 nodes: control plane, access, add-ons and managed node groups.
package cluster

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/podidentity"
)

// Args shape a cluster.
type Args struct {
	// Name is the cluster's name in EKS, Version its Kubernetes minor ("1.34").
	Name, Version, Region string
	VPCID                 pulumi.StringInput
	// SubnetIDs are where the control plane puts its network interfaces, NodeSubnetIDs where nodes go. The second may be
	// known later: nodes need a way out of the VPC, the control plane does not.
	SubnetIDs, NodeSubnetIDs pulumi.StringArrayInput
	// PublicAccessCIDRs are who may reach the API server from outside of the VPC; without any, it has no public endpoint.
	PublicAccessCIDRs []string
	// Administrators are ARNs of IAM users and roles. Without any, whoever makes the cluster is its administrator.
	Administrators []string
	// LogRetentionDays is how long the control plane's logs stay.
	LogRetentionDays int
	// PrefixDelegation gives nodes addresses in blocks of 16, so that a small node holds more pods.
	PrefixDelegation bool
	// SSMAccess lets people open a shell on nodes through AWS Systems Manager.
	SSMAccess bool
	// AddonVersions pin add-ons by name; one that is missing gets EKS's default for the cluster's version.
	AddonVersions map[string]string
	NodeGroups    []NodeGroup
	// Tags go on instances, volumes and network interfaces, which the provider's default tags do not reach.
	Tags map[string]string
	// Protect keeps the cluster and the key of its Secrets from being deleted.
	Protect bool
}

// Cluster is an EKS cluster.
type Cluster struct {
	pulumi.ResourceState

	// Name is the cluster's name. What uses it comes after the control plane answers, and goes before it.
	Name pulumi.StringOutput
	// ARN is the cluster's ARN, for policies and tags that tell it from its namesakes. It comes and goes as Name does.
	ARN pulumi.StringOutput
	// Kubeconfig is secret JSON; it gets tokens from `aws eks get-token`.
	Kubeconfig pulumi.StringOutput
	// Ready is the cluster's name too. What uses it comes once a pod can run, resolve names and get an AWS role, and goes
	// while it still can.
	Ready pulumi.StringOutput
}

// NewCluster makes a cluster. The order is what AWS forces and no more: control plane, then node groups beside the
// add-ons that run on every node, then the add-ons that need a node to run on.
func NewCluster(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := check(name, args); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", args.Name, err)
	}
	c := &Cluster{}
	if err := ctx.RegisterComponentResource("tfserving:cluster:Cluster", name, c, opts...); err != nil {
		return nil, err
	}
	within := pulumi.Parent(c)
	// Not an output: the number of policies to attach, and their names in the stack, follow from it.
	where, err := aws.GetPartition(ctx, &aws.GetPartitionArgs{}, within)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: asking AWS for the partition of its region: %w", args.Name, err)
	}
	partition := where.Partition

	control, err := newControlPlane(ctx, name, args, partition, within)
	if err != nil {
		return nil, err
	}
	// A dependency, not a value computed from the control plane: an update of the control plane must not look, in a
	// preview, as if all that carries the cluster's name were to be replaced.
	c.Name = after(ctx, pulumi.String(args.Name), control)
	account := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, within).AccountId()
	c.ARN = after(ctx, pulumi.Sprintf("arn:%s:eks:%s:%s:cluster/%s", partition, args.Region, account, args.Name), control)

	cni, err := podidentity.NewRole(ctx, name+"-vpc-cni", &podidentity.Args{
		ClusterName:       pulumi.String(args.Name),
		ClusterExists:     c.Name,
		Namespace:         "kube-system",
		ServiceAccount:    "aws-node",
		ManagedPolicyARNs: []string{managedPolicy(partition, "AmazonEKS_CNI_Policy")},
	}, within)
	if err != nil {
		return nil, err
	}
	daemons, err := newAddons(ctx, name, args, c.Name, daemonAddons(args), within)
	if err != nil {
		return nil, err
	}
	// The webhook that hands a role to a pod does so once, when the pod is made: a node that joins before the
	// association would run its CNI without permissions.
	before := []pulumi.Resource{cni.Association}
	if args.PrefixDelegation {
		// EKS works out how many pods a node holds when it makes the group, from the CNI's settings at that time.
		before = append(before, daemons[vpcCNI])
	}
	groups, err := newNodeGroups(ctx, name, args, c.Name, partition, within, pulumi.DependsOn(before))
	if err != nil {
		return nil, err
	}
	deployments, err := newAddons(ctx, name, args, c.Name, deploymentAddons(), within, pulumi.DependsOn(groups))
	if err != nil {
		return nil, err
	}

	needs := append(groups, cni.Association, daemons[vpcCNI], daemons[kubeProxy], daemons[podIdentityAgent], deployments[coreDNS])
	c.Ready = after(ctx, c.Name, needs...)
	c.Kubeconfig = kubeconfig(control, args.Region)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name, "arn": c.ARN, "kubeconfig": c.Kubeconfig, "ready": c.Ready})
}

// after is a name that what uses it gets only after some resources exist, and loses before they go. Its value is known
// all along.
func after(ctx *pulumi.Context, name pulumi.StringInput, resources ...pulumi.Resource) pulumi.StringOutput {
	return pulumi.OutputWithDependencies(ctx.Context(), name.ToStringOutput(), resources...).(pulumi.StringOutput)
}

// managedPolicy is the ARN of a policy that AWS keeps.
func managedPolicy(partition, name string) string {
	return fmt.Sprintf("arn:%s:iam::aws:policy/%s", partition, name)
}
