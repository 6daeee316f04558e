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

	"tfserving/catalog"
)

func TestAStackFileIsReadAsTheProgramReadsIt(t *testing.T) {
	file := writeFile(t, t.TempDir(), "Pulumi.test.yaml", fileOf(valid)+"\nencryptionsalt: v1:not-a-setting\n")
	if got, err := ReadStackFile(file); err != nil || !reflect.DeepEqual(got, decoded(t)) {
		t.Errorf("got  %+v (%v)\nwant %+v", got, err, decoded(t))
	}
}

func TestTheErrorNamesAStackFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadStackFile(filepath.Join(dir, "Pulumi.none.yaml")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "Pulumi.none.yaml") {
		t.Errorf("a file that does not exist: %v", err)
	}
	for name, text := range map[string]string{
		"Pulumi.syntax.yaml":  "config: [",
		"Pulumi.list.yaml":    "config: [a]",
		"Pulumi.twice.yaml":   fileOf(valid + "tfserving:namespace: another"),
		"Pulumi.mistake.yaml": "config:\n  tfserving:platform: gke\n",
	} {
		if _, err := ReadStackFile(writeFile(t, dir, name, text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}

func TestTheErrorShowsAValueThatIsNotANumber(t *testing.T) {
	for _, value := range []string{".nan", ".NaN", ".inf", "-.Inf", "{a: .nan}", "[1, .nan]", ".nan # as a comment .nan"} {
		file := writeFile(t, t.TempDir(), "Pulumi.test.yaml", "config:\n  # no .nan here\n  tfserving:model:\n    targetCPU: "+value+"\n")
		_, err := ReadStackFile(file)
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "(line 4: targetCPU: ") || strings.Contains(err.Error(), "json") {
			t.Errorf("%s: error %v", value, err)
		}
	}
	_, err := ReadStackFile("../Pulumi.local.yaml", "tfserving:model: {targetCPU: .nan}")
	if err == nil || !strings.Contains(err.Error(), "a value is NaN (line 1: tfserving:model: {targetCPU: .nan}); no setting can have it") {
		t.Errorf("in an overlay: error %v", err)
	}
}

func TestEveryCheckedInStackIsValid(t *testing.T) {
	names, err := StackNames("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"local", "dev", "staging", "prod"} {
		if !slices.Contains(names, needed) {
			t.Errorf("%s does not exist", StackFile(needed))
		}
	}
	for _, name := range names {
		if _, err := ReadStackFile("../" + StackFile(name)); err != nil {
			t.Error(err)
		}
	}
}

func TestStacksOnEKSAreListedInTheOrderOfPromotion(t *testing.T) {
	dir := t.TempDir()
	onCIDR := func(cidr string) map[string]string {
		return settings(t, onEKS(change{"tfserving:network.cidr", cidr})...)
	}
	for name, values := range map[string]map[string]string{
		"a": onCIDR("10.3.0.0/16"), "b": onCIDR("10.1.0.0/16"), "c": settings(t), "review-7": onCIDR("10.1.0.0/16"),
	} {
		writeStackFile(t, dir, StackFile(name), values)
	}
	writeFile(t, dir, "Pulumi.yaml", "name: tfserving\n")
	if got, err := EKSStacks(dir); err != nil || !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("stacks on EKS are %q (%v), want b, a", got, err)
	}
	if got, err := StackNames(dir); err != nil || !slices.Equal(got, []string{"a", "b", "c", "review-7"}) {
		t.Errorf("stacks are %q (%v)", got, err)
	}
	if got, err := EKSStacks(".."); err != nil || !slices.Equal(got, []string{"dev", "staging", "prod"}) {
		t.Errorf("checked-in stacks on EKS are %q (%v), want dev, staging, prod", got, err)
	}
}

func TestTheNetworksOfTheCheckedInStacksDoNotOverlap(t *testing.T) {
	names, all := readEKSStacks(t)
	for i, s := range all {
		for j, other := range all[:i] {
			if netip.MustParsePrefix(s.Network.CIDR).Overlaps(netip.MustParsePrefix(other.Network.CIDR)) {
				t.Errorf("stack %s has %s, which overlaps %s of stack %s: their networks can never be connected", names[i], s.Network.CIDR, other.Network.CIDR, names[j])
			}
		}
	}
}

