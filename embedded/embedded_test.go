package embedded

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestANodeHasTheShapeOfItsInstance(t *testing.T) {
	taint := corev1.Taint{Key: "dedicated", Value: "model", Effect: corev1.TaintEffectNoSchedule}
	node, err := NewNode(NodeSpec{Name: "n", InstanceType: "m7g.large", Region: "eu-west-1", Zone: "eu-west-1b", ProviderID: "aws:///eu-west-1b/i-1",
		Labels: map[string]string{groupLabel: "arm"}, Annotations: map[string]string{"a": "b"}, Taints: []corev1.Taint{taint}, BootTime: 40 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"labels": {node.Labels, map[string]string{groupLabel: "arm", "node.kubernetes.io/instance-type": "m7g.large", "kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux",
			"topology.kubernetes.io/region": "eu-west-1", "topology.kubernetes.io/zone": "eu-west-1b"}},
		"annotations":     {node.Annotations, map[string]string{"a": "b", kwokAnnotation: "fake", bootAnnotation: "40"}},
		"taints":          {node.Spec.Taints, []corev1.Taint{taint}},
		"provider":        {node.Spec.ProviderID, "aws:///eu-west-1b/i-1"},
		"CPU":             {node.Status.Capacity.Cpu().MilliValue(), int64(2000)},
		"allocatable CPU": {node.Status.Allocatable.Cpu().MilliValue(), int64(1930)},
		"memory":          {node.Status.Capacity.Memory().Value(), int64(7577) << 20},
		"pods":            {node.Status.Allocatable.Pods().Value(), int64(29)},
		"readiness":       {node.Status.Conditions[0].Status, corev1.ConditionFalse},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	anywhere, err := NewNode(NodeSpec{InstanceType: "m7g.large"})
	if err != nil {
		t.Fatal(err)
	}
	if zone, ok := anywhere.Labels[zoneLabel]; ok {
		t.Errorf("a node without a zone has the zone label %q, and the Stage node-boot would not set another", zone)
	}
}

func TestAnUnknownInstanceTypeIsRefusedBeforeTheClusterStarts(t *testing.T) {
	c := New(Config{Dir: t.TempDir() + "/cluster", NodeGroups: []NodeGroup{{Name: "g", InstanceType: "x9.huge", Max: 1}}})
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "node group g") || !strings.Contains(err.Error(), "x9.huge") {
		t.Errorf("got %v, want an error that names the group and the type", err)
	}
	if _, err := os.Stat(c.cfg.Dir); err == nil {
		t.Error("a folder was made")
	}
}

func TestSettledMeansAllPodsRunAndNoNodeBoots(t *testing.T) {
	still := Workload{Wanted: 3, Running: 3, Min: 2, Max: 6, CPU: 60}
	for name, test := range map[string]struct {
		change  func(*State)
		settled bool
	}{
		"all pods run":          {func(*State) {}, true},
		"a pod is missing":      {func(s *State) { s.Workloads[0].Running = 2 }, false},
		"a pod too many":        {func(s *State) { s.Workloads[0].Running = 4 }, false},
		"a pod has no node":     {func(s *State) { s.Workloads[0].Pending = 1 }, false},
		"no reading":            {func(s *State) { s.Workloads[0].CPU = -1 }, false},
		"no autoscaler to read": {func(s *State) { s.Workloads[0].CPU, s.Workloads[0].Min, s.Workloads[0].Max = -1, 3, 3 }, true},
		"a node boots":          {func(s *State) { s.Booting = 1 }, false},
		"nothing deployed":      {func(s *State) { s.Workloads = nil }, false},
	} {
		s := &State{Workloads: []Workload{still}, Nodes: 2}
		test.change(s)
		if got := s.Settled(); got != test.settled {
			t.Errorf("%s: settled is %v, want %v", name, got, test.settled)
		}
	}
}

func TestTheLoadPictureInTheDocsShowsTheLoadRecordingInTheDocs(t *testing.T) {
	recording, err := os.ReadFile("../docs/load.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var samples []Sample
	for line := range bytes.Lines(recording) {
		var s Sample
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, s)
	}
	var drawn bytes.Buffer
	if err := Draw(&drawn, samples); err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile("../docs/load.svg")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(drawn.Bytes(), picture) {
		t.Error("docs/load.svg does not show docs/load.jsonl: run `make timeline`")
	}
	if err := Draw(&drawn, samples[:1]); err == nil {
		t.Error("one sample is accepted")
	}
}
