package preview

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"tfserving/resource"
)

const (
	urn   = "urn:pulumi:dev::tfserving::aws:eks/cluster:Cluster::tfserving-dev"
	ended = `{"sequence":9,"timestamp":1,"cancelEvent":{}}` + "\n"
)

// log is events as the engine writes them, with the last one.
func log(t *testing.T, events ...apitype.EngineEvent) string {
	t.Helper()
	var b bytes.Buffer
	for _, e := range events {
		if err := json.NewEncoder(&b).Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	return b.String() + ended
}

func pre(m apitype.StepEventMetadata) apitype.EngineEvent {
	return apitype.EngineEvent{ResourcePreEvent: &apitype.ResourcePreEvent{Metadata: m, Planning: true}}
}

func outputs(m apitype.StepEventMetadata) apitype.EngineEvent {
	return apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: m, Planning: true}}
}

func state(inputs map[string]any) *apitype.StepEventStateMetadata {
	return &apitype.StepEventStateMetadata{Type: resource.EKSCluster, URN: urn, Custom: true, Inputs: inputs}
}

func step(op apitype.OpType, before, after map[string]any) apitype.StepEventMetadata {
	m := apitype.StepEventMetadata{Op: op, URN: urn, Type: resource.EKSCluster}
	if before != nil {
		m.Old = state(before)
	}
	if after != nil {
		m.New = state(after)
	}
	return m
}

