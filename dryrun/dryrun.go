// Package dryrun lists the resources that the program would register for a stack's settings file. It needs no engine, no
// account and no network.
package dryrun

import (
	"context"
	"fmt"
	"slices"
	"strings"

	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/preflight"
	"tfserving/program"
	"tfserving/resource"
)

// deployer is the identity that runs the program if the settings name no administrators, in STS's form for an assumed role.
const deployer = "arn:aws:sts::" + mockengine.Account + ":assumed-role/Deployer/session"

// Resources returns the resources that the program registers for the settings in a file named Pulumi.<stack>.yaml, sorted by
// URN and without secrets. It also returns the control plane, which pulumi-eks creates inside its component, but none of the
// component's other children. The list is empty for a stack of platform kubernetes: a dry run does not connect to its cluster.
// It fails if the file cannot be read or has invalid settings.
func Resources(file string) ([]resource.Resource, error) {
	settings, err := config.ReadStackFile(file)
	if err != nil {
		return nil, err
	}
	if settings.Platform != config.PlatformEKS {
		return nil, nil
	}
	engine := mockengine.New(settings.Region)
	engine.Stack = config.StackName(file)
	for i := range settings.Network.Zones {
		engine.Zones = append(engine.Zones, settings.Region+string(rune('a'+i)))
	}
	if err := engine.Run(func(ctx *pulumi.Context) error { return program.Deploy(ctx, settings, passingChecks(settings)) }); err != nil {
		return nil, fmt.Errorf("running the program for %s: %w", file, err)
	}
	var all []resource.Resource
	for _, args := range engine.Resources {
		all = append(all, resource.Resource{URN: engine.URN(args), Type: args.TypeToken, Name: args.Name, Inputs: withoutSecrets(args.Inputs)})
	}
	if c := engine.ControlPlane; c != nil {
		component := presource.URN(engine.URN(c.Component))
		urn := presource.NewURN(tokens.QName(engine.Stack), config.Project, component.QualifiedType(), mockengine.InnerCluster, c.Name)
		all = append(all, resource.Resource{URN: string(urn), Type: mockengine.InnerCluster, Name: c.Name, Inputs: c.Properties})
	}
	// Registration order is random; sort by URN.
	slices.SortFunc(all, func(a, b resource.Resource) int { return strings.Compare(a.URN, b.URN) })
	return all, nil
}

// passingChecks returns the checks of an account that fits the settings: the caller is an administrator of the cluster, every
// image exists, the cluster has no node groups yet, and spot instances can be launched.
func passingChecks(s *config.Settings) preflight.Checks {
	caller := deployer
	if admins := s.Cluster.Administrators; len(admins) > 0 {
		caller = admins[0]
	}
	return preflight.Checks{
		Account: func(context.Context, string, []string) (*preflight.Identity, error) {
			return &preflight.Identity{Account: mockengine.Account, ARN: caller}, nil
		},
		Image: func(context.Context, string, string, string) (preflight.ImageState, error) {
			return preflight.ImageExists, nil
		},
		NodeGroupSizes: func(context.Context, string, string) (map[string]int, error) { return nil, nil },
		SpotRole:       func(context.Context, string) error { return nil },
	}
}

// withoutSecrets returns a resource's inputs in JSON's types, with each secret replaced by resource.Secret.
func withoutSecrets(inputs presource.PropertyMap) map[string]any {
	return inputs.MapRepl(nil, func(v presource.PropertyValue) (any, bool) {
		if v.IsSecret() || v.IsOutput() && v.OutputValue().Secret {
			return resource.Secret, true
		}
		return nil, false
	})
}
