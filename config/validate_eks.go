package config

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

// eks holds the rules of platform eks that no other platform has: what it needs, and what has to fit together.
func (c *checker) eks(s *Settings) {
	if s.AWS.Owner == "" {
		c.failf("aws.owner", "is missing; say who answers for the stack's AWS resources, such as a team's name")
	}
	if s.Gateway.Service == ServiceClusterIP && s.Ingress.Class != catalog.IngressClassALB {
		c.failf("ingress.class", "is %q; the controller that platform eks brings is for class alb: set that, or gateway.service to LoadBalancer", s.Ingress.Class)
	}
	if len(s.NodeGroups) == 0 {
		c.failf("nodeGroups", "is empty; platform eks needs at least one group of nodes")
		return
	}
	var open []openGroup
	kept := 0
	for _, g := range s.NodeGroups {
		if g.keepsOut() {
			continue
		}
		open = append(open, openGroup{g, room(g)})
		kept += max(g.Min, 0)
	}
	switch {
	case len(open) == 0:
		c.failf("nodeGroups", "has taints on every group; the application and the cluster's own pods tolerate none, so one group must be without")
		return
	case kept == 0:
		c.failf("nodeGroups", "has min 0 in every group without taints; the autoscaler itself runs on such a node, so one group must keep one")
	}
	c.fits("model.resources", s.Model.Resources, open)
	c.fits("gateway.resources", s.Gateway.Resources, open)
	if s.Autoscaler.Headroom.Pods > 0 {
		c.fits("autoscaler.headroom.resources", s.Autoscaler.Headroom.Resources, open)
	}
	c.addresses(s)
}

// openGroup is a node group that any pod may go to, and the room that each of its nodes has for pods.
type openGroup struct {
	NodeGroup
	room *catalog.Room // nil: not known, because an instance type is not
}

// daemonMilliCPU is what the pods that run on every node ask for: 25 m each for the two containers of the VPC CNI's
// aws-node, 100 m for kube-proxy (the EKS add-ons' own defaults). They ask for no memory.
const daemonMilliCPU = 2*25 + 100

// room is what is left for pods on a node of whichever instance type of the group AWS has to give.
func room(g NodeGroup) *catalog.Room {
	var least *catalog.Room
	for _, name := range g.InstanceTypes {
		t, err := catalog.Lookup(name)
		if err != nil {
			return nil
		}
		left := t.Allocatable()
		left.MilliCPU -= daemonMilliCPU
		if least == nil {
			least = &left
		}
		least.MilliCPU, least.MemoryMiB = min(least.MilliCPU, left.MilliCPU), min(least.MemoryMiB, left.MemoryMiB)
	}
	return least
}

// fits checks that a pod finds a place on some node, be it an empty one.
func (c *checker) fits(key string, r Resources, open []openGroup) {
	if !plainQuantity.MatchString(string(r.CPU)) || !plainQuantity.MatchString(string(r.Memory)) {
		return // said elsewhere
	}
	cpu, memory := resource.MustParse(string(r.CPU)), resource.MustParse(string(r.Memory))
	var tooSmall []string
	for _, g := range open {
		if g.room == nil {
			return
		}
		if cpu.MilliValue() <= g.room.MilliCPU && memory.Value() <= g.room.MemoryMiB<<20 {
			return
		}
		tooSmall = append(tooSmall, fmt.Sprintf("%s (%s) has %dm and %dMi", g.Name, g.InstanceTypes[0], g.room.MilliCPU, g.room.MemoryMiB))
	}
	c.failf(key, "is cpu %s and memory %s, for which no node has room, be it empty: a node of group %s; ask for less, or take larger instance types", r.CPU, r.Memory, strings.Join(tooSmall, ", of group "))
}

const (
	// privateShare of a VPC's addresses are those of its private subnets: a fourth in each zone.
	privateShare = 4
	// keptAddresses of each subnet are AWS's own (VPC User Guide, subnet CIDR blocks).
	keptAddresses = 5
	// prefixSize is how many addresses a node takes at once under prefix delegation.
	prefixSize = 16
	// hostNetworkPods of a node's pods use the node's own address.
	hostNetworkPods = 2
)

// PodAddresses are the addresses of the private subnets, from which pods get theirs. The CIDR must be a valid one.
func (n *Network) PodAddresses() int {
	return n.Zones * (1<<(32-netip.MustParsePrefix(n.CIDR).Bits())/privateShare - keptAddresses)
}

// addresses checks that the private subnets have an address for every pod that the node groups can hold at their most.
func (c *checker) addresses(s *Settings) {
	vpc, err := netip.ParsePrefix(s.Network.CIDR)
	if err != nil || !vpc.Addr().Is4() || vpc.Bits() < 16 || vpc.Bits() > 20 || s.Network.Zones < 2 || s.Network.Zones > 3 {
		return // said elsewhere
	}
	have, need := int64(s.Network.PodAddresses()), int64(0)
	var parts []string
	for _, g := range s.NodeGroups {
		most, pods := int64(0), int64(0)
		for _, name := range g.InstanceTypes {
			t, err := catalog.Lookup(name)
			if err != nil {
				return
			}
			n, of := nodeAddresses(t, s.Cluster.PrefixDelegation)
			most, pods = max(most, n), max(pods, of)
		}
		need += int64(g.Max) * most
		parts = append(parts, fmt.Sprintf("%s: %d nodes of %d pods", g.Name, g.Max, pods))
	}
	if need > have {
		c.failf("network.cidr", "is %s, too small: its private subnets in %d zones have %d addresses, and the node groups at their most take %d (%s); take a larger range, or lower max", s.Network.CIDR, s.Network.Zones, have, need, strings.Join(parts, ", "))
	}
}

// nodeAddresses are the addresses that a full node takes, and its pods.
func nodeAddresses(t *catalog.InstanceType, prefixes bool) (addresses, pods int64) {
	if !prefixes {
		return t.Interfaces * t.IPv4s, t.MaxPods()
	}
	pods = t.MaxPodsWithPrefixes()
	blocks := (pods - hostNetworkPods + prefixSize - 1) / prefixSize
	// An interface has one address of its own; the rest of its places hold a block each.
	interfaces := (blocks + t.IPv4s - 2) / (t.IPv4s - 1)
	return blocks*prefixSize + interfaces, pods
}
