// Package dryrun says what the program would make of a stack's settings file, without an engine, an account or a network.
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

// deployer is who runs the program where the settings name no administrators, as STS names an assumed role.
const deployer = "arn:aws:sts::" + mockengine.Account + ":assumed-role/Deployer/session"

// Resources returns what the engine would be asked to make for the settings in a file named Pulumi.<stack>.yaml, sorted
// by URN. Of what pulumi-eks makes inside its component, the control plane is in it. Secrets are masked. The list is empty
// for a stack on a cluster that exists, which a dry run does not ask. An error means that the file cannot be read or holds
// mistakes.
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
	if err := engine.Run(func(ctx *pulumi.Context) error { return program.Deploy(ctx, settings, answersFor(settings)) }); err != nil {
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
	// Registration order is random.
	slices.SortFunc(all, func(a, b resource.Resource) int { return strings.Compare(a.URN, b.URN) })
	return all, nil
}

// answersFor are the answers of an AWS account that the settings fit: its deployer administers the cluster, and every image
// is there.
func answersFor(s *config.Settings) preflight.Checks {
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
	}
}

// withoutSecrets are a resource's inputs as JSON has them, with secrets masked.
func withoutSecrets(inputs presource.PropertyMap) map[string]any {
	return inputs.MapRepl(nil, func(v presource.PropertyValue) (any, bool) {
		if v.IsSecret() || v.IsOutput() && v.OutputValue().Secret {
			return resource.Secret, true
		}
		return nil, false
	})
}
