package cluster

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// nodeTrust is the trust policy that lets EC2 give the role to instances.
const nodeTrust = `{"Version":"2012-10-17","Statement":[{"Sid":"Instances","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// nodePolicies are the AWS managed policies of a node: join the cluster, give roles to pods, pull images from ECR. The CNI's
// policy is not among them. The CNI has a role of its own, so a node's credentials do not include its permissions.
func nodePolicies(ssm bool) []string {
	policies := []string{"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
	if ssm {
		policies = append(policies, "AmazonSSMManagedInstanceCore")
	}
	return policies
}

// newNodeRole registers the role of all nodes. Resources that use the returned ARN wait for the role's policies.
func newNodeRole(ctx *pulumi.Context, name string, args *Args, partition string, child pulumi.ResourceOption) (pulumi.StringOutput, error) {
	role, err := iam.NewRole(ctx, name+"-node", &iam.RoleArgs{
		Description:      pulumi.Sprintf("Nodes of EKS cluster %s", args.Name),
		AssumeRolePolicy: pulumi.String(nodeTrust),
	}, child)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	var attached []pulumi.Resource
	for _, policy := range nodePolicies(args.SSMAccess) {
		attachment, err := iam.NewRolePolicyAttachment(ctx, name+"-node-"+policy, &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: pulumi.String(managedPolicy(partition, policy)),
		}, child)
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		attached = append(attached, attachment)
	}
	return after(ctx, role.Arn, attached...), nil
}
