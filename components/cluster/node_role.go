package cluster

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// nodeTrust lets EC2 hand the role to instances.
const nodeTrust = `{"Version":"2012-10-17","Statement":[{"Sid":"Instances","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// nodePolicies are what a node needs: to join, to hand out roles of pods, to pull images from ECR. What the CNI needs is
// its own role's: the node's would be within reach of whatever gets at a node's credentials.
func nodePolicies(ssm bool) []string {
	policies := []string{"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
	if ssm {
		policies = append(policies, "AmazonSSMManagedInstanceCore")
	}
	return policies
}

// newNodeRole makes the role of all nodes. Its ARN is usable once the role is whole.
func newNodeRole(ctx *pulumi.Context, name string, args *Args, partition string, within pulumi.ResourceOption) (pulumi.StringOutput, error) {
	role, err := iam.NewRole(ctx, name+"-node", &iam.RoleArgs{
		Description:      pulumi.Sprintf("Nodes of EKS cluster %s", args.Name),
		AssumeRolePolicy: pulumi.String(nodeTrust),
	}, within)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	var attached []pulumi.Resource
	for _, policy := range nodePolicies(args.SSMAccess) {
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-node-"+policy, &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: pulumi.String(managedPolicy(partition, policy)),
		}, within)
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		attached = append(attached, attachment)
	}
	return after(ctx, role.Arn, attached...), nil
}
