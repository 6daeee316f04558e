package config

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// valid is a stack's settings without a mistake. Every case of the tests below varies one thing of it.
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
tfserving:ingress: {class: nginx}
`

// change sets the setting at a path such as tfserving:nodeGroups[0].min. Without a value it removes it.
type change struct {
	key   string
	value any
}

// removed is a change's value where the key is to go.
var removed = new(struct{})

// stack returns the valid settings with changes, as Pulumi hands them over.
func stack(t testing.TB, changes ...change) map[string]string {
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
	return asPulumi(t, tree)
}

func asPulumi(t testing.TB, tree map[string]any) map[string]string {
	t.Helper()
	raw := map[string]string{}
	for key, value := range tree {
		if text, ok := value.(string); ok {
			raw[key] = text
			continue
		}
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		raw[key] = string(data)
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

// problemsOf returns what Decode says of the settings.
func problemsOf(t testing.TB, raw map[string]string) []string {
	t.Helper()
	s, err := Decode(raw)
	if err == nil {
		return nil
	}
	if s != nil {
		t.Error("settings and an error at once")
	}
	var wrong *Error
	if !errors.As(err, &wrong) {
		t.Fatalf("the error is a %T, not a list of what is wrong", err)
	}
	return wrong.Problems
}

// sameProblems compares problems with what is wanted of them. One that is wanted with … at its end may end in any way.
func sameProblems(got, want []string) bool {
	return slices.EqualFunc(got, want, func(got, want string) bool {
		begin, open := strings.CutSuffix(want, "…")
		return got == want || open && strings.HasPrefix(got, begin)
	})
}

// rule is a case of the rules: changes to the valid settings, and the one problem that they are. Without a problem the
// changes are valid, too.
type rule struct {
	name    string
	changes []change
	problem string
}

func runRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			var want []string
			if r.problem != "" {
				want = []string{r.problem}
			}
			if got := problemsOf(t, stack(t, r.changes...)); !sameProblems(got, want) {
				t.Errorf("problems:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// eks are the changes that make the valid settings those of platform eks, and more changes.
func eks(more ...change) []change {
	return append([]change{{"tfserving:platform", "eks"}, {"tfserving:kubernetes", removed}, {"tfserving:aws.owner", "ml-platform"}, {"tfserving:ingress.class", "alb"}}, more...)
}

// one is the change of a single setting.
func one(key string, value any) []change { return []change{{key, value}} }

func TestDecodeIsStrict(t *testing.T) {
	runRules(t, []rule{
		{"the settings that the cases vary are valid", nil, ""},
		{"an unknown key lists the known ones, the likeliest first", one("tfserving:modle", map[string]any{}),
			`tfserving:modle is not a setting; known here: model, …`},
		{"an unknown key in an object", one("tfserving:model.replica", map[string]any{"min": 2}),
			`tfserving:model.replica is not a setting; known here: replicas, …`},
		{"an unknown key two objects deep", one("tfserving:gateway.resources.memmory", "1Gi"),
			`tfserving:gateway.resources.memmory is not a setting; known here: memory, cpu`},
		{"an unknown key in a node group", one("tfserving:nodeGroups[0].diskGib", 50),
			`tfserving:nodeGroups[0].diskGib is not a setting; known here: diskGiB, min, max, name, labels, taints, desired, capacity, instanceTypes`},
		{"upper and lower case are different keys", one("tfserving:model.targetCpu", "70"),
			`tfserving:model.targetCpu is not a setting; known here: targetCPU, …`},

		{"text for a number", one("tfserving:model.targetCPU", "70"),
			`tfserving:model.targetCPU is "70"; it must be a whole number, without quotes`},
		{"a fraction for a number", one("tfserving:model.targetCPU", 70.5),
			`tfserving:model.targetCPU is 70.5; it must be a whole number`},
		{"a number too large to count with", one("tfserving:model.targetCPU", json.Number("99999999999999999999")),
			`tfserving:model.targetCPU is 99999999999999999999; it must be a whole number`},
		{"a truth value for a number", one("tfserving:gateway.replicas.max", true),
			`tfserving:gateway.replicas.max is true; it must be a whole number`},
		{"a number for text", one("tfserving:cluster.version", 1.35),
			`tfserving:cluster.version is 1.35; it must be text, in quotes`},
		{"a number for the text of an environment variable", one("tfserving:model.environment.PORT", 8500),
			`tfserving:model.environment[PORT] is 8500; it must be text, in quotes`},
		{"an object for text", one("tfserving:model.name", map[string]any{"a": 1}),
			`tfserving:model.name is {"a":1}; it must be text`},
		{"a list for text", one("tfserving:model.image", []string{"a:1"}),
			`tfserving:model.image is ["a:1"]; it must be text`},
		{"text for an object", one("tfserving:model", "clothing"),
			`tfserving:model is "clothing"; it must be an object with name, image, allowMutableTag, resources, replicas, targetCPU, scaling, batching, maxConnectionAge, startupTimeout, runAsUser, environment`},
		{"several values for an object", one("tfserving:kubernetes", `{} {}`),
			`tfserving:kubernetes is "{} {}"; it must be an object with kubeconfig, context`},
		{"a list for an object", one("tfserving:model.replicas", []int{1, 3}),
			`tfserving:model.replicas is [1,3]; it must be an object with min, max`},
		{"a number for an object", one("tfserving:model.replicas", 3),
			`tfserving:model.replicas is 3; it must be an object with min, max`},
		{"a list for a map", one("tfserving:model.environment", []string{"A=1"}),
			`tfserving:model.environment is ["A=1"]; it must be an object whose values are text`},
		{"an object for a list", one("tfserving:nodeGroups", map[string]any{"name": "general"}),
			`tfserving:nodeGroups is {"name":"general"}; it must be a list of objects with name, instanceTypes, capacity, min, max, desired, diskGiB, labels, taints`},
		{"text for a node group", one("tfserving:nodeGroups[1]", "burst"),
			`tfserving:nodeGroups[1] is "burst"; it must be an object with name, instanceTypes, capacity, min, max, desired, diskGiB, labels, taints`},
		{"text for a list of text", one("tfserving:ingress.allowedCidrs", "10.0.0.0/8"),
			`tfserving:ingress.allowedCidrs is "10.0.0.0/8"; it must be a list of text (did you mean ["10.0.0.0/8"]?)`},
		{"text for a truth value", one("tfserving:model.allowMutableTag", "true"),
			`tfserving:model.allowMutableTag is "true"; it must be true or false, without quotes`},
		{"a number for a truth value", one("tfserving:model.allowMutableTag", 1),
			`tfserving:model.allowMutableTag is 1; it must be true or false`},
		{"a truth value for a quantity", one("tfserving:model.resources.cpu", true),
			`tfserving:model.resources.cpu is true; it must be a quantity such as 500m or 1Gi`},
		{"a number for a quantity is one", one("tfserving:model.resources.cpu", 1.5), ""},

		{"a duration without its unit", one("tfserving:gateway.drainTime", 20),
			`tfserving:gateway.drainTime is 20; it must be a duration such as 30s or 5m (did you mean 20s?)`},
		{"a duration without its unit, in quotes", one("tfserving:gateway.drainTime", "20"),
			`tfserving:gateway.drainTime is "20"; it must be a duration such as 30s or 5m (did you mean 20s?)`},
		{"a duration in a unit that there is not", one("tfserving:autoscaler.scaleDownUnneededTime", "1d"),
			`tfserving:autoscaler.scaleDownUnneededTime is "1d"; it must be a duration such as 30s or 5m`},
		{"an empty duration", one("tfserving:gateway.drainTime", ""),
			`tfserving:gateway.drainTime is ""; it must be a duration such as 30s or 5m`},
		{"a list for a duration", one("tfserving:gateway.drainTime", []int{1}),
			`tfserving:gateway.drainTime is [1]; it must be a duration such as 30s or 5m`},

		{"text without a value", one("tfserving:namespace", nil), `tfserving:namespace has no value; give it one or remove the key`},
		{"an object without a value", one("tfserving:network", nil), `tfserving:network has no value; give it one or remove the key`},
		{"a key without a value in an object", one("tfserving:model.image", nil), `tfserving:model.image has no value; give it one or remove the key`},
		{"a node group without a value", one("tfserving:nodeGroups[1]", nil), `tfserving:nodeGroups[1] has no value; give it one or remove the key`},
		{"an environment variable without a value", one("tfserving:gateway.environment.DEBUG", nil), `tfserving:gateway.environment[DEBUG] has no value; give it one or remove the key`},
		{"a list element without a value", one("tfserving:ingress.allowedCidrs", []any{nil}), `tfserving:ingress.allowedCidrs[0] has no value; give it one or remove the key`},

		{"keys of other namespaces are left alone", []change{{"aws:profile", "mars-1"}, {"other:model", "x"}, {"tfservingx:platform", "x"}}, ""},
		{"the region's field is no setting of the project's", one("tfserving:-", "eu-west-1"), `tfserving:- is not a setting; known here: …`},
	})
}

func TestAKeySetWithoutPathSaysHow(t *testing.T) {
	raw := stack(t)
	raw["tfserving:model.replicas.max"] = "8"
	want := []string{"tfserving:model.replicas.max is not a setting; a key inside model is set with `pulumi config set --path`, or indented below it in the stack's file"}
	if got := problemsOf(t, raw); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALongWrongValueIsCutShort(t *testing.T) {
	got := problemsOf(t, stack(t, one("tfserving:model.replicas", strings.Repeat("é", 500))...))
	if len(got) != 1 || len(got[0]) > 200 || !strings.Contains(got[0], "…; it must be an object with min, max") {
		t.Errorf("got %q", got)
	}
}

// Unknown keys, missing values, wrong types and values out of range come from different steps of decoding.
func TestAllMistakesAreReportedAtOnceInAStableOrder(t *testing.T) {
	raw := stack(t,
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
		`tfserving:model.replicas.most is not a setting; known here: min, max`,
		`tfserving:network has no value; give it one or remove the key`,
		`tfserving:nodeGroups[0].min is 9, above max 4; min must be at most max`,
		`tfserving:nodeGroups[1].max is "many"; it must be a whole number, without quotes`,
		`tfserving:platfrom is not a setting; known here: platform, …`,
	}
	for range 20 { // Go's maps have another order each time
		got := problemsOf(t, raw)
		if !sameProblems(got, want) || !slices.IsSorted(got) {
			t.Fatalf("problems:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

func TestTheErrorCountsTheMistakes(t *testing.T) {
	_, err := Decode(stack(t, one("tfserving:namespace", "kube-system")...))
	if want := "1 mistake in the stack's settings (docs/settings.md describes every setting):\n  - tfserving:namespace is "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want it to begin with %s", err, want)
	}
	_, err = Decode(stack(t, change{"tfserving:namespace", "kube-system"}, change{"tfserving:model.targetCPU", 0}))
	if want := "2 mistakes in the stack's settings"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want it to begin with %s", err, want)
	}
}

func TestUnsetKeysHaveTheirDefaults(t *testing.T) {
	got, err := Decode(stack(t,
		change{"tfserving:namespace", removed},
		change{"tfserving:gateway.scaling.down.stabilization", "60s"},
	))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Region = "eu-west-1"
	want.Platform = PlatformKubernetes
	want.Kubernetes.Kubeconfig = ".local/kubeconfig"
	want.Model.Name, want.Model.Image = "clothing-model", "registry.example/model:1.0"
	want.Gateway.Image = "registry.example/gateway:1.0"
	want.Gateway.Scaling.Down.Stabilization = time.Minute // its siblings keep their defaults
	want.NodeGroups = []NodeGroup{
		{Name: "general", InstanceTypes: []string{"m6i.large"}, Capacity: "onDemand", Min: 2, Max: 4, DiskGiB: 50},
		{Name: "burst", InstanceTypes: []string{"m6i.large", "m6a.large"}, Capacity: "spot", Min: 1, Max: 3, DiskGiB: 50},
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestSetKeysReplaceDefaults(t *testing.T) {
	got, err := Decode(stack(t,
		change{"tfserving:namespace", "123"}, // text, though it looks like a number
		change{"tfserving:model.resources", map[string]any{"cpu": 0.5, "memory": "2Gi"}},
		change{"tfserving:model.environment", map[string]any{"TF_CPP_MIN_LOG_LEVEL": "1"}},
		change{"tfserving:gateway.allowMutableTag", true},
		change{"tfserving:ingress.allowedCidrs", []string{"10.0.0.0/8", "192.0.2.0/24"}},
		change{"tfserving:nodeGroups[0].min", 0},
	))
	if err != nil {
		t.Fatal(err)
	}
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
		for _, raw := range []map[string]string{stack(t), stack(t, eks()...)} {
			raw[Project+":"+key] = value
			s, err := Decode(raw)
			if (s == nil) == (err == nil) {
				t.Errorf("settings %v with error %v", s, err)
			}
			if s != nil {
				s.Model.Resources.Cores()
				s.Gateway.Resources.Cores()
				s.Warnings(time.Now())
			}
		}
	})
}