func TestTheProductionStackIsTheCarefulOne(t *testing.T) {
	stacks := map[string]*Settings{}
	names, all := readEKSStacks(t)
	for i, name := range names {
		stacks[name] = all[i]
	}
	dev, prod := stacks["dev"], stacks["prod"]
	for rule, kept := range map[string]bool{
		"prod has a third zone and a NAT gateway in each": prod.Network.Zones == 3 && prod.Network.NATGateways == NATPerZone,
		"prod is protected":                                 prod.AWS.Protect,
		"prod is limited to one account":                    len(prod.AWS.AllowedAccountIDs) == 1,
		"prod has no public API endpoint":                   len(prod.Cluster.PublicAccessCIDRs) == 0,
		"prod keeps logs longer":                            prod.Cluster.LogRetentionDays > stacks["staging"].Cluster.LogRetentionDays && prod.Network.FlowLogRetentionDays > 0,
		"prod has every log of the control plane":           len(prod.Cluster.LogTypes) == len(catalog.LogTypes()),
		"prod serves HTTPS to the callers that it names":    prod.Ingress.CertificateARN != "" && prod.Ingress.Host != "" && len(prod.Ingress.AllowedCIDRs) > 0,
		"prod has at least one on-demand node in each zone": slices.ContainsFunc(prod.NodeGroups, func(g NodeGroup) bool { return g.Capacity == CapacityOnDemand && g.Min >= prod.Network.Zones }),
		"prod has a group of spot nodes that may be empty":  slices.ContainsFunc(prod.NodeGroups, func(g NodeGroup) bool { return g.Capacity == CapacitySpot && g.Min == 0 }),
		"dev is cheap": dev.Network.Zones == 2 && dev.Network.NATGateways == NATSingle && dev.Network.FlowLogRetentionDays == 0 &&
			!slices.ContainsFunc(dev.NodeGroups, func(g NodeGroup) bool { return g.Capacity != CapacitySpot }),
	} {
		if !kept {
			t.Errorf("broken: %s", rule)
		}
	}
}

// Only a run can decrypt a value, and no setting is a secret.
func TestAnEncryptedSettingIsAMistake(t *testing.T) {
	const note = " is encrypted; no setting is a secret: set it again without --secret"
	for name, test := range map[string]struct {
		old, new string
		problem  string
	}{
		"text":                {"tfserving:namespace: predictions", "tfserving:namespace: {secure: v1:abc}", "tfserving:namespace" + note},
		"an object":           {"tfserving:ingress: {class: nginx, controllerNamespace: ingress-nginx}", "tfserving:ingress: {secure: v1:abc}", "tfserving:ingress" + note},
		"in an object":        {"image: registry.example/model:1.0", "image: {secure: v1:abc}", "tfserving:model.image" + note},
		"in a list":           {"instanceTypes: [m6i.large, m6a.large]", "instanceTypes: [m6i.large, {secure: v1:abc}]", "tfserving:nodeGroups[1].instanceTypes[1]" + note},
		"an object in a list": {"{name: general, instanceTypes: [m6i.large], min: 2, max: 4}", "{secure: v1:abc}", "tfserving:nodeGroups[0]" + note},
		"another namespace's": {"aws:region: eu-west-1", "other:token: {secure: v1:abc}", ""},
		"no ciphertext":       {"tfserving:ingress: {class: nginx, controllerNamespace: ingress-nginx}", "tfserving:ingress: {class: nginx, controllerNamespace: ingress-nginx, secure: v1:abc}", "tfserving:ingress.secure is not a setting; the settings here are …"},
	} {
		wantProblems(t, name, problemsOfFile(t, test.old, test.new), oneOrNone(test.problem)...)
	}
}

