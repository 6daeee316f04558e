package cost

import (
	"errors"
	"fmt"

	"tfserving/catalog"
)

const (
	nodeGroupType      = "aws:eks/nodeGroup:NodeGroup"
	launchTemplateType = "aws:ec2/launchTemplate:LaunchTemplate"
)

// groupPlan is a node group as it is reckoned.
type groupPlan struct {
	err           error // why it cannot be reckoned
	fewest, most  int   // nodes
	spot          bool
	kind          string       // the instance type that is paid for
	hour          float64      // USD, of a node
	room          catalog.Room // of the smallest of the group's types
	min, expected int          // nodes
}

// planNodes reckons every node group, at no demand and at the demand that is expected.
func (e *estimator) planNodes() {
	e.nodes = map[string]*groupPlan{}
	var groups []*groupPlan
	for _, r := range e.resources {
		if r.Type == nodeGroupType {
			g := e.readGroup(r)
			e.nodes[r.URN] = g
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		if g.err != nil {
			// Where one is unknown, so is what the others get.
			fail(groups, fmt.Errorf("a node group of the cluster is not known: %w", g.err))
			return
		}
	}
	atMin, err := e.nodesAt(groups, 0)
	if err != nil {
		fail(groups, err)
		return
	}
	expected, err := e.nodesAt(groups, e.usage.Demand)
	if err != nil {
		fail(groups, err)
		return
	}
	for i, g := range groups {
		g.min, g.expected = atMin[i], max(atMin[i], expected[i])
	}
}

func fail(groups []*groupPlan, err error) {
	for _, g := range groups {
		if g.err == nil {
			g.err = err
		}
	}
}

// nodesAt is how many nodes each group has at a demand.
func (e *estimator) nodesAt(groups []*groupPlan, demand float64) ([]int, error) {
	pods, everyNode, err := e.pods(demand)
	if err != nil {
		return nil, fmt.Errorf("how many nodes the pods need is not known: %w", err)
	}
	return pack(groups, pods, everyNode), nil
}

// readGroup reads a node group, and what one of its nodes costs. EKS buys an on-demand group's nodes as the first of its
// types, while AWS has it; of a spot group's, any: reckoned is the dearest.
func (e *estimator) readGroup(r Resource) *groupPlan {
	g := &groupPlan{}
	capacity, err := r.text("capacityType")
	if err != nil {
		return &groupPlan{err: err}
	}
	g.spot = capacity == "SPOT"
	types, err := r.texts("instanceTypes")
	if err == nil && len(types) == 0 {
		err = errors.New("instanceTypes has none")
	}
	if err != nil {
		return &groupPlan{err: err}
	}
	if g.fewest, g.most, err = bounds(r); err != nil {
		return &groupPlan{err: err}
	}
	for i, name := range types {
		t, err := catalog.Lookup(name)
		if err != nil {
			return &groupPlan{err: err}
		}
		g.room = smaller(g.room, t.Allocatable(), i == 0)
		if !g.spot && i > 0 {
			continue
		}
		p, err := e.price(ec2Prefix + name)
		if err != nil {
			return &groupPlan{err: err}
		}
		if p.usd > g.hour {
			g.kind, g.hour = name, p.usd
		}
	}
	if g.spot {
		g.hour *= e.usage.SpotShare
	}
	return g
}

// bounds are a group's fewest and most nodes.
func bounds(r Resource) (fewest, most int, err error) {
	fewest, isSet, err := r.count("scalingConfig", "minSize")
	if err == nil && !isSet {
		err = errors.New("scalingConfig.minSize is not set")
	}
	if err != nil {
		return 0, 0, err
	}
	most, isSet, err = r.count("scalingConfig", "maxSize")
	if err == nil && (!isSet || most < fewest) {
		err = fmt.Errorf("scalingConfig.maxSize is %d, and minSize is %d", most, fewest)
	}
	return fewest, most, err
}

func smaller(a, b catalog.Room, first bool) catalog.Room {
	if first {
		return b
	}
	return catalog.Room{MilliCPU: min(a.MilliCPU, b.MilliCPU), MemoryMiB: min(a.MemoryMiB, b.MemoryMiB), Pods: min(a.Pods, b.Pods)}
}

// nodeGroup is paid for by its nodes, and each of those by its root volume.
func (e *estimator) nodeGroup(r Resource) {
	const volumes = "root volumes"
	g := e.nodes[r.URN]
	if g.err != nil {
		e.unknown(r, "nodes", g.err)
		e.unknown(r, volumes, g.err)
		return
	}
	number := Range{float64(g.min), float64(g.expected), float64(g.most)}
	what, market := "on-demand nodes", ""
	if g.spot {
		what, market = "spot nodes", fmt.Sprintf(", spot at %s of on demand", percent(e.usage.SpotShare))
	}
	month := g.hour * e.usage.Hours
	e.line(r, what, Range{month * number.Min, month * number.Expected, month * number.Max},
		fmt.Sprintf("%d, %d, %d of %s%s", g.min, g.expected, g.most, g.kind, market))
	gib, err := e.rootVolume(r)
	if err != nil {
		e.unknown(r, volumes, err)
		return
	}
	size := float64(gib)
	e.bill(r, volumes, "gp3 volume", Range{size * number.Min, size * number.Expected, size * number.Max}, fmt.Sprintf("%d GiB of gp3 each", gib))
}

// rootVolume is the size of a node's root volume in GiB, as the launch template of the group's name in the program says.
func (e *estimator) rootVolume(group Resource) (int, error) {
	template, found := e.find(launchTemplateType, group.Name)
	if !found {
		return 0, errors.New("no launch template has this group's name, so the size of its volumes is not known")
	}
	disks, err := template.list("blockDeviceMappings")
	if err != nil {
		return 0, err
	}
	if len(disks) != 1 {
		return 0, fmt.Errorf("the launch template has %d volumes, and one is expected", len(disks))
	}
	disk, isObject := disks[0].(map[string]any)
	if !isObject {
		return 0, errors.New("the launch template's volume is not known yet")
	}
	volume := Resource{Inputs: disk}
	kind, err := volume.text("ebs", "volumeType")
	if err == nil && kind != "gp3" {
		err = fmt.Errorf("what a volume of type %q costs is not known here", kind)
	}
	if err != nil {
		return 0, err
	}
	gib, isSet, err := volume.count("ebs", "volumeSize")
	if err == nil && !isSet {
		err = errors.New("the launch template's volume has no size")
	}
	return gib, err
}
