package drill

import (
	"math"

	"tfserving/catalog"
	"tfserving/embedded"
)

// Clairvoyant returns what an autoscaler could do at best that knows the trace and waits for nothing but machines: in each second
// it has the fewest pods with which the real one is content, and asks for the nodes that they need in that second. A node boots
// and a pod starts as in the setup. It returns a node as soon as no pod needs it, unless demand needs the node again within a
// boot time.
func Clairvoyant(s Setup, t *Trace, seconds int) *Run {
	wanted, nodes := make([]int, seconds), make([]int, seconds)
	for i := range wanted {
		wanted[i] = s.content(t.At(float64(i)))
		nodes[i] = s.nodesFor(wanted[i])
	}
	boot := int(math.Ceil(s.Boot))
	nodes = bridge(nodes, boot)
	booted := lowest(nodes, boot, s.MinNodes)
	placed := make([]int, seconds)
	for i := range placed {
		placed[i] = min(wanted[i], s.holds(booted[i]))
	}
	running := lowest(placed, int(math.Ceil(s.PodStart)), s.MinPods)
	r := &Run{Setup: s}
	r.Setup.Name, r.Setup.Down = "clairvoyant", Down{Percent: 100}
	for i := range wanted {
		r.Samples = append(r.Samples, embedded.Sample{Seconds: float64(i), MilliCPU: int64(math.Round(t.At(float64(i)) * 1000)), Wanted: wanted[i],
			Running: running[i], Pending: wanted[i] - placed[i], Nodes: booted[i], Booting: nodes[i] - booted[i], CPU: never, Target: s.Target})
	}
	return r
}

// holds returns how many pods fit on a number of nodes, beside the others, which are spread over the nodes.
func (s Setup) holds(nodes int) (pods int) {
	left := make([]catalog.Room, nodes)
	for i := range left {
		left[i] = s.Node
	}
	for i, other := range s.Others {
		n := &left[i%nodes]
		n.MilliCPU, n.MemoryMiB, n.Pods = n.MilliCPU-other.MilliCPU, n.MemoryMiB-other.MemoryMiB, n.Pods-other.Pods
	}
	for _, n := range left {
		pods += int(max(0, min(n.MilliCPU/s.Pod.MilliCPU, n.MemoryMiB/s.Pod.MemoryMiB, n.Pods/s.Pod.Pods)))
	}
	return pods
}

// nodesFor returns the fewest nodes that hold a number of pods, within the bounds of the groups.
func (s Setup) nodesFor(pods int) int {
	n := s.MinNodes
	for n < s.MaxNodes && s.holds(n) < pods {
		n++
	}
	return n
}

// bridge keeps a number over a gap of at most length seconds.
func bridge(numbers []int, length int) []int {
	kept := make([]int, len(numbers))
	copy(kept, numbers)
	for from := range numbers {
		for to := from; to <= from+length && to < len(numbers); to++ {
			level := min(numbers[from], numbers[to])
			for i := from; i <= to; i++ {
				kept[i] = max(kept[i], level)
			}
		}
	}
	return kept
}

// lowest returns, for each second, the lowest number of that second and the length seconds before it: what has lasted as long. The
// numbers were before at the beginning, and are never lower.
func lowest(numbers []int, length, before int) []int {
	lasted := make([]int, len(numbers))
	for i := range numbers {
		lasted[i] = numbers[i]
		if i < length {
			lasted[i] = min(lasted[i], before)
		}
		for j := max(0, i-length); j < i; j++ {
			lasted[i] = min(lasted[i], numbers[j])
		}
		lasted[i] = max(lasted[i], before)
	}
	return lasted
}
