package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// valid holds a stack's settings without a mistake. Each test case changes it in one way.
const valid = `
aws:region: eu-west-1
tfserving:platform: kubernetes
tfserving:namespace: predictions
tfserving:kubernetes: {kubeconfig: .local/kubeconfig}
tfserving:nodeGroups:
  - {name: general, instanceTypes: [m6i.large], min: 2, max: 4}
  - {name: burst, instanceTypes: [m6i.large, m6a.large], capacity: spot}
tfserving:model:
  name: clothing-model
  image: registry.example/model:1.0
tfserving:gateway:
  image: registry.example/gateway:1.0
tfserving:ingress: {class: nginx, controllerNamespace: ingress-nginx}
`

// change sets the setting with a key such as tfserving:nodeGroups[0].min.
type change struct {
	key   string
	value any
}

// removed is the value of a change that removes its key.
var removed = new(struct{})

// settings returns the valid settings with changes, as Pulumi passes them.
func settings(t testing.TB, changes ...change) map[string]string {
	t.Helper()
	tree := map[string]any{}
	if err := yaml.Unmarshal([]byte(valid), &tree); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		namespace, path, _ := strings.Cut(c.key, ":")
		path = strings.NewReplacer("[", ".", "]", "").Replace(path)
		steps := strings.Split(path, ".")
		steps[0] = namespace + ":" + steps[0]
		put(t, tree, steps, c.value)
	}
	raw, err := (&File{Config: tree}).Values()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func put(t testing.TB, in any, steps []string, value any) {
	t.Helper()
	if list, ok := in.([]any); ok {
		i, err := strconv.Atoi(steps[0])
		if err != nil || i >= len(list) {
			t.Fatalf("the valid settings have no element %s", steps[0])
		}
		if len(steps) == 1 {
			list[i] = value
		} else {
			put(t, list[i], steps[1:], value)
		}
		return
	}
	object := in.(map[string]any)
	switch {
	case len(steps) > 1:
		if object[steps[0]] == nil {
			object[steps[0]] = map[string]any{}
		}
		put(t, object[steps[0]], steps[1:], value)
	case value == removed:
		delete(object, steps[0])
	default:
		object[steps[0]] = value
	}
}

// decoded returns the valid settings with changes, which make no mistake.
func decoded(t testing.TB, changes ...change) *Settings {
	t.Helper()
	s, err := Decode(settings(t, changes...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// problemsOf returns the problems that Decode or ReadStackFile reports. Their other mistakes are problems, too.
func problemsOf(s *Settings, err error) []string {
	var wrong *Error
	switch {
	case err == nil:
		return nil
	case s != nil:
		return []string{"there are both settings and an error"}
	case !errors.As(err, &wrong):
		return []string{fmt.Sprintf("the error is a %T, want *Error: %v", err, err)}
	}
	return wrong.Problems
}

// wantProblems compares problems. A wanted problem that ends with … matches every problem that begins with it.
func wantProblems(t testing.TB, name string, got []string, want ...string) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(got, want string) bool {
		prefix, isPrefix := strings.CutSuffix(want, "…")
		return got == want || isPrefix && strings.HasPrefix(got, prefix)
	}) {
		t.Errorf("%s: problems:\n  %s\nwant:\n  %s", name, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// oneOrNone returns the list of one problem, or none if it is empty.
func oneOrNone(problem string) []string {
	return slices.DeleteFunc([]string{problem}, func(p string) bool { return p == "" })
}

// rule is a test case: changes to the valid settings, and the only problem with the result. It is empty if the result is
// valid.
type rule struct {
	name    string
	changes []change
	problem string
}

func runRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			wantProblems(t, r.name, problemsOf(Decode(settings(t, r.changes...))), oneOrNone(r.problem)...)
		})
	}
}

// onEKS returns the changes that make the valid settings those of platform eks, and more changes.
func onEKS(more ...change) []change {
	return append([]change{{"tfserving:platform", "eks"}, {"tfserving:kubernetes", removed}, {"tfserving:aws.owner", "ml-platform"}, {"tfserving:ingress.class", "alb"}, {"tfserving:gateway.replicas.max", 8}}, more...)
}

// set returns the change of a single setting.
func set(key string, value any) []change { return []change{{key, value}} }

