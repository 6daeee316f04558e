package main

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"sigs.k8s.io/yaml"
)

// answers stand in for the engine and AWS.
type answers struct{}

func (answers) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	outputs := args.Inputs.Copy()
	outputs["arn"] = resource.NewProperty("arn:of:" + args.Name)
	return args.Name + "-id", outputs, nil
}

func (answers) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return resource.PropertyMap{"partition": resource.NewProperty("aws"), "accountId": resource.NewProperty("111122223333")}, nil
}

// example is Pulumi.example.yaml's configuration as the engine passes it on.
func example(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("Pulumi.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Config map[string]any }
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for key, value := range file.Config {
		text, ok := value.(string)
		if !ok {
			encoded, err := yaml.Marshal(value)
			if err == nil {
				encoded, err = yaml.YAMLToJSON(encoded)
			}
			if err != nil {
				t.Fatal(err)
			}
			text = string(encoded)
		}
		settings[key] = text
	}
	return settings
}

func run(settings map[string]string) error {
	return pulumi.RunErr(program, pulumi.WithMocks("tfserving-delivery", "sandbox", answers{}), func(info *pulumi.RunInfo) { info.Config = settings })
}

func TestTheExampleIsTaken(t *testing.T) {
	if err := run(example(t)); err != nil {
		t.Error(err)
	}
}

// A mistake is an error that names the key and what is allowed.
func TestMistakesAreNamed(t *testing.T) {
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
			t.Errorf("%v: %v, want %s", change, err, want)
		}
	}
}
