package cost

import (
	"cmp"
	"slices"

	"tfserving/catalog"
)

// node is a node with the room that its pods leave.
type node struct{ left catalog.Room }

// take places a pod on the node if there is room, and says whether there is.
func (n *node) take(pod catalog.Room) bool {
	left := catalog.Room{MilliCPU: n.left.MilliCPU - pod.MilliCPU, MemoryMiB: n.left.MemoryMiB - pod.MemoryMiB, Pods: n.left.Pods - pod.Pods}
	if left.MilliCPU < 0 || left.MemoryMiB < 0 || left.Pods < 0 {
		return false
	}
	n.left = left
	return true
}

// place puts pods on nodes and returns the number of nodes of each group: its fewest, and as many more as the pods need. The
// largest pods come first, each on the first node with room ("first fit decreasing"). A pod without room gets a node of the
// group that the autoscaler picks: of those that may grow and that fit it, one of the highest priority. Which of several, the
// estimate does not predict: it takes the most expensive. A pod that fits nowhere stays pending and costs nothing; place returns
// how many do.
func place(groups []*groupPlan, pods []catalog.Room, everyNode catalog.Room) (number []int, pending int) {
	number = make([]int, len(groups))
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
	order := make([]int, len(groups)) // the highest priority first, then the most expensive
	for i := range groups {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(groups[b].priority, groups[a].priority), cmp.Compare(groups[b].hourlyUSD, groups[a].hourlyUSD))
	})
	pods = slices.Clone(pods)
	slices.SortStableFunc(pods, func(a, b catalog.Room) int {
		return cmp.Or(cmp.Compare(b.MilliCPU, a.MilliCPU), cmp.Compare(b.MemoryMiB, a.MemoryMiB))
	})
	for _, pod := range pods {
		if slices.ContainsFunc(nodes, func(n *node) bool { return n.take(pod) }) {
			continue
		}
		pending++
		for _, i := range order {
			empty := node{groups[i].room}
			if number[i] < groups[i].most && empty.take(everyNode) && empty.take(pod) {
				open(i).take(pod)
				pending--
				break
			}
		}
	}
	return number, pending
}
