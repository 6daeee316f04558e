package catalog

import (
	"slices"
	"strings"
	"testing"
)

func TestNodesHaveTheCapacityOfTheirInstanceType(t *testing.T) {
	// The sources: EC2 for the capacity; for the pods the Amazon VPC CNI's list (eni-max-pods) and, with prefixes, its
	// calculator; the reservations of EKS's node image for the allocatable CPU.
	for _, want := range []struct {
		name             string
		arch             string
		vCPUs, memoryMiB int64
		pods, prefixed   int64
		allocatableCPU   int64
	}{
		{"t3.medium", "amd64", 2, 4096, 17, 110, 1930},
		{"m5.large", "amd64", 2, 8192, 29, 110, 1930},
		{"m6i.large", "amd64", 2, 8192, 29, 110, 1930},
		{"m7g.large", "arm64", 2, 8192, 29, 110, 1930},
		{"c5.xlarge", "amd64", 4, 8192, 58, 110, 3920},
		{"m5.2xlarge", "amd64", 8, 32768, 58, 110, 7910},
		{"m5.8xlarge", "amd64", 32, 131072, 234, 250, 31850},
		{"t3.micro", "amd64", 2, 1024, 4, 34, 1930},
	} {
		it, err := Lookup(want.name)
		if err != nil {
			t.Fatal(err)
		}
		capacity, allocatable := it.Capacity(), it.Allocatable()
		if it.Architecture != want.arch || it.VCPUs != want.vCPUs || it.MemoryMiB != want.memoryMiB || capacity.MilliCPU != 1000*want.vCPUs {
			t.Errorf("%s is %+v, want %+v", want.name, it, want)
		}
		if it.MaxPods() != want.pods || capacity.Pods != want.pods || allocatable.Pods != want.pods {
			t.Errorf("%s takes %d pods (capacity %d, allocatable %d), want %d", want.name, it.MaxPods(), capacity.Pods, allocatable.Pods, want.pods)
		}
		if got := it.MaxPodsWithPrefixes(); got != want.prefixed {
			t.Errorf("%s takes %d pods with prefix delegation, want %d", want.name, got, want.prefixed)
		}
		if allocatable.MilliCPU != want.allocatableCPU {
			t.Errorf("%s leaves pods %d m CPU, want %d", want.name, allocatable.MilliCPU, want.allocatableCPU)
		}
		if allocatable.MemoryMiB >= capacity.MemoryMiB || capacity.MemoryMiB >= want.memoryMiB {
			t.Errorf("%s: the node has %d MiB and pods get %d MiB; each must be less than the instance's memory", want.name, capacity.MemoryMiB, allocatable.MemoryMiB)
		}
	}
}

func TestTheErrorForAnUnknownInstanceTypeSuggestsSimilarOnes(t *testing.T) {
	for wrong, meant := range map[string]string{"m6i.larg": "m6i.large", "m6ilarge": "m6i.large", "M5.large": "m5.large", "t3.2xlrge": "t3.2xlarge"} {
		_, err := Lookup(wrong)
		if err == nil || !strings.Contains(err.Error(), `"`+wrong+`"`) || !strings.Contains(err.Error(), "did you mean "+meant) {
			t.Errorf("%s: error %v, want one that suggests %s first", wrong, err, meant)
		}
		if got := Nearest(wrong); len(got) != suggestions || got[0] != meant || !slices.Equal(got, Nearest(wrong)) {
			t.Errorf("%s: nearest are %q, want %s first, the same each time", wrong, got, meant)
		}
	}
}

func TestEveryRowOfTheTableIsAnInstanceType(t *testing.T) {
	if len(types()) < 800 {
		t.Errorf("the table has %d instance types, want at least 800", len(types()))
	}
	for name, it := range types() {
		if it.Architecture != "amd64" && it.Architecture != "arm64" || it.VCPUs < 1 || it.MemoryMiB < 1024 || it.Interfaces < 1 || it.IPv4s < 2 {
			t.Errorf("%s is %+v", name, it)
		}
	}
	for _, row := range []string{"m5.large\tamd64\t2\t8192\t3", "m5.large\tamd64\ttwo\t8192\t3\t10"} {
		if _, err := parse(row); err == nil {
			t.Errorf("row %q is accepted", row)
		}
	}
}

func TestACallerCannotChangeTheTable(t *testing.T) {
	first, err := Lookup("m5.large")
	if err != nil {
		t.Fatal(err)
	}
	first.VCPUs = 99
	if second, _ := Lookup("m5.large"); second.VCPUs != 2 {
		t.Error("a change to the result of Lookup changes the table")
	}
}
