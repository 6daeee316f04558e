package config

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

// roomWarning returns a warning if the node groups of platform eks, all at their max, have no room for the pods of the
// application at replicas.max. Pods are placed as the scheduler can at best: the largest first, each on the first node with
// room. Every node also has the pods of the DaemonSets, and the add-ons' other pods are placed before.
func (s *Settings) roomWarning() string {
	var nodes []catalog.Room
	var groups []string
	for _, g := range s.NodeGroups {
		room := smallestRoom(g)
		if room == nil || g.hasHardTaint() {
			continue
		}
		for range g.Max {
			nodes = append(nodes, *room)
		}
		groups = append(groups, fmt.Sprintf("%s %d", g.Name, g.Max))
	}
	for _, name := range catalog.AddonNames() {
		addon, _ := catalog.FindAddon(name)
		place(nodes, catalog.Room{MilliCPU: addon.Each.MilliCPU, MemoryMiB: addon.Each.MemoryMiB}, addon.Replicas)
	}
	type set struct {
		name string
		each catalog.Room
		most int
	}
	sets := []set{{"model", roomOf(s.Model.Resources), s.Model.Replicas.Max}, {"gateway", roomOf(s.Gateway.Resources), s.Gateway.Replicas.Max}}
	if sets[0].each.MilliCPU < sets[1].each.MilliCPU {
		sets[0], sets[1] = sets[1], sets[0]
	}
	var left []string
	for _, pods := range sets {
		if n := place(nodes, pods.each, pods.most); n > 0 {
			left = append(left, fmt.Sprintf("%d of %d pods of the %s", n, pods.most, pods.name))
		}
	}
	if len(left) == 0 {
		return ""
	}
	return fmt.Sprintf("%s:nodeGroups at their max (%s) have no room for all pods at replicas.max: %s find no node (model pods request cpu %s and memory %s, gateway pods %s and %s); raise max of a node group, or lower replicas.max",
		Project, strings.Join(groups, ", "), strings.Join(left, " and "), s.Model.Resources.CPU, s.Model.Resources.Memory, s.Gateway.Resources.CPU, s.Gateway.Resources.Memory)
}

func roomOf(r Resources) catalog.Room {
	cpu, memory := resource.MustParse(string(r.CPU)), resource.MustParse(string(r.Memory))
	return catalog.Room{MilliCPU: cpu.MilliValue(), MemoryMiB: (memory.Value() + 1<<20 - 1) >> 20}
}

// place takes the room of pods from nodes. It returns the number of pods for which no node has room.
func place(nodes []catalog.Room, each catalog.Room, pods int) int {
	for i := range nodes {
		for n := &nodes[i]; pods > 0 && n.MilliCPU >= each.MilliCPU && n.MemoryMiB >= each.MemoryMiB && n.Pods > 0; pods-- {
			n.MilliCPU, n.MemoryMiB, n.Pods = n.MilliCPU-each.MilliCPU, n.MemoryMiB-each.MemoryMiB, n.Pods-1
		}
	}
	return pods
}
