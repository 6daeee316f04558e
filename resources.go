package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/config"
)

// resourcesCommand makes the program print what it would make of a stack's file, as JSON, instead of making it: for what
// asks neither an engine nor an account, such as `make cost`.
const resourcesCommand = "resources"

// listed is a resource in that list.
type listed struct {
	URN    string         `json:"urn"`
	Type   string         `json:"type"`
	Name   string         `json:"name"`
	Inputs map[string]any `json:"inputs"`
}

// secretValue stands in the list in a secret's place.
const secretValue = "[secret]"

func printResources(file string) {
	all, err := listResources(file)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// listResources runs the program for a stack's file, with nobody behind it. Its list is what the engine would be asked
// for, and of what pulumi-eks makes, the control plane. A cluster that exists already is not asked: what runs on it is not
// in the list, which is empty.
func listResources(file string) ([]listed, error) {
	settings, err := config.ReadStackFile(file)
	if err != nil {
		return nil, err
	}
	if settings.Platform != config.PlatformEKS {
		return []listed{}, nil
	}
	stack := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml")
	aws := awsFor(settings)
	engine := &eksRecorder{aws: aws, region: settings.Region}
	if err := aws.answering(func() error {
		return pulumi.RunErr(func(ctx *pulumi.Context) error { return deploy(ctx, settings) }, pulumi.WithMocks(config.Project, stack, engine))
	}); err != nil {
		return nil, fmt.Errorf("running the program for %s: %w", file, err)
	}
	var all []listed
	for _, args := range engine.seen {
		all = append(all, listed{urnOf(stack, args), args.TypeToken, args.Name, withoutSecrets(args.Inputs)})
	}
	if c := engine.inner; c != nil {
		component := resource.URN(urnOf(stack, c.component))
		urn := resource.NewURN(tokens.QName(stack), config.Project, component.QualifiedType(), innerEKSCluster, c.name)
		all = append(all, listed{string(urn), innerEKSCluster, c.name, c.properties})
	}
	// The order in which they come hangs on chance.
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.URN, b.URN) })
	return all, nil
}

// awsFor is an AWS in which the settings hold: the region has as many zones, and who runs the program administers the
// cluster.
func awsFor(s *config.Settings) *awsSide {
	aws := &awsSide{caller: deployer}
	for i := range s.Network.Zones {
		aws.zones = append(aws.zones, s.Region+string(rune('a'+i)))
	}
	if admins := s.Cluster.Administrators; len(admins) > 0 {
		aws.caller = admins[0]
	}
	return aws
}

// withoutSecrets are a resource's inputs as JSON has them, with a mark in the place of what is secret.
func withoutSecrets(inputs resource.PropertyMap) map[string]any {
	return inputs.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() || v.IsOutput() && v.OutputValue().Secret {
			return secretValue, true
		}
		return nil, false
	})
}
