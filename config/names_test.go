package config

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
)

func TestNamesOfAWSResourcesAreWithinTheLimitsOfAWS(t *testing.T) {
	notAName := `; the names of AWS resources contain it, so on platform eks it must be lower-case letters, digits and -, with a letter or digit first and last`
	long := strings.Repeat("s", 17)
	for _, test := range []struct {
		stack    string
		changes  []change
		problems []string
	}{
		{"dev", onEKS(), nil},
		{long[:16], onEKS(), nil},
		{long, onEKS(), []string{`the stack's name "` + long + `" has 17 characters; the names of IAM roles begin with tfserving-` + long + `, so on platform eks it may have 16`}},
		{"Dev", onEKS(), []string{`the stack's name is "Dev"` + notAName}},
		{"dev.eu", onEKS(), []string{`the stack's name is "dev.eu"` + notAName}},
		{"dev-", onEKS(), []string{`the stack's name is "dev-"` + notAName}},
		{"a_stack.of.any.Name", nil, nil}, // platform kubernetes
		{"dev", onEKS(change{"tfserving:nodeGroups[0].name", strings.Repeat("g", 41)}), nil},
		{"dev", onEKS(change{"tfserving:nodeGroups[0].name", strings.Repeat("g", 42)}), []string{`tfserving:nodeGroups[0].name has 42 characters; it follows the cluster's name tfserving-dev, so it may have 41`}},
	} {
		in := input{raw: settings(t, test.changes...), stack: test.stack}
		wantProblems(t, test.stack, problemsOf(in.decode()), test.problems...)
	}
	if got := ClusterName("dev"); got != "tfserving-dev" {
		t.Errorf("the cluster of stack dev is %s", got)
	}
}

func TestTheProgramReadsTheRegionTheStacksNameAndWhatIsEncrypted(t *testing.T) {
	load := func(stackName string) (s *Settings, err error) {
		engine := mockengine.New("")
		engine.Stack = stackName
		if failure := engine.Run(func(ctx *pulumi.Context) error {
			s, err = Load(ctx)
			return nil
		}, func(info *pulumi.RunInfo) { info.Config = settings(t, onEKS()...) }); failure != nil {
			t.Fatal(failure)
		}
		return s, err
	}
	s, err := load("dev")
	if err != nil {
		t.Fatal(err)
	}
	if s.Region != "eu-west-1" || s.AWS.Owner != "ml-platform" {
		t.Errorf("region %q, owner %q", s.Region, s.AWS.Owner)
	}
	if _, err := load("Dev"); err == nil || !strings.Contains(err.Error(), `the stack's name is "Dev"`) {
		t.Errorf("a stack whose name AWS refuses: error %v", err)
	}
	t.Setenv(pulumi.EnvConfigSecretKeys, `["tfserving:model","aws:region"]`)
	if _, err := load("dev"); err == nil || !strings.Contains(err.Error(), "tfserving:model is encrypted; no setting is a secret") || strings.Contains(err.Error(), "2 mistakes") {
		t.Errorf("an encrypted setting: error %v", err)
	}
}
