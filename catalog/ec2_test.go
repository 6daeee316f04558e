package catalog

import (
	"slices"
	"strings"
	"testing"
)

func TestNodesHaveTheSizeOfTheirInstanceType(t *testing.T) {
	// Capacity as EC2 states it; pods as the Amazon VPC CNI's list of maximum pods (eni-max-pods) and, with prefixes,
	// its calculator state them; CPU as EKS' node image reserves it.
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
			t.Errorf("%s: memory shrinks neither to the kernel (%d MiB) nor to pods (%d MiB)", want.name, capacity.MemoryMiB, allocatable.MemoryMiB)
		}
	}
}

func TestAnUnknownInstanceTypeSuggestsWhatWasMeant(t *testing.T) {
	for wrong, meant := range map[string]string{"m6i.larg": "m6i.large", "m6ilarge": "m6i.large", "M5.large": "m5.large", "t3.2xlrge": "t3.2xlarge"} {
		_, err := Lookup(wrong)
		if err == nil || !strings.Contains(err.Error(), `"`+wrong+`"`) || !strings.Contains(err.Error(), "did you mean "+meant) {
			t.Errorf("%s: error %v, want one that suggests %s first", wrong, err, meant)
		}
		if got := Nearest(wrong); len(got) != nearest || got[0] != meant || !slices.Equal(got, Nearest(wrong)) {
			t.Errorf("%s: nearest are %q, want %s first, the same each time", wrong, got, meant)
		}
	}
}

func TestEveryRowOfTheTableIsAShape(t *testing.T) {
	if len(types()) < 800 {
		t.Errorf("%d instance types, want all of them", len(types()))
	}
	for name, it := range types() {
		if it.Architecture != "amd64" && it.Architecture != "arm64" || it.VCPUs < 1 || it.MemoryMiB < 1024 || it.Interfaces < 1 || it.IPv4s < 2 {
			t.Errorf("%s is %+v", name, it)
		}
	}
	for _, row := range []string{"m5.large\tamd64\t2\t8192\t3", "m5.large\tamd64\ttwo\t8192\t3\t10"} {
		if _, err := parse(row); err == nil {
			t.Errorf("row %q is read", row)
		}
	}
}

func TestALookedUpTypeIsTheCallersOwn(t *testing.T) {
	first, err := Lookup("m5.large")
	if err != nil {
		t.Fatal(err)
	}
	first.VCPUs = 99
	if second, _ := Lookup("m5.large"); second.VCPUs != 2 {
		t.Error("a caller's change reaches the table")
	}
}
