package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/config"
	"tfserving/internal/mockengine"
)

// example is the configuration in Pulumi.example.yaml, as the engine passes it to a program.
func example(t *testing.T) map[string]string {
	t.Helper()
	file, err := config.ReadFile("Pulumi.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := file.Values()
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

func run(configuration map[string]string) error {
	engine := mockengine.New("eu-west-1")
	engine.Project, engine.Stack = "tfserving-delivery", "sandbox"
	return engine.Run(program, func(info *pulumi.RunInfo) { info.Config = configuration })
}

func TestTheExampleFileIsValid(t *testing.T) {
	if err := run(example(t)); err != nil {
		t.Error(err)
	}
}

func TestAMistakeIsAnErrorThatNamesTheKey(t *testing.T) {
	for want, change := range map[string]map[string]string{
		"aws:region":                       {"aws:region": ""},
		"tfserving-delivery:owner":         {"tfserving-delivery:owner": ""},
		"tfserving-delivery:environments:": {"tfserving-delivery:environments": `{"name":"dev"}`},
		"the repository is":                {"tfserving-delivery:repository": "tfserving"},
		"the stacks of environment dev":    {"tfserving-delivery:environments": `[{"name":"dev","stack":"dev"}]`},
		"the state's key":                  {"tfserving-delivery:state": `{"bucket":"example","key":"alias/state"}`},
		"tfserving-delivery:state:":        {"tfserving-delivery:state": `[]`},
	} {
		settings := example(t)
		maps.Copy(settings, change)
		if err := run(settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error is %v, want one with %q", change, err, want)
		}
	}
}