func read(t *testing.T, text string) *Preview {
	t.Helper()
	p, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnIncompleteOrForeignLogIsAnErrorThatSaysSo(t *testing.T) {
	whole := log(t, pre(step(apitype.OpCreate, nil, map[string]any{"name": "x"})))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(strings.Repeat(whole, 100))); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, says string }{
		"empty":                  {"", "it is empty"},
		"blank":                  {" \n\n", "it is empty"},
		"no JSON":                {"Previewing update (dev)\n", "line 1: no event of Pulumi's engine"},
		"another JSON":           {"{}\n", "line 1: no event of Pulumi's engine: it is of no kind"},
		"an object of others":    {`{"version":1}` + "\n", `line 1: no event of Pulumi's engine: it has none of an event's fields, but "version"`},
		"a list":                 {"[1,2]\n", "line 1: no event of Pulumi's engine"},
		"pulumi preview --json":  {`{"config":{},"steps":[],"changeSummary":{}}` + "\n", "this is the document of `pulumi preview --json`"},
		"cut off in a line":      {whole[:len(whole)/2], "it is cut off"},
		"cut off between lines":  {strings.TrimSuffix(whole, ended), "it is cut off after line 1"},
		"cut off, compressed":    {zipped.String()[:zipped.Len()-12], "it ends too early"},
		"an unknown kind":        {`{"sequence":0,"timestamp":1,"futureEvent":{}}` + "\n" + ended, `field "futureEvent" is not known; another Pulumi than v3.230.0`},
		"an unknown field":       {strings.Replace(whole, `"op":`, `"mood":1,"op":`, 1), `field "mood" is not known; another Pulumi than v3.230.0`},
		"an unknown operation":   {strings.Replace(whole, `"op":"create"`, `"op":"transmute"`, 1), `operation "transmute" of ` + urn + ` is not known; another Pulumi than v3.230.0`},
		"an unknown enforcement": {`{"sequence":0,"timestamp":1,"policyEvent":{"message":"","color":"","policyName":"tags","policyPackName":"","policyPackVersion":"","policyPackVersionTag":"","enforcementLevel":"perhaps"}}` + "\n" + ended, `policy tags is enforced at level "perhaps", which is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read(strings.NewReader(test.text))
			if err == nil {
				t.Fatalf("it is read as %+v", p)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %q; it must say %q", err, test.says)
			}
		})
	}
}

func TestAFailureOutsideTheEngineIsAFailedPreview(t *testing.T) {
	for name, before := range map[string]string{"alone": "", "behind what the engine said": log(t, pre(step(apitype.OpCreate, nil, map[string]any{})))} {
		t.Run(name, func(t *testing.T) {
			b := bytes.NewBufferString(before)
			if err := WriteFailure(b, "plugin not found"); err != nil {
				t.Fatal(err)
			}
			if p := read(t, b.String()); !p.Failed() || p.Errors[0].Text != "plugin not found" {
				t.Errorf("it is read as %+v", p)
			}
		})
	}
}

const sentinel = "c2VudGluZWw-do-not-show"

// Neither the ciphertext of a masked secret, nor the plain text that `--show-secrets` writes, nor unmarked properties that are
// always secret are in a preview.
func TestNoSecretIsRead(t *testing.T) {
	secret := func(key string) any {
		return map[string]any{"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", key: sentinel}
	}
	hidden := map[string]any{
		"kubeconfig": secret("plaintext"),
		"list":       []any{"a", secret("ciphertext")},
		"deep":       map[string]any{"er": map[string]any{"est": secret("plaintext")}},
	}
	unmarked := step(apitype.OpUpdate, map[string]any{"stringData": map[string]any{"a": "b"}}, map[string]any{"stringData": map[string]any{"a": sentinel}})
	unmarked.Type = resource.KubernetesSecret
	unmarked.DetailedDiff = map[string]apitype.PropertyDiff{"stringData.a": {Kind: apitype.DiffUpdate, InputDiff: true}}
	root := step(apitype.OpCreate, nil, map[string]any{})
	root.Type = resource.Stack
	root.New.Outputs = hidden
	p := read(t, log(t, pre(step(apitype.OpUpdate, map[string]any{"kubeconfig": "old"}, hidden)), pre(unmarked), outputs(root)))
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), sentinel) {
		t.Errorf("a secret was read: %s", text)
	}
	if n := strings.Count(string(text), resource.Secret); n < 7 {
		t.Errorf("only %d secrets are marked as such: %s", n, text)
	}
}

func TestEachResourceIsOneStep(t *testing.T) {
	before, after := map[string]any{"version": "1.34", "name": "x"}, map[string]any{"version": "1.35", "name": "x"}
	protected := step(apitype.OpSame, before, before)
	protected.Old.Protect = true
	kept := step(apitype.OpDelete, before, nil)
	kept.Old.RetainOnDelete = true
	for name, test := range map[string]struct {
		events  []apitype.EngineEvent
		op      Op
		drift   bool
		changes []Change
	}{
		"created":           {[]apitype.EngineEvent{pre(step(apitype.OpCreate, nil, after))}, OpCreate, false, nil},
		"deleted":           {[]apitype.EngineEvent{pre(step(apitype.OpDelete, before, nil))}, OpDelete, false, nil},
		"retained":          {[]apitype.EngineEvent{pre(kept)}, OpForget, false, nil},
		"changed":           {[]apitype.EngineEvent{pre(step(apitype.OpUpdate, before, after)), outputs(step(apitype.OpUpdate, before, after))}, OpUpdate, false, []Change{{Path: "version", Kind: Changed, Old: "1.34", New: "1.35"}}},
		"its protection is": {[]apitype.EngineEvent{pre(protected)}, OpUpdate, false, []Change{{Path: Protection, Kind: Changed, Old: true, New: false}}},
		"replaced": {[]apitype.EngineEvent{
			pre(step(apitype.OpCreateReplacement, before, after)), pre(step(apitype.OpReplace, before, after)), pre(step(apitype.OpDeleteReplaced, before, nil)),
		}, OpReplace, false, []Change{{Path: "version", Kind: Changed, Old: "1.34", New: "1.35"}}},
		"left over from a replacement": {[]apitype.EngineEvent{pre(step(apitype.OpDeleteReplaced, before, nil))}, OpDelete, false, nil},
		"changed by somebody else":     {[]apitype.EngineEvent{pre(step(apitype.OpRefresh, before, before)), outputs(step(apitype.OpUpdate, before, after))}, OpUpdate, true, []Change{{Path: "version", Kind: Changed, Old: "1.34", New: "1.35"}}},
		"as it was when looked at":     {[]apitype.EngineEvent{pre(step(apitype.OpRefresh, before, before)), outputs(step(apitype.OpSame, before, before))}, OpSame, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, log(t, test.events...))
			if len(p.Steps) != 1 {
				t.Fatalf("there are %d steps: %+v", len(p.Steps), p.Steps)
			}
			if s := p.Steps[0]; s.Op != test.op || s.Drift != test.drift || !reflect.DeepEqual(s.Changes, test.changes) {
				t.Errorf("it is %s (drift %v) with %+v; want %s (drift %v) with %+v", s.Op, s.Drift, s.Changes, test.op, test.drift, test.changes)
			}
			if p.Stack != "dev" || p.Project != "tfserving" {
				t.Errorf("it is of stack %q of project %q", p.Stack, p.Project)
			}
		})
	}
}

// Providers name the forcing property by its path, by its top-level property or both. An unknown value stays unknown.
func TestAReplacementNamesThePropertiesThatForceIt(t *testing.T) {
	before := map[string]any{"vpcConfig": map[string]any{"subnetIds": []any{"subnet-1"}}, "version": "1.34", "name": resource.Secret}
	after := map[string]any{"vpcConfig": map[string]any{"subnetIds": []any{resource.Unknown}}, "version": "1.35", "name": resource.Secret}
	detailed := map[string]apitype.PropertyDiff{"vpcConfig.subnetIds[0]": {Kind: apitype.DiffUpdateReplace}, "version": {Kind: apitype.DiffUpdate}}
	unsaid := map[string]apitype.PropertyDiff{"vpcConfig.subnetIds[0]": {Kind: apitype.DiffUpdate}, "version": {Kind: apitype.DiffUpdate}}
	version := Change{Path: "version", Kind: Changed, Old: "1.34", New: "1.35"}
	subnet := Change{Path: "vpcConfig.subnetIds[0]", Kind: Changed, Forces: true, Old: "subnet-1", New: resource.Unknown}
	for name, test := range map[string]struct {
		diff map[string]apitype.PropertyDiff
		keys []string
		want []Change
	}{
		"by path":                  {detailed, []string{"vpcConfig"}, []Change{version, subnet}},
		"by path, and by property": {unsaid, []string{"vpcConfig"}, []Change{version, subnet}},
		"by property alone": {nil, []string{"vpcConfig"}, []Change{
			{Path: "vpcConfig.subnetIds", Kind: Changed, Forces: true, Old: []any{"subnet-1"}, New: []any{resource.Unknown}}}},
		"by a property that looks the same": {nil, []string{"name"}, []Change{{Path: "name", Kind: Changed, Forces: true, Old: resource.Secret, New: resource.Secret}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := step(apitype.OpReplace, before, after)
			m.Keys, m.DetailedDiff = test.keys, test.diff
			if got := read(t, log(t, pre(m))).Steps[0].Changes; !reflect.DeepEqual(got, test.want) {
				t.Errorf("it is replaced with %+v; want %+v", got, test.want)
			}
		})
	}
}

func TestResourcesThatAreOnlyReadAreNotInTheStack(t *testing.T) {
	with := func(m apitype.StepEventMetadata, name string) apitype.EngineEvent {
		m.URN = "urn:pulumi:dev::tfserving::aws:eks/cluster:Cluster::" + name
		return pre(m)
	}
	in := map[string]any{"name": "x"}
	p := read(t, log(t, with(step(apitype.OpSame, in, in), "same"), with(step(apitype.OpCreate, nil, in), "new"),
		with(step(apitype.OpDelete, in, nil), "old"), with(step(apitype.OpReplace, in, in), "other"), with(step(apitype.OpRead, in, in), "somebody's"),
		with(step(apitype.OpImport, in, in), "taken over")))
	names := func(all []resource.Resource) (n []string) {
		for _, r := range all {
			n = append(n, r.Name)
		}
		return n
	}
	if got, want := names(p.Before()), []string{"same", "old", "other"}; !reflect.DeepEqual(got, want) {
		t.Errorf("before, the stack has %v; want %v", got, want)
	}
	if got, want := names(p.After()), []string{"same", "new", "other", "taken over"}; !reflect.DeepEqual(got, want) {
		t.Errorf("after, the stack has %v; want %v", got, want)
	}
}

func TestThePinnedPulumiIsTheOneWhoseEventsAreRead(t *testing.T) {
	for file, module := range map[string]string{"../go.mod": "github.com/pulumi/pulumi/sdk/v3", "../tools/pulumi/go.mod": "github.com/pulumi/pulumi/pkg/v3"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := module + " " + pulumiVersion; !strings.Contains(string(data), want) {
			t.Errorf("%s does not pin %s: read what has changed in apitype/events.go, and change pulumiVersion", file, want)
		}
	}
}
