// Package podidentity makes AWS roles for pods: one role for one service account of one EKS cluster, handed out by EKS
// Pod Identity.
package podidentity

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args shape a role for pods.
type Args struct {
	// ClusterName is what the trust policy names. Given before the cluster exists, the role is made beside it.
	ClusterName pulumi.StringInput
	// ClusterExists is the same name, usable once the cluster exists; nil if ClusterName is such a name already.
	ClusterExists             pulumi.StringInput
	Namespace, ServiceAccount string
	// Policy is what the pods may do, as JSON. It may be nil when ManagedPolicyARNs says it.
	Policy            pulumi.StringInput
	ManagedPolicyARNs []string
}

// Role is an AWS role that the pods of one service account get.
type Role struct {
	pulumi.ResourceState

	ARN pulumi.StringOutput
	// Ready is the role's ARN. What uses it comes after the association, so its new pods get the role with all of its
	// permissions. A pod made before then has no AWS credentials for as long as it lives.
	Ready pulumi.StringOutput
	// Association is what Ready waits for, to be named in a DependsOn. The role itself must not be: children of a
	// component that are still being registered are left out there.
	Association *eks.PodIdentityAssociation
}

// NewRole makes a role and hands it to a service account. The service account itself need not exist yet. It is an error
// to ask for a role that may do nothing.
func NewRole(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Role, error) {
	if args.Policy == nil && len(args.ManagedPolicyARNs) == 0 {
		return nil, fmt.Errorf("role %s for service account %s/%s: neither a policy nor a managed policy says what it may do",
			name, args.Namespace, args.ServiceAccount)
	}
	r := &Role{}
	if err := ctx.RegisterComponentResource("tfserving:podidentity:Role", name, r, opts...); err != nil {
		return nil, err
	}
	within := pulumi.Parent(r)
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Description:      pulumi.Sprintf("Pods of service account %s/%s in EKS cluster %s", args.Namespace, args.ServiceAccount, args.ClusterName),
		AssumeRolePolicy: trust(ctx, args, within),
	}, within)
	if err != nil {
		return nil, err
	}
	granted, err := grant(ctx, name, role, args, within)
	if err != nil {
		return nil, err
	}
	// The association comes last: from then on pods get the role, and they should find it whole.
	cluster := args.ClusterExists
	if cluster == nil {
		cluster = args.ClusterName
	}
	association, err := eks.NewPodIdentityAssociation(ctx, name, &eks.PodIdentityAssociationArgs{
		ClusterName:    cluster,
		Namespace:      pulumi.String(args.Namespace),
		ServiceAccount: pulumi.String(args.ServiceAccount),
		RoleArn:        role.Arn,
	}, within, pulumi.DependsOn(granted))
	if err != nil {
		return nil, err
	}
	r.ARN, r.Association = role.Arn, association
	// A dependency, not a value computed from the association: what uses it keeps its value in a preview that replaces
	// the association.
	r.Ready = pulumi.OutputWithDependencies(ctx.Context(), role.Arn, association).(pulumi.StringOutput)
	return r, ctx.RegisterResourceOutputs(r, pulumi.Map{"arn": r.ARN, "ready": r.Ready})
}

// trust is the policy that says who may take the role. The cluster's ARN is put together from its name, since EKS tells
// it only once the control plane is up.
func trust(ctx *pulumi.Context, args *Args, opts ...pulumi.InvokeOption) pulumi.StringOutput {
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, opts...).Partition()
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, opts...).Name()
	account := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, opts...).AccountId()
	return pulumi.All(partition, region, account, args.ClusterName).ApplyT(func(all []any) (string, error) {
		arn := fmt.Sprintf("arn:%s:eks:%s:%s:cluster/%s", all...)
		return TrustPolicy(arn, args.Namespace, args.ServiceAccount)
	}).(pulumi.StringOutput)
}

// grant gives the role its permissions.
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
		attached, err := iam.NewRolePolicyAttachment(ctx, name+"-"+policyName(arn), &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: pulumi.String(arn),
		}, opts...)
		if err != nil {
			return nil, err
		}
		granted = append(granted, attached)
	}
	return granted, nil
}
