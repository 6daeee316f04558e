package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestAStackFileIsReadAsTheProgramReadsIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Pulumi.test.yaml")
	text := "config:" + strings.ReplaceAll(valid, "\n", "\n  ") + "\nencryptionsalt: v1:not-a-setting\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadStackFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Decode(stack(t))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAStackFileThatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadStackFile(filepath.Join(dir, "Pulumi.none.yaml")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "Pulumi.none.yaml") {
		t.Errorf("a file that does not exist: %v", err)
	}
	for name, text := range map[string]string{
		"Pulumi.syntax.yaml":  "config: [",
		"Pulumi.list.yaml":    "config: [a]",
		"Pulumi.twice.yaml":   "config:" + strings.ReplaceAll(valid+"tfserving:namespace: another", "\n", "\n  "),
		"Pulumi.mistake.yaml": "config:\n  tfserving:platform: gke\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadStackFile(file); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}

func TestTheStacksInTheRepositoryAreValid(t *testing.T) {
	files, err := filepath.Glob("../Pulumi.*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"../Pulumi.local.yaml", "../Pulumi.dev.yaml", "../Pulumi.staging.yaml", "../Pulumi.prod.yaml"} {
		if !slices.Contains(files, needed) {
			t.Errorf("%s is not there", needed)
		}
	}
	for _, file := range files {
		if _, err := ReadStackFile(file); err != nil {
			t.Error(err)
		}
	}
}

func TestTheProductionStackIsTheCarefulOne(t *testing.T) {
	stacks := map[string]*Settings{}
	for _, name := range []string{"dev", "staging", "prod"} {
		s, err := ReadStackFile("../Pulumi." + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range stacks {
			if netip.MustParsePrefix(s.Network.CIDR).Overlaps(netip.MustParsePrefix(other.Network.CIDR)) {
				t.Errorf("the ranges of two stacks overlap: %s and %s", s.Network.CIDR, other.Network.CIDR)
			}
		}
		stacks[name] = s
	}
	dev, prod := stacks["dev"], stacks["prod"]
	for rule, kept := range map[string]bool{
		"prod has a zone and a NAT gateway more":  prod.Network.Zones == 3 && prod.Network.NATGateways == "perZone",
		"prod is protected":                       prod.AWS.Protect,
		"prod is in an account of its own":        len(prod.AWS.AllowedAccountIDs) == 1,
		"prod's API is private":                   len(prod.Cluster.PublicAccessCIDRs) == 0,
		"prod keeps logs longer":                  prod.Cluster.LogRetentionDays > stacks["staging"].Cluster.LogRetentionDays && prod.Network.FlowLogRetentionDays > 0,
		"prod answers by HTTPS to those it names": prod.Ingress.CertificateARN != "" && prod.Ingress.Host != "" && len(prod.Ingress.AllowedCIDRs) > 0,
		"prod keeps an on-demand node a zone":     slices.ContainsFunc(prod.NodeGroups, func(g NodeGroup) bool { return g.Capacity == "onDemand" && g.Min >= prod.Network.Zones }),
		"prod grows on spot from nothing":         slices.ContainsFunc(prod.NodeGroups, func(g NodeGroup) bool { return g.Capacity == "spot" && g.Min == 0 }),
		"dev is cheap": dev.Network.Zones == 2 && dev.Network.NATGateways == "single" && dev.Network.FlowLogRetentionDays == 0 &&
			!slices.ContainsFunc(dev.NodeGroups, func(g NodeGroup) bool { return g.Capacity != "spot" }),
	} {
		if !kept {
			t.Errorf("no longer so: %s", rule)
		}
	}
}

// Encrypted values cannot be read before a run, and none of the settings is worth it.
func TestAnEncryptedSettingIsAnErrorThatNamesIt(t *testing.T) {
	const note = " is encrypted; no setting is a secret: set it again without --secret"
	for name, test := range map[string]struct {
		old, new string
		problem  string
	}{
		"text":            {"tfserving:namespace: predictions", "tfserving:namespace: {secure: v1:abc}", "tfserving:namespace" + note},
		"an object":       {"tfserving:ingress: {class: nginx}", "tfserving:ingress: {secure: v1:abc}", "tfserving:ingress" + note},
		"in an object":    {"image: registry.example/model:1.0", "image: {secure: v1:abc}", "tfserving:model.image" + note},
		"in a list":       {"instanceTypes: [m6i.large, m6a.large]", "instanceTypes: [m6i.large, {secure: v1:abc}]", "tfserving:nodeGroups[1].instanceTypes[1]" + note},
		"an object in it": {"{name: general, instanceTypes: [m6i.large], min: 2, max: 4}", "{secure: v1:abc}", "tfserving:nodeGroups[0]" + note},
		"another's":       {"aws:region: eu-west-1", "other:token: {secure: v1:abc}", ""},
		"no ciphertext":   {"tfserving:ingress: {class: nginx}", "tfserving:ingress: {class: nginx, secure: v1:abc}", "tfserving:ingress.secure is not a setting; known here: …"},
	} {
		got := problemsOfFile(t, test.old, test.new)
		var want []string
		if test.problem != "" {
			want = []string{test.problem}
		}
		if !sameProblems(got, want) {
			t.Errorf("%s: problems %q, want %q", name, got, want)
		}
	}
}

// A key without its namespace would be passed over. What is wrong inside is told, too, and what is not there is not missed.
func TestASettingWithoutItsNamespaceIsAMistake(t *testing.T) {
	for name, test := range map[string]struct {
		old, new string
		problems []string
	}{
		"one":                {"tfserving:model:", "model:", []string{"model is not a setting; did you mean tfserving:model?"}},
		"one with a mistake": {"tfserving:ingress: {class: nginx}", "ingress: {clas: nginx}", []string{"ingress is not a setting; did you mean tfserving:ingress?", "tfserving:ingress.clas is not a setting; known here: …"}},
		"one that is there":  {"tfserving:namespace: predictions", "tfserving:namespace: predictions\nnamespace: another", []string{"namespace is not a setting; did you mean tfserving:namespace?"}},
		"the region":         {"aws:region: eu-west-1", "region: eu-west-1", []string{"region is not a setting; did you mean aws:region?"}},
		"none of ours":       {"tfserving:namespace: predictions", "gatewayReplicas: 3", []string{"gatewayReplicas is not a setting; every setting's name begins with tfserving:, except aws:region"}},
		"another's":          {"tfserving:namespace: predictions", "other:gateway: 3", nil},
	} {
		got := problemsOfFile(t, test.old, test.new)
		if !sameProblems(got, test.problems) {
			t.Errorf("%s: problems %q, want %q", name, got, test.problems)
		}
	}
}

func TestAStackFilesNameIsTheStacks(t *testing.T) {
	tree := map[string]any{"config": stack(t, eks()...)}
	data, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Pulumi.dev.yaml": "", "Pulumi.Dev.yaml": "the stack's name is \"Dev\"", "settings.yaml": ""} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadStackFile(file); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

// problemsOfFile are those of a stack's file with the valid settings, a part of them replaced.
func problemsOfFile(t *testing.T, old, new string) []string {
	t.Helper()
	text := strings.Replace(valid, old, new, 1)
	if text == valid {
		t.Fatalf("the valid settings do not have %s", old)
	}
	file := filepath.Join(t.TempDir(), "Pulumi.test.yaml")
	if err := os.WriteFile(file, []byte("config:"+strings.ReplaceAll(text, "\n", "\n  ")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadStackFile(file)
	if err == nil {
		return nil
	}
	var wrong *Error
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	return wrong.Problems
}
