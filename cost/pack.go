package cost

import (
	"cmp"
	"slices"

	"tfserving/catalog"
)

// node is what is left of a node.
type node struct{ left catalog.Room }

func (n *node) take(pod catalog.Room) bool {
	left := catalog.Room{MilliCPU: n.left.MilliCPU - pod.MilliCPU, MemoryMiB: n.left.MemoryMiB - pod.MemoryMiB, Pods: n.left.Pods - pod.Pods}
	if left.MilliCPU < 0 || left.MemoryMiB < 0 || left.Pods < 0 {
		return false
	}
	n.left = left
	return true
}

// pack is how many nodes each group has once every pod has a place: its fewest, and more where the pods need them. The
// largest pods are placed first, each on the first node with room ("first fit decreasing"). A further node is one of the
// dearest group that may have one and on which the pod fits; which one the autoscaler takes, nobody can tell beforehand. A
// pod that fits nowhere waits, and costs nothing.
func pack(groups []*groupPlan, pods []catalog.Room, everyNode catalog.Room) []int {
	number := make([]int, len(groups))
	var nodes []*node
	open := func(i int) *node {
		n := &node{groups[i].room}
		n.take(everyNode)
		number[i]++
		nodes = append(nodes, n)
		return n
	}
	for i, g := range groups {
		for range g.fewest {
			open(i)
		}
	}
	dearest := make([]int, len(groups))
	for i := range groups {
		dearest[i] = i
	}
	slices.SortStableFunc(dearest, func(a, b int) int { return cmp.Compare(groups[b].hour, groups[a].hour) })
	pods = slices.Clone(pods)
	slices.SortStableFunc(pods, func(a, b catalog.Room) int {
		return cmp.Or(cmp.Compare(b.MilliCPU, a.MilliCPU), cmp.Compare(b.MemoryMiB, a.MemoryMiB))
	})
	for _, pod := range pods {
		if slices.ContainsFunc(nodes, func(n *node) bool { return n.take(pod) }) {
			continue
		}
		for _, i := range dearest {
			empty := node{groups[i].room}
			if number[i] < groups[i].most && empty.take(everyNode) && empty.take(pod) {
				open(i).take(pod)
				break
			}
		}
	}
	return number
}
