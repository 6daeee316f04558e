package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestNamesFitWhatAWSTakes(t *testing.T) {
	notAName := `; AWS resources are named after it, so on platform eks it must be lower-case letters, digits and -, with a letter or digit first and last`
	long := strings.Repeat("s", 17)
	for _, test := range []struct {
		stack    string
		changes  []change
		problems []string
	}{
		{"dev", eks(), nil},
		{long[:16], eks(), nil},
		{long, eks(), []string{`the stack's name "` + long + `" has 17 characters; on platform eks the names of IAM roles, which begin with tfserving-` + long + `, leave room for 16`}},
		{"Dev", eks(), []string{`the stack's name is "Dev"` + notAName}},
		{"dev.eu", eks(), []string{`the stack's name is "dev.eu"` + notAName}},
		{"dev-", eks(), []string{`the stack's name is "dev-"` + notAName}},
		{"a_stack.of.any.Name", nil, nil}, // platform kubernetes
		{"dev", eks(change{"tfserving:nodeGroups[0].name", strings.Repeat("g", 41)}), nil},
		{"dev", eks(change{"tfserving:nodeGroups[0].name", strings.Repeat("g", 42)}), []string{`tfserving:nodeGroups[0].name has 42 characters; after the cluster's name, tfserving-dev, there is room for 41`}},
	} {
		in := input{raw: stack(t, test.changes...), stack: test.stack}
		_, err := in.decode()
		var got []string
		if err != nil {
			got = err.(*Error).Problems
		}
		if !slices.Equal(got, test.problems) {
			t.Errorf("%s: problems %q, want %q", test.stack, got, test.problems)
		}
	}
	if got := ClusterName("dev"); got != "tfserving-dev" {
		t.Errorf("the cluster of stack dev is %s", got)
	}
}

type mocks struct{}

func (mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return args.Name, args.Inputs, nil
}
func (mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) { return args.Args, nil }

func TestLoadReadsTheRegionAndTheStacksName(t *testing.T) {
	load := func(stackName string, raw map[string]string) (s *Settings, err error) {
		run := pulumi.RunErr(func(ctx *pulumi.Context) error {
			s, err = Load(ctx)
			return nil
		}, pulumi.WithMocks(Project, stackName, mocks{}), func(info *pulumi.RunInfo) { info.Config = raw })
		if run != nil {
			t.Fatal(run)
		}
		return s, err
	}
	s, err := load("dev", stack(t, eks()...))
	if err != nil {
		t.Fatal(err)
	}
	if s.Region != "eu-west-1" || s.AWS.Owner != "ml-platform" {
		t.Errorf("region %q, owner %q", s.Region, s.AWS.Owner)
	}
	if _, err := load("Dev", stack(t, eks()...)); err == nil || !strings.Contains(err.Error(), `the stack's name is "Dev"`) {
		t.Errorf("a stack whose names do not fit: error %v", err)
	}
	t.Setenv(pulumi.EnvConfigSecretKeys, `["tfserving:model","aws:region"]`)
	if _, err := load("dev", stack(t, eks()...)); err == nil || !strings.Contains(err.Error(), "tfserving:model is encrypted; no setting is a secret") || strings.Contains(err.Error(), "2 mistakes") {
		t.Errorf("an encrypted setting: error %v", err)
	}
}