// mistake returns the rule that a value is a mistake. Its problem is with the setting that has the value.
func mistake(name, key string, value any, problem string) rule {
	return rule{name, set("tfserving:"+key, value), "tfserving:" + key + " " + problem}
}

func TestUnknownKeysAndWrongTypesAreMistakes(t *testing.T) {
	runRules(t, []rule{
		{"the settings that the cases change are valid", nil, ""},
		mistake("an unknown key lists the known keys, the most similar first", "modle", map[string]any{}, `is not a setting; the settings here are model, …`),
		mistake("an unknown key in an object", "model.replica", map[string]any{"min": 2}, `is not a setting; the settings here are replicas, …`),
		mistake("an unknown key in an object in an object", "gateway.resources.memmory", "1Gi", `is not a setting; the settings here are memory, cpu`),
		mistake("an unknown key in a node group", "nodeGroups[0].diskGib", 50, `is not a setting; the settings here are diskGiB, min, max, name, labels, taints, desired, capacity, priority, instanceTypes`),
		mistake("upper and lower case are different keys", "model.targetCpu", "70", `is not a setting; the settings here are targetCPU, …`),

		mistake("text for a number", "model.targetCPU", "70", `is "70"; it must be a whole number, without quotes`),
		mistake("a fraction for a number", "model.targetCPU", 70.5, `is 70.5; it must be a whole number`),
		mistake("a number that is too large", "model.targetCPU", json.Number("99999999999999999999"), `is 99999999999999999999; it must be a whole number`),
		mistake("true for a number", "gateway.replicas.max", true, `is true; it must be a whole number`),
		mistake("a number for text", "cluster.version", 1.35, `is 1.35; it must be text, in quotes`),
		{"a number for the text of an environment variable", set("tfserving:model.environment.PORT", 8500),
			`tfserving:model.environment[PORT] is 8500; it must be text, in quotes`},
		mistake("an object for text", "model.name", map[string]any{"a": 1}, `is {"a":1}; it must be text`),
		mistake("a list for text", "model.image", []string{"a:1"}, `is ["a:1"]; it must be text`),
		mistake("text for an object", "model", "clothing", `is "clothing"; it must be an object with name, image, allowMutableTag, resources, cpuLimit, replicas, targetCPU, scaling, batching, maxConnectionAge, startupTimeout, runAsUser, environment`),
		mistake("several values for an object", "kubernetes", `{} {}`, `is "{} {}"; it must be an object with kubeconfig, context`),
		mistake("a list for an object", "model.replicas", []int{1, 3}, `is [1,3]; it must be an object with min, max`),
		mistake("a number for an object", "model.replicas", 3, `is 3; it must be an object with min, max`),
		mistake("a list for a map", "model.environment", []string{"A=1"}, `is ["A=1"]; it must be an object whose values are text`),
		mistake("an object for a list", "nodeGroups", map[string]any{"name": "general"}, `is {"name":"general"}; it must be a list of objects with name, instanceTypes, capacity, min, max, desired, priority, diskGiB, labels, taints`),
		mistake("text for a node group", "nodeGroups[1]", "burst", `is "burst"; it must be an object with name, instanceTypes, capacity, min, max, desired, priority, diskGiB, labels, taints`),
		mistake("text for a list of text", "ingress.allowedCidrs", "10.0.0.0/8", `is "10.0.0.0/8"; it must be a list of text (did you mean ["10.0.0.0/8"]?)`),
		mistake("text for true or false", "model.allowMutableTag", "true", `is "true"; it must be true or false, without quotes`),
		mistake("a number for true or false", "model.allowMutableTag", 1, `is 1; it must be true or false`),
		mistake("true for a quantity", "model.resources.cpu", true, `is true; it must be a quantity such as 500m or 1Gi`),
		{"a number is a quantity", set("tfserving:model.resources.cpu", 1.5), ""},

		mistake("a duration without its unit", "gateway.drainTime", 20, `is 20; it must be a duration such as 30s or 5m (did you mean 20s?)`),
		mistake("a duration without its unit, in quotes", "gateway.drainTime", "20", `is "20"; it must be a duration such as 30s or 5m (did you mean 20s?)`),
		mistake("a duration with an unknown unit", "autoscaler.scaleDownUnneededTime", "1d", `is "1d"; it must be a duration such as 30s or 5m`),
		mistake("an empty duration", "gateway.drainTime", "", `is ""; it must be a duration such as 30s or 5m`),
		mistake("a list for a duration", "gateway.drainTime", []int{1}, `is [1]; it must be a duration such as 30s or 5m`),

		{"text without a value", set("tfserving:namespace", nil), `tfserving:namespace has no value; give it one or remove the key`},
		{"an object without a value", set("tfserving:network", nil), `tfserving:network has no value; give it one or remove the key`},
		{"a key without a value in an object", set("tfserving:model.image", nil), `tfserving:model.image has no value; give it one or remove the key`},
		{"a node group without a value", set("tfserving:nodeGroups[1]", nil), `tfserving:nodeGroups[1] has no value; give it one or remove the key`},
		{"an environment variable without a value", set("tfserving:gateway.environment.DEBUG", nil), `tfserving:gateway.environment[DEBUG] has no value; give it one or remove the key`},
		{"a list element without a value", set("tfserving:ingress.allowedCidrs", []any{nil}), `tfserving:ingress.allowedCidrs[0] has no value; give it one or remove the key`},

		{"keys of other namespaces are ignored", []change{{"aws:profile", "mars-1"}, {"other:model", "x"}, {"tfservingx:platform", "x"}}, ""},
		{"the region has no key in the project's namespace", set("tfserving:-", "eu-west-1"), `tfserving:- is not a setting; the settings here are …`},
	})
}

