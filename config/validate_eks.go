package config

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

// eks checks the rules that only platform eks has: required settings, and settings that depend on each other.
func (c *checker) eks(s *Settings) {
	if s.AWS.Owner == "" {
		c.failf("aws.owner", "is missing; give the person or team that is responsible for the stack's AWS resources")
	}
	if s.Gateway.Service == ServiceClusterIP && s.Ingress.Class != catalog.IngressClassALB && !c.failed("ingress.class") {
		c.failf("ingress.class", "is %q; platform eks installs a controller for class alb only: set ingress.class to alb, or gateway.service to LoadBalancer", s.Ingress.Class)
	}
	if len(s.NodeGroups) == 0 {
		c.failf("nodeGroups", "is empty; platform eks needs at least one group of nodes")
		return
	}
	var open []openGroup
	fewest := 0
	for _, g := range s.NodeGroups {
		if g.hasHardTaint() {
			continue
		}
		open = append(open, openGroup{g, smallestRoom(g)})
		fewest += max(g.Min, 0)
	}
	switch {
	case len(open) == 0:
		c.failf("nodeGroups", "has taints on every group; the pods of the application and of the cluster do not tolerate them: remove the taints of one group")
		return
	case fewest == 0:
		c.failf("nodeGroups", "has min 0 in every group without taints; the autoscaler runs on a node of such a group: set min of one group to 1 or more")
	}
	c.podFits("model.resources", s.Model.Resources, open)
	c.podFits("gateway.resources", s.Gateway.Resources, open)
	if s.Autoscaler.Headroom.Pods > 0 {
		c.podFits("autoscaler.headroom.resources", s.Autoscaler.Headroom.Resources, open)
	}
	c.podAddresses(s)
	c.tolerance(s)
}

// openGroup is a node group that runs any pod, and the room for pods on each of its nodes.
type openGroup struct {
	NodeGroup
	room *catalog.Room // nil if an instance type is unknown
}

// smallestRoom returns the room for pods on a group's smallest node, next to the pods that run on every node.
func smallestRoom(g NodeGroup) *catalog.Room {
	var least *catalog.Room
	for _, name := range g.InstanceTypes {
		t, err := catalog.Lookup(name)
		if err != nil {
			return nil
		}
		room := t.Allocatable()
		room.MilliCPU -= catalog.DaemonMilliCPU()
		if least == nil {
			least = &room
		}
		least.MilliCPU, least.MemoryMiB = min(least.MilliCPU, room.MilliCPU), min(least.MemoryMiB, room.MemoryMiB)
	}
	return least
}

// podFits checks that an empty node of some group has room for a pod.
func (c *checker) podFits(key string, r Resources, open []openGroup) {
	if !plainQuantity.MatchString(string(r.CPU)) || !plainQuantity.MatchString(string(r.Memory)) {
		return // resources reports it
	}
	cpu, memory := resource.MustParse(string(r.CPU)), resource.MustParse(string(r.Memory))
	var tooSmall []string
	for _, g := range open {
		if g.room == nil {
			return // instanceTypes reports it
		}
		if cpu.MilliValue() <= g.room.MilliCPU && memory.Value() <= g.room.MemoryMiB<<20 {
			return
		}
		tooSmall = append(tooSmall, fmt.Sprintf("%s (%s) has %dm and %dMi", g.Name, g.InstanceTypes[0], g.room.MilliCPU, g.room.MemoryMiB))
	}
	c.failf(key, "is cpu %s and memory %s, for which even an empty node has no room: a node of group %s; lower the resources, or use larger instance types", r.CPU, r.Memory, strings.Join(tooSmall, ", of group "))
}

const (
	// privateShare is the share of the VPC's addresses in each private subnet: one part in four.
	privateShare = 4
	// reservedAddresses is how many addresses of each subnet AWS reserves (VPC User Guide, subnet CIDR blocks).
	reservedAddresses = 5
)

// PodAddresses returns the number of addresses in the private subnets, where pods get theirs. It panics if CIDR is no
// address range.
func (n *Network) PodAddresses() int {
	return n.Zones * (1<<(32-netip.MustParsePrefix(n.CIDR).Bits())/privateShare - reservedAddresses)
}

// podAddresses checks that the private subnets have enough addresses for all node groups at their largest.
func (c *checker) podAddresses(s *Settings) {
	if c.failed("network.cidr") || c.failed("network.zones") {
		return
	}
	have, need := int64(s.Network.PodAddresses()), int64(0)
	var parts []string
	for _, g := range s.NodeGroups {
		perNode, podsPerNode := int64(0), int64(0)
		for _, name := range g.InstanceTypes {
			t, err := catalog.Lookup(name)
			if err != nil {
				return // instanceTypes reports it
			}
			addresses, pods := t.PodAddresses(s.Cluster.PrefixDelegation)
			perNode, podsPerNode = max(perNode, addresses), max(podsPerNode, pods)
		}
		need += int64(g.Max) * perNode
		parts = append(parts, fmt.Sprintf("%s: %d nodes of %d pods", g.Name, g.Max, podsPerNode))
	}
	if need > have {
		c.failf("network.cidr", "is %s, which is too small: its private subnets in %d zones have %d addresses, and the node groups at their max need %d (%s); use a larger range, or lower max", s.Network.CIDR, s.Network.Zones, have, need, strings.Join(parts, ", "))
	}
}
