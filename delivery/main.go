// Command delivery is a Pulumi program of its own that makes the roles of GitHub's workflows in an AWS account. A person runs
// it once for each account, before the first workflow deploys there.
package main

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumiconfig "github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"tfserving/components/delivery"
	"tfserving/config"
)

// branch is the branch that the workflows deploy.
const branch = "main"

func main() { pulumi.Run(program) }

func program(ctx *pulumi.Context) error {
	args, err := settings(ctx)
	if err != nil {
		return err
	}
	provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{
		Region: pulumi.String(args.Region),
		DefaultTags: &aws.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{
			"project": pulumi.String(ctx.Project()), "stack": pulumi.String(ctx.Stack()), "managed-by": pulumi.String("pulumi"),
			"owner": pulumi.String(pulumiconfig.Get(ctx, ctx.Project()+":owner")),
		}},
	})
	if err != nil {
		return err
	}
	roles, err := delivery.NewDelivery(ctx, "github", args, pulumi.Provider(provider))
	if err != nil {
		return err
	}
	ctx.Export("previewRole", roles.PreviewRole)
	ctx.Export("deployRoles", roles.DeployRoles)
	return nil
}

// settings returns the component's arguments from the stack's configuration (Pulumi.example.yaml describes it).
func settings(ctx *pulumi.Context) (*delivery.Args, error) {
	own := pulumiconfig.New(ctx, "")
	var environments []struct{ Name, Stacks string }
	if err := own.TryObject("environments", &environments); err != nil {
		return nil, fmt.Errorf("tfserving-delivery:environments: %w: list the GitHub environments, each with its stacks", err)
	}
	args := &delivery.Args{
		Project: config.Project, Region: pulumiconfig.Get(ctx, "aws:region"), Repository: own.Get("repository"), Branch: branch,
		ProviderARN: own.Get("provider"),
	}
	if args.Region == "" || own.Get("owner") == "" {
		return nil, fmt.Errorf("aws:region (of the account's stacks, such as eu-west-1) and tfserving-delivery:owner (the person or team responsible for the roles) must be set")
	}
	for _, e := range environments {
		args.Environments = append(args.Environments, delivery.Environment(e))
	}
	if own.Get("state") != "" {
		var state struct{ Bucket, Key string }
		if err := own.TryObject("state", &state); err != nil {
			return nil, fmt.Errorf("tfserving-delivery:state: %w: give the bucket and the key's ARN", err)
		}
		args.State = &delivery.State{Bucket: state.Bucket, KeyARN: state.Key}
	}
	return args, nil
}
