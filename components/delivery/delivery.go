// Package delivery makes what GitHub's workflows need in an AWS account: GitHub's identity provider, a role for previews
// and for the nightly comparison, and a role for each GitHub environment that deploys. It stores no access key: a workflow
// presents a token that GitHub signed, and gets credentials for a few hours.
package delivery

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// issuer signs the tokens of workflows, and audience is the recipient in them: the default of the action
	// aws-actions/configure-aws-credentials ("OpenID Connect in AWS", GitHub Docs).
	issuer   = "token.actions.githubusercontent.com"
	audience = "sts.amazonaws.com"
	// previewHours and deployHours limit a session. A preview takes minutes. A new cluster takes a quarter of an hour or
	// more, and an upgrade of its nodes longer. If the credentials expire in between, the stack stays half changed.
	previewHours = 1
	deployHours  = 4
)

// Args are the arguments of NewDelivery.
type Args struct {
	// Project is the Pulumi project of the stacks. The names of a stack's AWS resources begin with <project>-<stack>.
	Project string
	// Region is the AWS region of the stacks.
	Region string
	// Repository is the GitHub repository, owner/name.
	Repository string
	// Branch is the branch whose workflows may take the preview role. Workflows of pull requests may take it too.
	Branch string
	// ProviderARN is GitHub's identity provider, if the account has one already: an account can have only one. If it is
	// empty, NewDelivery makes the provider.
	ProviderARN string
	// Environments are the GitHub environments that deploy.
	Environments []Environment
	// State is nil if the stacks' state is not in S3 in this account.
	State *State
}

// Environment is an environment of the GitHub repository. Its protection rules on GitHub decide who may start a job in it.
type Environment struct {
	Name string
	// Stacks is the stack that it deploys, or the prefix of several stacks and *.
	Stacks string
}

// State is the S3 bucket of the stacks' state, and the KMS key that encrypts the secrets in it.
type State struct{ Bucket, KeyARN string }

// Delivery is what the workflows of one repository need in one account.
type Delivery struct {
	pulumi.ResourceState

	PreviewRole pulumi.StringOutput    // ARN
	DeployRoles pulumi.StringMapOutput // ARN by environment
}

// NewDelivery makes the provider and the roles. It fails if an argument would open a role to other workflows.
func NewDelivery(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Delivery, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	d := &Delivery{}
	if err := ctx.RegisterComponentResource("tfserving:delivery:Delivery", name, d, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(d)
	var providerARN pulumi.StringInput = pulumi.String(args.ProviderARN)
	if args.ProviderARN == "" {
		provider, err := iam.NewOpenIdConnectProvider(ctx, name, &iam.OpenIdConnectProviderArgs{
			Url: pulumi.String("https://" + issuer), ClientIdLists: pulumi.StringArray{pulumi.String(audience)},
		}, parent)
		if err != nil {
			return nil, err
		}
		providerARN = provider.Arn
	}
	policy := policyForAccount(ctx, args, parent)
	preview, err := newRole(ctx, name+"-preview", providerARN, &role{
		description: "Previews and drift of " + args.Repository,
		subjects:    []string{"repo:" + args.Repository + ":pull_request", "repo:" + args.Repository + ":ref:refs/heads/" + args.Branch},
		hours:       previewHours,
		policy:      policy(func(a Account) (string, error) { return PreviewPolicy(a, args.State) }),
	}, parent)
	if err != nil {
		return nil, err
	}
	reads, err := iam.NewPolicy(ctx, name+"-reads", &iam.PolicyArgs{
		Description: pulumi.String("What deployments of " + args.Repository + " read"), Policy: policy(ReadPolicy),
	}, parent)
	if err != nil {
		return nil, err
	}
	deploy := pulumi.StringMap{}
	for _, e := range args.Environments {
		deploy[e.Name], err = newRole(ctx, name+"-deploy-"+e.Name, providerARN, &role{
			description: fmt.Sprintf("Deployments of %s in environment %s", args.Repository, e.Name),
			subjects:    []string{"repo:" + args.Repository + ":environment:" + e.Name},
			hours:       deployHours,
			policy:      policy(func(a Account) (string, error) { return DeployPolicy(a, e.Stacks, args.State) }),
			managed:     reads.Arn,
		}, parent)
		if err != nil {
			return nil, err
		}
	}
	d.PreviewRole, d.DeployRoles = preview, deploy.ToStringMapOutput()
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{"previewRole": d.PreviewRole, "deployRoles": d.DeployRoles})
}

// policyForAccount returns a function that applies a policy's builder to the account of the credentials.
func policyForAccount(ctx *pulumi.Context, args *Args, opts ...pulumi.InvokeOption) func(func(Account) (string, error)) pulumi.StringOutput {
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, opts...).Partition()
	id := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, opts...).AccountId()
	return func(build func(Account) (string, error)) pulumi.StringOutput {
		return pulumi.All(partition, id).ApplyT(func(all []any) (string, error) {
			return build(Account{Partition: all[0].(string), ID: all[1].(string), Region: args.Region, Project: args.Project})
		}).(pulumi.StringOutput)
	}
}

// role is the specification of a role that workflows take.
type role struct {
	description string
	subjects    []string // of the tokens that may take it
	hours       int
	policy      pulumi.StringInput
	managed     pulumi.StringInput // ARN of a policy that it has besides; nil for none
}

// newRole makes a role with its policies, and returns its ARN, which becomes known after they are attached.
func newRole(ctx *pulumi.Context, name string, providerARN pulumi.StringInput, r *role, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	iamRole, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Description:        pulumi.String(r.description),
		MaxSessionDuration: pulumi.Int(r.hours * 3600), // seconds
		AssumeRolePolicy: providerARN.ToStringOutput().ApplyT(func(arn string) (string, error) {
			return TrustPolicy(arn, r.subjects)
		}).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	policy, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: iamRole.Name, Policy: r.policy}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	attached := []pulumi.Resource{policy}
	if r.managed != nil {
		managed, err := iam.NewRolePolicyAttachment(ctx, name, &iam.RolePolicyAttachmentArgs{Role: iamRole.Name, PolicyArn: r.managed}, opts...)
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		attached = append(attached, managed)
	}
	return pulumi.OutputWithDependencies(ctx.Context(), iamRole.Arn, attached...).(pulumi.StringOutput), nil
}
