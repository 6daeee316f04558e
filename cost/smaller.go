package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tfserving/catalog"
	"tfserving/resource"
)

// muchCheaper is the share of a node's price up to which a smaller node is worth a warning.
const muchCheaper = 0.5

// warnOfLargeNodes adds a warning for each node group whose fewest nodes could be of a type at half the price: as many of them
// hold the fewest pods, and one more of the largest for a rollout. Groups with an unknown price or number have none.
func (e *estimator) warnOfLargeNodes() {
	pods, everyNode, err := e.pods(0)
	if err != nil || len(pods) == 0 {
		return
	}
	pods = append(pods, slices.MaxFunc(pods, func(a, b catalog.Room) int {
		return cmp.Or(cmp.Compare(a.MilliCPU, b.MilliCPU), cmp.Compare(a.MemoryMiB, b.MemoryMiB))
	}))
	for _, r := range e.resources {
		if r.Type != resource.NodeGroup || e.nodes[r.URN].err != nil || e.nodes[r.URN].min == 0 {
			continue
		}
		g := e.nodes[r.URN]
		for _, other := range e.smallerNodes(g) {
			var groups []*groupPlan
			for _, r := range e.resources {
				each, isGroup := e.nodes[r.URN]
				if !isGroup {
					continue
				}
				fixed := *each // at min, and no more
				if each == g {
					fixed = *other
				}
				fixed.fewest, fixed.most = each.min, each.min
				groups = append(groups, &fixed)
			}
			if _, pending := place(groups, pods, everyNode); pending == 0 {
				month := float64(g.min) * e.usage.Hours
				e.estimate.Warnings = append(e.estimate.Warnings, fmt.Sprintf("node group %s: %d x %s would hold the fewest pods and a rollout's extra one, for %.2f instead of %.2f USD a month (%s)",
					r.Name, g.min, other.instanceType, cents(other.hourlyUSD*month), cents(g.hourlyUSD*month), g.instanceType))
				break
			}
		}
	}
}

// smallerNodes returns the group with each type of its architecture that costs at most half, the cheapest first.
func (e *estimator) smallerNodes(g *groupPlan) (all []*groupPlan) {
	own, err := catalog.Lookup(g.instanceType)
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	for key := range onDemand() {
		if key[0] == e.region {
			names[key[1]] = true
		}
	}
	for _, p := range prices() {
		if name, isEC2 := strings.CutPrefix(p.item, ec2Prefix); isEC2 && p.region == e.region {
			names[name] = true
		}
	}
	for name := range names {
		t, err := catalog.Lookup(name)
		if err != nil || t.Architecture != own.Architecture {
			continue // karpenter's table has types without room for pods, and of other kinds
		}
		p, err := e.price(ec2Prefix + name)
		if err != nil {
			continue
		}
		if g.spot {
			p.usd *= e.usage.SpotShare
		}
		if p.usd <= muchCheaper*g.hourlyUSD {
			other := *g
			other.instanceType, other.hourlyUSD, other.room = name, p.usd, t.Allocatable()
			all = append(all, &other)
		}
	}
	slices.SortFunc(all, func(a, b *groupPlan) int {
		return cmp.Or(cmp.Compare(a.hourlyUSD, b.hourlyUSD), cmp.Compare(a.instanceType, b.instanceType))
	})
	return all
}