// Pulumi ignores a key without its namespace. The error also lists the mistakes in its value, and does not call the setting
// missing.
func TestASettingWithoutItsNamespaceIsAMistake(t *testing.T) {
	for name, test := range map[string]struct {
		old, new string
		problems []string
	}{
		"one":                {"tfserving:model:", "model:", []string{"model is not a setting; did you mean tfserving:model?"}},
		"one with a mistake": {"tfserving:ingress: {class: nginx, controllerNamespace: ingress-nginx}", "ingress: {class: nginx, controllerNamespace: ingress-nginx, clas: nginx}", []string{"ingress is not a setting; did you mean tfserving:ingress?", "tfserving:ingress.clas is not a setting; the settings here are …"}},
		"one that is set with its namespace, too": {"tfserving:namespace: predictions", "tfserving:namespace: predictions\nnamespace: another", []string{"namespace is not a setting; did you mean tfserving:namespace?"}},
		"the region":          {"aws:region: eu-west-1", "region: eu-west-1", []string{"region is not a setting; did you mean aws:region?"}},
		"an unknown key":      {"tfserving:namespace: predictions", "gatewayReplicas: 3", []string{"gatewayReplicas is not a setting; every setting's name begins with tfserving:, except aws:region"}},
		"another namespace's": {"tfserving:namespace: predictions", "other:gateway: 3", nil},
	} {
		wantProblems(t, name, problemsOfFile(t, test.old, test.new), test.problems...)
	}
}

func TestAStackFilesNameIsTheStacksName(t *testing.T) {
	for name, want := range map[string]string{"Pulumi.dev.yaml": "", "Pulumi.Dev.yaml": "the stack's name is \"Dev\"", "settings.yaml": ""} {
		file := writeStackFile(t, t.TempDir(), name, settings(t, onEKS()...))
		if _, err := ReadStackFile(file); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

func TestAnOverlayReplacesOnlyItsOwnSettings(t *testing.T) {
	file := writeFile(t, t.TempDir(), "Pulumi.test.yaml", fileOf(valid))
	got, err := ReadStackFile(file, "tfserving:model: {replicas: {max: 9}}", "tfserving:namespace: other")
	want := decoded(t, change{"tfserving:model.replicas.max", 9}, change{"tfserving:namespace", "other"})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v (%v)\nwant %+v", got, err, want)
	}
}

// fileOf returns the text of a stack's file with settings.
func fileOf(settings string) string { return "config:" + strings.ReplaceAll(settings, "\n", "\n  ") }

func writeFile(t *testing.T, dir, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// writeStackFile writes a stack's file with settings as Pulumi passes them.
func writeStackFile(t *testing.T, dir, name string, values map[string]string) (file string) {
	t.Helper()
	data, err := yaml.Marshal(map[string]any{"config": values})
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, dir, name, string(data))
}

// problemsOfFile returns the problems with a stack's file: the valid settings with one text replaced.
func problemsOfFile(t *testing.T, old, new string) []string {
	t.Helper()
	text := strings.Replace(valid, old, new, 1)
	if text == valid {
		t.Fatalf("the valid settings do not contain %s", old)
	}
	return problemsOf(ReadStackFile(writeFile(t, t.TempDir(), "Pulumi.test.yaml", fileOf(text))))
}

func TestOnlyStackLocalHasNodesIfNothingIsSet(t *testing.T) {
	for stack, want := range map[string]string{LocalStack: NodesSimulated, "mine": NodesNone} {
		name := filepath.Join(t.TempDir(), StackFile(stack))
		text := "config:\n  tfserving:platform: kubernetes\n  tfserving:kubernetes: {kubeconfig: k}\n  tfserving:local: {nodeBootTime: 3s}\n" +
			"  tfserving:ingress: {class: traefik, controllerNamespace: traefik}\n  tfserving:model: {name: m, image: 'm:1'}\n  tfserving:gateway: {image: 'g:1'}\n"
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := ReadStackFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if s.Local.Nodes != want {
			t.Errorf("stack %s has nodes %q, want %q", stack, s.Local.Nodes, want)
		}
	}
}
