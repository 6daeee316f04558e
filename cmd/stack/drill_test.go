package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tfserving/catalog"
	"tfserving/embedded/drill"
)

// drillStack is stack local in a checkout that has only its settings and those of stock.
func drillStack(t *testing.T) *pulumiStack {
	t.Helper()
	s := &pulumiStack{name: localStack, root: t.TempDir()}
	s.dir = filepath.Join(s.root, workFolder)
	for name, from := range map[string]string{"Pulumi.local.yaml": "../../Pulumi.local.yaml", stockFile: "stock.yaml"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(s.root, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(s.root, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if s.settings, s.settingsErr = s.readSettings(); s.settingsErr != nil {
		t.Fatal(s.settingsErr)
	}
	return s
}

func TestBothSetsOfADrillHaveTheStacksMachinesAndAClusterOfTheirOwn(t *testing.T) {
	s := drillStack(t)
	own, err := s.newDrillSet("stack local", "")
	if err != nil {
		t.Fatal(err)
	}
	against, err := s.newDrillSet("stock", stockSettings)
	if err != nil {
		t.Fatal(err)
	}
	// Beside their kubeconfig, the stack's own settings are those of its file.
	want := *s.settings
	want.Kubernetes.Kubeconfig = ".local/drill/kubeconfig"
	if got := own.stack.settings; !reflect.DeepEqual(*got, want) {
		t.Errorf("the settings of the run are %+v, want those of the stack, %+v", *got, want)
	}
	if got := against.stack.settings; got.Autoscaler.ScanInterval.Seconds() != 10 || got.Gateway.Scaling.Up.Percent != 100 || got.Gateway.Replicas != s.settings.Gateway.Replicas {
		t.Errorf("the settings of stock are %+v", got)
	}
	for _, set := range []*drillSet{own, against} {
		if dir := set.stack.clusterDir(); dir != filepath.Join(s.root, ".local/drill/cluster") || s.clusterDir() == dir {
			t.Errorf("the cluster of %s is in %s", set.setup.Name, dir)
		}
	}
	if file := own.stack.configFile; file == against.stack.configFile || filepath.Base(file) != "Pulumi.local.yaml" {
		t.Errorf("pulumi reads the settings of both runs from %s", file)
	}
}

func TestADrillKnowsPodsNodesAndDelaysOfTheSettings(t *testing.T) {
	s := drillStack(t)
	s.settings.Gateway.Scaling.Down.Pods = 3
	got, err := drillSetup("x", s.settings)
	if err != nil {
		t.Fatal(err)
	}
	model := catalog.Room{MilliCPU: 1000, MemoryMiB: 1024, Pods: 1}
	want := drill.Setup{Name: "x", Pod: catalog.Room{MilliCPU: 500, MemoryMiB: 256, Pods: 1}, Target: 70, Tolerance: 10, MinPods: 2, MaxPods: 24, PodStart: 1,
		Node: got.Node, MinNodes: 2, MaxNodes: 10, Boot: 40, Others: []catalog.Room{model, model}, NodeUSD: 0.096,
		Price: "m6i.large on demand in us-east-1, 0.096 USD an hour",
		Down:  drill.Down{Loops: 2*10 + 15 + 2*s.settings.Autoscaler.ScanInterval.Seconds(), Stabilization: 60, Period: 15, Percent: 100, Pods: 3, Unneeded: 60}}
	if !reflect.DeepEqual(got, want) || got.Node.MilliCPU != 1930 {
		t.Errorf("the setup is\n%+v, want\n%+v", got, want)
	}
	s.settings.Region = "eu-west-1"
	if got, err := drillSetup("x", s.settings); err != nil || got.NodeUSD != 0.107 {
		t.Errorf("a node in eu-west-1 costs %g USD an hour (%v), want 0.107", got.NodeUSD, err)
	}
}

func TestADrillRefusesSettingsThatItCannotCompareBeforeItStartsACluster(t *testing.T) {
	for name, test := range map[string]struct{ text, problem string }{
		"other machines":      {"config:\n  tfserving:local: {nodeBootTime: 1s}\n", "both must have the same simulated machines"},
		"two instance types":  {"config:\n  tfserving:nodeGroups: [{name: a, instanceTypes: [m6i.large]}, {name: b, instanceTypes: [m6i.xlarge]}]\n", "m6i.large and m6i.xlarge; a drill needs one type"},
		"no nodes":            {"config:\n  tfserving:nodeGroups: []\n", "has no tfserving:nodeGroups"},
		"an unknown key":      {"config:\n  tfserving:gateway: {imgae: x}\n", "tfserving:gateway.imgae"},
		"keys without config": {"tfserving:gateway: {targetCPU: 50}\n", "has no settings: they stand below config:"},
	} {
		t.Run(name, func(t *testing.T) {
			s := drillStack(t)
			file := filepath.Join(s.root, "other.yaml")
			if err := os.WriteFile(file, []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			err := s.drill(t.Context(), []string{"-against", file})
			if err == nil || !strings.Contains(err.Error(), "AGAINST="+file) || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("error is %v, want one that names AGAINST and says %q", err, test.problem)
			}
			if _, err := os.Stat(filepath.Join(s.root, drillFolder)); err == nil {
				t.Error("files of the drill are left")
			}
		})
	}
	s := drillStack(t)
	if err := s.drill(t.Context(), []string{"-trace", "nosuch"}); err == nil || !strings.Contains(err.Error(), "TRACE=nosuch") {
		t.Errorf("error is %v, want one that names TRACE", err)
	}
}