func TestAKeyThatIsSetWithoutPathIsAMistakeThatNamesPath(t *testing.T) {
	raw := settings(t)
	raw["tfserving:model.replicas.max"] = "8"
	wantProblems(t, "a key without path", problemsOf(Decode(raw)), "tfserving:model.replicas.max is not a setting; set a key inside model with `pulumi config set --path`, or indent it below model in the stack's file")
}

func TestErrorsShortenLongValues(t *testing.T) {
	got := problemsOf(Decode(settings(t, set("tfserving:model.replicas", strings.Repeat("é", 500))...)))
	if len(got) != 1 || len(got[0]) > 200 || !strings.Contains(got[0], "…; it must be an object with min, max") {
		t.Errorf("got %q", got)
	}
}

// Different steps of decoding find unknown keys, missing values, wrong types and values out of range.
func TestOneErrorListsAllMistakesSortedByKey(t *testing.T) {
	raw := settings(t,
		change{"tfserving:platfrom", "eks"},
		change{"tfserving:network", nil},
		change{"tfserving:model.replicas.min", "2"},
		change{"tfserving:model.replicas.most", 9},
		change{"tfserving:model.name", "Clothing"},
		change{"tfserving:gateway.port", 70000},
		change{"tfserving:gateway.scaling.up.period", "0s"},
		change{"tfserving:gateway.scaling.down.period", "0s"},
		change{"tfserving:nodeGroups[0].min", 9},
		change{"tfserving:nodeGroups[1].max", "many"},
	)
	want := []string{
		`tfserving:gateway.port is 70000; it must be from 1 to 65535`,
		`tfserving:gateway.scaling.down.period is 0s; it must be from 1s to 30m`,
		`tfserving:gateway.scaling.up.period is 0s; it must be from 1s to 30m`,
		`tfserving:model.name is "Clothing"; the model's Service is named after it, so it must be at most 52 lower-case letters, digits and -, with a letter or digit first and last`,
		`tfserving:model.replicas.min is "2"; it must be a whole number, without quotes`,
		`tfserving:model.replicas.most is not a setting; the settings here are min, max`,
		`tfserving:network has no value; give it one or remove the key`,
		`tfserving:nodeGroups[0].min is 9, above max 4; min must be at most max`,
		`tfserving:nodeGroups[1].max is "many"; it must be a whole number, without quotes`,
		`tfserving:platfrom is not a setting; the settings here are platform, …`,
	}
	for range 20 { // the order of Go's maps is random
		got := problemsOf(Decode(raw))
		if wantProblems(t, "ten mistakes", got, want...); !slices.IsSorted(got) {
			t.Fatalf("the problems are not sorted: %q", got)
		}
	}
}

func TestTheErrorBeginsWithTheNumberOfMistakes(t *testing.T) {
	wrong := []change{{"tfserving:namespace", "kube-system"}, {"tfserving:model.targetCPU", 0}}
	for n, want := range map[int]string{
		1: "1 mistake in the stack's settings (docs/settings.md describes every setting):\n  - tfserving:namespace is ",
		2: "2 mistakes in the stack's settings",
	} {
		if _, err := Decode(settings(t, wrong[:n]...)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want it to begin with %s", err, want)
		}
	}
}

