package local

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestNodesHaveTheSizeOfTheirInstanceType(t *testing.T) {
	// Capacity as EC2 states it; pods as the Amazon VPC CNI's list of maximum pods (eni-max-pods) states them; CPU as
	// EKS' node image reserves it.
	for _, want := range []struct {
		name                 string
		arch                 string
		vCPUs, memoryMiB     int64
		pods, allocatableCPU int64
	}{
		{"t3.medium", "amd64", 2, 4096, 17, 1930},
		{"m5.large", "amd64", 2, 8192, 29, 1930},
		{"m6i.large", "amd64", 2, 8192, 29, 1930},
		{"m7g.large", "arm64", 2, 8192, 29, 1930},
		{"c5.xlarge", "amd64", 4, 8192, 58, 3920},
		{"m5.2xlarge", "amd64", 8, 32768, 58, 7910},
	} {
		it, err := lookUpType(want.name)
		if err != nil {
			t.Fatal(err)
		}
		capacity, allocatable := it.resources()
		if it.Architecture != want.arch || it.VCPUs != want.vCPUs || it.MemoryMiB != want.memoryMiB {
			t.Errorf("%s is %+v, want %+v", want.name, it, want)
		}
		if got := capacity.Pods().Value(); got != want.pods {
			t.Errorf("%s takes %d pods, want %d", want.name, got, want.pods)
		}
		if got := allocatable.Cpu().MilliValue(); got != want.allocatableCPU {
			t.Errorf("%s leaves pods %d m CPU, want %d", want.name, got, want.allocatableCPU)
		}
		if allocatable.Memory().Cmp(*capacity.Memory()) >= 0 || capacity.Memory().Value() >= want.memoryMiB<<20 {
			t.Errorf("%s: memory shrinks neither to the kernel (%s) nor to pods (%s)", want.name, capacity.Memory(), allocatable.Memory())
		}
	}
	if _, err := lookUpType("m5.nosuch"); err == nil || !strings.Contains(err.Error(), "m5.nosuch") {
		t.Errorf("an instance type that there is not: %v", err)
	}
}

func TestAClusterOfAnUnknownInstanceTypeIsRefusedBeforeItStarts(t *testing.T) {
	c := New(Config{Dir: t.TempDir() + "/cluster", NodeGroups: []NodeGroup{{Name: "g", InstanceType: "x9.huge", Max: 1}}})
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "node group g") || !strings.Contains(err.Error(), "x9.huge") {
		t.Errorf("got %v, want an error that names the group and the type", err)
	}
	if _, err := os.Stat(c.cfg.Dir); err == nil {
		t.Error("a folder was made")
	}
}

func TestDemandIsSpreadOverThePodsThereAre(t *testing.T) {
	for _, want := range []struct {
		milli int64
		pods  int
		each  int64
	}{{8000, 2, 4000}, {8000, 23, 347}, {8000, 0, 8000}, {0, 5, 0}} {
		if got := share(want.milli, want.pods); got != want.each {
			t.Errorf("%d m over %d pods: %d m each, want %d", want.milli, want.pods, got, want.each)
		}
	}
}

func TestSettledMeansNothingIsUnderWay(t *testing.T) {
	still := Workload{Wanted: 3, Running: 3, Min: 2, Max: 6, CPU: 60}
	for name, test := range map[string]struct {
		change  func(*State)
		settled bool
	}{
		"all there":             {func(*State) {}, true},
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

func TestThePictureInTheDocsIsOfTheRecordingBesideIt(t *testing.T) {
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
		t.Error("docs/load.svg is not what docs/load.jsonl draws: run `make timeline`")
	}
	if err := Draw(&drawn, samples[:1]); err == nil {
		t.Error("one sample makes a picture")
	}
}

func TestTicks(t *testing.T) {
	for most, want := range map[float64]float64{1: 1, 4: 1, 8: 2, 9: 5, 23: 10, 800: 200, 801: 500} {
		if got := tick(most); got != want {
			t.Errorf("up to %g: a line each %g, want %g", most, got, want)
		}
	}
}
