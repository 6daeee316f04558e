// Package cluster registers an EKS cluster of EC2 nodes: control plane, access, add-ons and managed node groups.
package cluster

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args describe a cluster.
type Args struct {
	// Name is the cluster's name in EKS, Version the Kubernetes minor version of its control plane, such as 1.34.
	Name, Version, Region string
	// NodeVersion is the Kubernetes minor version of the nodes and of the add-ons, at most Version.
	NodeVersion string
	VPCID       pulumi.StringInput
	// SubnetIDs are the subnets of the control plane's network interfaces, NodeSubnetIDs those of the nodes. NodeSubnetIDs
	// may be known later: nodes need a route to the internet, the control plane does not.
	SubnetIDs, NodeSubnetIDs pulumi.StringArrayInput
	// PublicAccessCIDRs are the address ranges that may reach the API server from outside the VPC. If empty, the API server
	// has no public endpoint.
	PublicAccessCIDRs []string
	// Administrators are ARNs of IAM users and roles. If empty, the cluster's creator is its administrator.
	Administrators []string
	// LogTypes are the control plane's logs that CloudWatch takes in, of catalog.LogTypes.
	LogTypes []string
	// LogRetentionDays is how long CloudWatch keeps the control plane's logs.
	LogRetentionDays int
	// PrefixDelegation gives nodes addresses in blocks of 16, so that a small node holds more pods.
	PrefixDelegation bool
	// SSMAccess allows a shell on nodes through AWS Systems Manager.
	SSMAccess bool
	// NodeRepair lets EKS replace unhealthy nodes. ZonalShift allows a shift away from an impaired zone.
	NodeRepair, ZonalShift bool
	// AddonVersions are pinned versions by add-on. Any other add-on has EKS's default for NodeVersion.
	AddonVersions map[string]string
	NodeGroups    []NodeGroup
	// Tags are the tags of instances, volumes and network interfaces. The provider's default tags do not reach these.
	Tags map[string]string
	// Protect forbids the deletion of the cluster and of the key of its Secrets.
	Protect bool
}

// Cluster is an EKS cluster.
type Cluster struct {
	pulumi.ResourceState

	// Name is the cluster's name. A resource that uses it is created after the control plane and deleted before it.
	Name pulumi.StringOutput
	// ARN is the cluster's ARN. It distinguishes clusters of the same name in different regions. A resource that uses it
	// waits for the same as with Name.
	ARN pulumi.StringOutput
	// Kubeconfig is JSON and a secret. It gets tokens from `aws eks get-token`.
	Kubeconfig pulumi.StringOutput
	// Ready is the cluster's name, too. A resource that uses it is created once a pod can run, resolve names and get an AWS
	// role, and is deleted while a pod still can.
	Ready pulumi.StringOutput
}

// NewCluster registers a cluster: the control plane, then node groups and the add-ons that run on every node, then the
// add-ons that need a node. Nothing waits for more than AWS requires.
func NewCluster(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := check(name, args); err != nil {
		return nil, fmt.Errorf("cluster %s: %w", args.Name, err)
	}
	c := &Cluster{}
	if err := ctx.RegisterComponentResource("tfserving:cluster:Cluster", name, c, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(c)
	// A plain value and not an output: the names of policy attachments in the stack depend on it.
	answer, err := aws.GetPartition(ctx, &aws.GetPartitionArgs{}, child)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: asking AWS for the partition of its region: %w", args.Name, err)
	}
	partition := answer.Partition

	control, err := newControlPlane(ctx, name, args, partition, child)
	if err != nil {
		return nil, err
	}
	// Name and ARN depend on the control plane but are not computed from it. Otherwise a preview of an update of the control
	// plane would show the replacement of every resource that uses the cluster's name.
	c.Name = after(ctx, pulumi.String(args.Name), control)
	account := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, child).AccountId()
	c.ARN = after(ctx, pulumi.Sprintf("arn:%s:eks:%s:%s:cluster/%s", partition, args.Region, account, args.Name), control)
	c.Kubeconfig = kubeconfig(control, args.Region)

	running, err := newDataPlane(ctx, name, args, c.Name, partition, child)
	if err != nil {
		return nil, err
	}
	c.Ready = after(ctx, c.Name, running...)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{"name": c.Name, "arn": c.ARN, "kubeconfig": c.Kubeconfig, "ready": c.Ready})
}

// after returns a value that depends on resources. A resource that uses it is created after them and deleted before them.
// The value is known in a preview even if their outputs are not.
func after(ctx *pulumi.Context, value pulumi.StringInput, resources ...pulumi.Resource) pulumi.StringOutput {
	return pulumi.OutputWithDependencies(ctx.Context(), value.ToStringOutput(), resources...).(pulumi.StringOutput)
}

// managedPolicy returns the ARN of a policy that AWS manages.
func managedPolicy(partition, name string) string {
	return fmt.Sprintf("arn:%s:iam::aws:policy/%s", partition, name)
}