func TestSettingsThatAFileLeavesOutHaveTheirDefaults(t *testing.T) {
	got := decoded(t, change{"tfserving:namespace", removed}, change{"tfserving:gateway.scaling.down.stabilization", "60s"})
	want := Default()
	want.Region = "eu-west-1"
	want.Platform = PlatformKubernetes
	want.Kubernetes.Kubeconfig = ".local/kubeconfig"
	want.Model.Name, want.Model.Image = "clothing-model", "registry.example/model:1.0"
	want.Gateway.Image = "registry.example/gateway:1.0"
	want.Ingress.Class, want.Ingress.ControllerNamespace = "nginx", "ingress-nginx"
	want.Gateway.Scaling.Down.Stabilization = time.Minute // the settings beside it keep their defaults
	want.NodeGroups = []NodeGroup{
		{Name: "general", InstanceTypes: []string{"m6i.large"}, Capacity: CapacityOnDemand, Min: 2, Max: 4, DiskGiB: 50},
		{Name: "burst", InstanceTypes: []string{"m6i.large", "m6a.large"}, Capacity: CapacitySpot, Min: 1, Max: 3, DiskGiB: 50},
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestSettingsOfAFileReplaceTheDefaults(t *testing.T) {
	got := decoded(t,
		change{"tfserving:namespace", "123"}, // a text that looks like a number
		change{"tfserving:model.resources", map[string]any{"cpu": 0.5, "memory": "2Gi"}},
		change{"tfserving:model.environment", map[string]any{"TF_CPP_MIN_LOG_LEVEL": "1"}},
		change{"tfserving:gateway.allowMutableTag", true},
		change{"tfserving:ingress.allowedCidrs", []string{"10.0.0.0/8", "192.0.2.0/24"}},
		change{"tfserving:nodeGroups[0].min", 0},
	)
	for name, pair := range map[string][2]any{
		"namespace":           {got.Namespace, "123"},
		"model.resources":     {got.Model.Resources, Resources{CPU: "0.5", Memory: "2Gi"}},
		"model.environment":   {got.Model.Environment, map[string]string{"TF_CPP_MIN_LOG_LEVEL": "1"}},
		"allowMutableTag":     {got.Gateway.AllowMutableTag, true},
		"allowedCidrs":        {got.Ingress.AllowedCIDRs, []string{"10.0.0.0/8", "192.0.2.0/24"}},
		"nodeGroups[0].min 0": {got.NodeGroups[0].Min, 0},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func FuzzDecode(f *testing.F) {
	values := []string{``, `null`, `""`, `0`, `-1`, `1e999`, `"9999999999999999999h"`, `true`, `[]`, `[null]`, `[[]]`, `{}`, `{"":null}`, `{"":{"":1}}`, `{`, `{}{}`, `"\ud800"`,
		`[{"name":1,"min":"x"},5,null]`, `{"min":5,"max":1}`, `{"resources":{"cpu":"1e-999999999","memory":"-5E"}}`, `{"replicas":[1],"environment":{"A":null,"=":"x"}}`,
		`{"image":"@","name":"\u0000"}`, `{"cidr":"::/0"}`, `{"allowedCidrs":["::ffff:1.2.3.4/99","10.0.0.1/8"]}`, `{"scanInterval":"-1ns"}`,
		`[{"name":"a","instanceTypes":["m5.large"],"labels":{"":"","/":"x"},"taints":[{"key":"/"},{}]}]`, `{"addonVersions":{"":""}}`, `{"headroom":{"pods":1,"resources":{"cpu":"999999999999999Ti"}}}`, `{"chart":"/","repository":":"}`}
	for _, key := range append(keys(reflect.TypeFor[Settings]()), "", "model.replicas", "unknown") {
		for _, value := range values {
			f.Add(key, value)
		}
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		for _, raw := range []map[string]string{settings(t), settings(t, onEKS()...)} {
			raw[Project+":"+key] = value
			s, err := Decode(raw)
			if (s == nil) == (err == nil) {
				t.Errorf("settings %v with error %v", s, err)
			}
			if s != nil {
				s.Model.Cores()
				s.Gateway.Resources.MilliCPU()
				s.Warnings(time.Now())
			}
		}
	})
}
