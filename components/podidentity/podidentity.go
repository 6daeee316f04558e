// Package podidentity registers AWS roles for pods. EKS Pod Identity gives each role to the pods of one service account in
// one EKS cluster.
package podidentity

import (
	"fmt"
	"path"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args describe a role for pods.
type Args struct {
	// ClusterName is the cluster in the trust policy. If it is known before the cluster exists, the role does not wait for the
	// cluster.
	ClusterName pulumi.StringInput
	// ClusterExists is the same name, known once the cluster exists; nil if ClusterName already waits for the cluster.
	ClusterExists             pulumi.StringInput
	Namespace, ServiceAccount string
	// Policy is the JSON of the role's policy; nil if ManagedPolicyARNs are enough.
	Policy            pulumi.StringInput
	ManagedPolicyARNs []string
}

// Role is the AWS role of the pods of one service account.
type Role struct {
	pulumi.ResourceState

	ARN pulumi.StringOutput
	// Ready is the role's ARN, too. A resource that uses it is created after the association, so its pods get the role with
	// all permissions. A pod that is created before the association never gets AWS credentials.
	Ready pulumi.StringOutput
	// Association gives the role to the service account. Use it in DependsOn, and not the role itself: a dependency on a
	// component leaves out the children that are not registered yet.
	Association *eks.PodIdentityAssociation
}

// NewRole registers a role and gives it to a service account, which need not exist yet. A role without any policy is an
// error.
func NewRole(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Role, error) {
	if args.Policy == nil && len(args.ManagedPolicyARNs) == 0 {
		return nil, fmt.Errorf("role %s for service account %s/%s: it has no policy; set Policy or ManagedPolicyARNs",
			name, args.Namespace, args.ServiceAccount)
	}
	r := &Role{}
	if err := ctx.RegisterComponentResource("tfserving:podidentity:Role", name, r, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(r)
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Description:      pulumi.Sprintf("Pods of service account %s/%s in EKS cluster %s", args.Namespace, args.ServiceAccount, args.ClusterName),
		AssumeRolePolicy: trust(ctx, args, child),
	}, child)
	if err != nil {
		return nil, err
	}
	granted, err := grant(ctx, name, role, args, child)
	if err != nil {
		return nil, err
	}
	// The association waits for the policies: new pods then get the role with all permissions.
	cluster := args.ClusterExists
	if cluster == nil {
		cluster = args.ClusterName
	}
	association, err := eks.NewPodIdentityAssociation(ctx, name, &eks.PodIdentityAssociationArgs{
		ClusterName:    cluster,
		Namespace:      pulumi.String(args.Namespace),
		ServiceAccount: pulumi.String(args.ServiceAccount),
		RoleArn:        role.Arn,
	}, child, pulumi.DependsOn(granted))
	if err != nil {
		return nil, err
	}
	r.ARN, r.Association = role.Arn, association
	// Ready depends on the association but is not computed from it, so its value stays known in a preview that replaces the
	// association.
	r.Ready = pulumi.OutputWithDependencies(ctx.Context(), role.Arn, association).(pulumi.StringOutput)
	return r, ctx.RegisterResourceOutputs(r, pulumi.Map{"arn": r.ARN, "ready": r.Ready})
}

// trust returns the role's trust policy. It builds the cluster's ARN from the name, since EKS returns the ARN only once the
// control plane exists.
func trust(ctx *pulumi.Context, args *Args, opts ...pulumi.InvokeOption) pulumi.StringOutput {
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, opts...).Partition()
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, opts...).Name()
	account := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, opts...).AccountId()
	return pulumi.All(partition, region, account, args.ClusterName).ApplyT(func(all []any) (string, error) {
		arn := fmt.Sprintf("arn:%s:eks:%s:%s:cluster/%s", all...)
		return TrustPolicy(arn, args.Namespace, args.ServiceAccount)
	}).(pulumi.StringOutput)
}

// grant registers the role's policies.
func grant(ctx *pulumi.Context, name string, role *iam.Role, args *Args, opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	var granted []pulumi.Resource
	if args.Policy != nil {
		inline, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: role.Name, Policy: args.Policy}, opts...)
		if err != nil {
			return nil, err
		}
		granted = append(granted, inline)
	}
	for _, arn := range args.ManagedPolicyARNs {
		attached, err := iam.NewRolePolicyAttachment(ctx, name+"-"+path.Base(arn), &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: pulumi.String(arn),
		}, opts...)
		if err != nil {
			return nil, err
		}
		granted = append(granted, attached)
	}
	return granted, nil
}
