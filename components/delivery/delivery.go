// Package delivery makes what GitHub's workflows need in an AWS account: GitHub's identity provider, a role that reads what
// previews and the nightly comparison read, and a role for each GitHub environment that deploys. No key is kept anywhere:
// a workflow shows a token that GitHub signed, and gets credentials for an hour or two.
package delivery

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// issuer is who signs the tokens of workflows, and audience whom they are for: what the action
	// aws-actions/configure-aws-credentials asks for ("OpenID Connect in AWS", GitHub Docs).
	issuer   = "token.actions.githubusercontent.com"
	audience = "sts.amazonaws.com"
	// previewHours and deployHours bound a session. A preview takes minutes. A cluster from nothing takes a quarter of an
	// hour or more, and an upgrade of its nodes longer; credentials that end in between leave a stack half changed.
	previewHours = 1
	deployHours  = 4
)

// Args say whose workflows may do what.
type Args struct {
	// Project is the Pulumi project whose stacks are delivered. The names of what a stack makes begin with it and with the
	// stack's: <project>-<stack>.
	Project string
	// Region is where the stacks are.
	Region string
	// Repository on GitHub, owner/name.
	Repository string
	// Branch is the one whose workflows may read, beside those of pull requests.
	Branch string
	// ProviderARN is GitHub's identity provider where the account has it already: there can be one only. Empty: it is made.
	ProviderARN string
	// Environments deploy, each its own stacks.
	Environments []Environment
	// State is where the stacks' state is, if it is in S3; nil: not in this account.
	State *State
}

// Environment is an environment of the GitHub repository. Its rules, on GitHub, say who may start a job in it.
type Environment struct {
	Name string
	// Stacks is the stack that it deploys, or several as a prefix and *.
	Stacks string
}

// State is where the stacks' state is kept, and by which key its secrets are encrypted.
type State struct{ Bucket, KeyARN string }

// Delivery is what the workflows of one repository get in one account.
type Delivery struct {
	pulumi.ResourceState

	PreviewRole pulumi.StringOutput    // ARN
	DeployRoles pulumi.StringMapOutput // ARN by environment
}

// NewDelivery makes the provider and the roles. Names that could open a role to more than is meant are an error.
func NewDelivery(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Delivery, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	d := &Delivery{}
	if err := ctx.RegisterComponentResource("tfserving:delivery:Delivery", name, d, opts...); err != nil {
		return nil, err
	}
	within := pulumi.Parent(d)
	var provider pulumi.StringInput = pulumi.String(args.ProviderARN)
	if args.ProviderARN == "" {
		made, err := iam.NewOpenIdConnectProvider(ctx, name, &iam.OpenIdConnectProviderArgs{
			Url: pulumi.String("https://" + issuer), ClientIdLists: pulumi.StringArray{pulumi.String(audience)},
		}, within)
		if err != nil {
			return nil, err
		}
		provider = made.Arn
	}
	policy := granting(ctx, args, within)
	preview, err := newRole(ctx, name+"-preview", provider, &role{
		description: "Previews and drift of " + args.Repository,
		subjects:    []string{"repo:" + args.Repository + ":pull_request", "repo:" + args.Repository + ":ref:refs/heads/" + args.Branch},
		hours:       previewHours,
		policy:      policy(func(a Account) (string, error) { return PreviewPolicy(a, args.State) }),
	}, within)
	if err != nil {
		return nil, err
	}
	deploy := pulumi.StringMap{}
	for _, e := range args.Environments {
		made, err := newRole(ctx, name+"-deploy-"+e.Name, provider, &role{
			description: fmt.Sprintf("Deployments of %s in environment %s", args.Repository, e.Name),
			subjects:    []string{"repo:" + args.Repository + ":environment:" + e.Name},
			hours:       deployHours,
			policy:      policy(func(a Account) (string, error) { return DeployPolicy(a, e.Stacks, args.State) }),
		}, within)
		if err != nil {
			return nil, err
		}
		deploy[e.Name] = made
	}
	d.PreviewRole, d.DeployRoles = preview, deploy.ToStringMapOutput()
	return d, ctx.RegisterResourceOutputs(d, pulumi.Map{"previewRole": d.PreviewRole, "deployRoles": d.DeployRoles})
}

// granting makes policies of the account, whoever's it is.
func granting(ctx *pulumi.Context, args *Args, opts ...pulumi.InvokeOption) func(func(Account) (string, error)) pulumi.StringOutput {
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, opts...).Partition()
	id := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, opts...).AccountId()
	return func(policy func(Account) (string, error)) pulumi.StringOutput {
		return pulumi.All(partition, id).ApplyT(func(all []any) (string, error) {
			return policy(Account{Partition: all[0].(string), ID: all[1].(string), Region: args.Region, Project: args.Project})
		}).(pulumi.StringOutput)
	}
}

// role is one that a workflow takes.
type role struct {
	description string
	subjects    []string // of the tokens that may take it
	hours       int
	policy      pulumi.StringInput
}

func newRole(ctx *pulumi.Context, name string, provider pulumi.StringInput, r *role, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	made, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Description:        pulumi.String(r.description),
		MaxSessionDuration: pulumi.Int(r.hours * 3600), // seconds
		AssumeRolePolicy: provider.ToStringOutput().ApplyT(func(arn string) (string, error) {
			return TrustPolicy(arn, r.subjects)
		}).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	granted, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: made.Name, Policy: r.policy}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	// Who gets the ARN finds the role whole.
	return pulumi.OutputWithDependencies(ctx.Context(), made.Arn, granted).(pulumi.StringOutput), nil
}
