package cost

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"sigs.k8s.io/yaml"

	"tfserving/catalog"
	"tfserving/resource"
)

// groupPlan is a node group with the price and the number of its nodes.
type groupPlan struct {
	err           error // why there is no price or number; nil if there is one
	fewest, most  int   // nodes
	priority      int   // for the autoscaler; 0 if none is known
	spot          bool
	instanceType  string       // the one whose price is used
	hourlyUSD     float64      // of a node
	room          catalog.Room // of the smallest of the group's types
	min, expected int          // nodes
	share         float64      // of the time that is working hours; 1 without a schedule
	offFewest     int          // nodes outside working hours
	off           int          // nodes that are needed then
}

// planNodes plans every node group, without demand and at the expected demand.
func (e *estimator) planNodes() {
	e.nodes = map[string]*groupPlan{}
	var groups []*groupPlan
	for _, r := range e.resources {
		if r.Type == resource.NodeGroup {
			g := e.readGroup(r)
			e.nodes[r.URN] = g
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		if g.err != nil {
			// How many nodes the others get depends on this one.
			fail(groups, fmt.Errorf("a node group of the cluster is not known: %w", g.err))
			return
		}
	}
	atMin, minErr := e.nodesAt(groups, 0)
	expected, err := e.nodesAt(groups, e.usage.Demand)
	if err := cmp.Or(minErr, err); err != nil {
		fail(groups, err)
		return
	}
	share, err := e.workingShare()
	if err == nil && share < 1 {
		err = e.offHours(groups)
	}
	if err != nil {
		fail(groups, fmt.Errorf("the working hours are not known: %w", err))
		return
	}
	for i, g := range groups {
		g.min, g.expected, g.share = atMin[i], max(atMin[i], expected[i]), share
	}
}

func fail(groups []*groupPlan, err error) {
	for _, g := range groups {
		if g.err == nil {
			g.err = err
		}
	}
}

// nodesAt is the number of nodes of each group at a demand.
func (e *estimator) nodesAt(groups []*groupPlan, demand float64) ([]int, error) {
	pods, everyNode, err := e.pods(demand)
	if err != nil {
		return nil, fmt.Errorf("how many nodes the pods need is not known: %w", err)
	}
	number, _ := place(groups, pods, everyNode)
	return number, nil
}

// readGroup reads a node group and the price of one of its nodes. EKS starts on-demand nodes of the group's first type while
// AWS has capacity, and spot nodes of any of its types: the estimate takes the most expensive.
func (e *estimator) readGroup(r resource.Resource) *groupPlan {
	g := &groupPlan{}
	capacity, err := resource.Text(r.Inputs, "capacityType")
	if err != nil {
		return &groupPlan{err: err}
	}
	g.spot = capacity == "SPOT"
	types, err := resource.Texts(r.Inputs, "instanceTypes")
	if err == nil && len(types) == 0 {
		err = errors.New("instanceTypes has none")
	}
	if err != nil {
		return &groupPlan{err: err}
	}
	if g.fewest, g.most, err = bounds(r); err != nil {
		return &groupPlan{err: err}
	}
	if g.offFewest, err = e.offMin(r, g.fewest); err != nil {
		return &groupPlan{err: err}
	}
	if g.priority, err = e.priority(r); err != nil {
		return &groupPlan{err: err}
	}
	for i, name := range types {
		t, err := catalog.Lookup(name)
		if err != nil {
			return &groupPlan{err: err}
		}
		if g.room = smaller(g.room, t.Allocatable()); i == 0 {
			g.room = t.Allocatable()
		}
		if !g.spot && i > 0 {
			continue
		}
		p, err := e.price(ec2Prefix + name)
		if err != nil {
			return &groupPlan{err: err}
		}
		if p.usd > g.hourlyUSD {
			g.instanceType, g.hourlyUSD = name, p.usd
		}
	}
	if g.spot {
		g.hourlyUSD *= e.usage.SpotShare
	}
	return g
}

// priority is the priority of a group in the autoscaler's ConfigMap, whose patterns match the names that EKS gives to the
// Auto Scaling groups: eks-<node group>-<UUID>. The AWS provider completes the node group's name. It is 0 without a match.
func (e *estimator) priority(group resource.Resource) (highest int, err error) {
	prefix, err := resource.Text(group.Inputs, "nodeGroupNamePrefix")
	if err != nil {
		return 0, err
	}
	name := fmt.Sprintf("eks-%s%026d-00000000-0000-0000-0000-000000000000", prefix, 0)
	for _, r := range e.resources {
		if r.Type != resource.ConfigMap {
			continue
		}
		of, err := resource.Text(r.Inputs, "metadata", "name")
		if err != nil || of != catalog.AutoscalerPriorities {
			continue // a name that is not known yet is not this one, which is fixed
		}
		text, err := resource.Text(r.Inputs, "data", catalog.AutoscalerPrioritiesKey)
		if err != nil {
			return 0, err
		}
		var priorities map[int][]string
		if err := yaml.Unmarshal([]byte(text), &priorities); err != nil {
			return 0, fmt.Errorf("the priorities of ConfigMap %s: %w", of, err)
		}
		for priority, patterns := range priorities {
			for _, p := range patterns {
				matched, err := regexp.MatchString(p, name)
				if err != nil {
					return 0, fmt.Errorf("the priorities of ConfigMap %s: %w", of, err)
				}
				if matched {
					highest = max(highest, priority)
				}
			}
		}
	}
	return highest, nil
}

// bounds are the fewest and the most nodes of a group.
func bounds(r resource.Resource) (fewest, most int, err error) {
	fewest, isSet, err := resource.Number(r.Inputs, "scalingConfig", "minSize")
	if err == nil && !isSet {
		err = errors.New("scalingConfig.minSize is not set")
	}
	if err != nil {
		return 0, 0, err
	}
	most, isSet, err = resource.Number(r.Inputs, "scalingConfig", "maxSize")
	if err == nil && (!isSet || most < fewest) {
		err = fmt.Errorf("scalingConfig.maxSize is %d, and minSize is %d", most, fewest)
	}
	return fewest, most, err
}

func smaller(a, b catalog.Room) catalog.Room {
	return catalog.Room{MilliCPU: min(a.MilliCPU, b.MilliCPU), MemoryMiB: min(a.MemoryMiB, b.MemoryMiB), Pods: min(a.Pods, b.Pods)}
}

// nodeGroup adds the nodes of a group and their root volumes.
func (e *estimator) nodeGroup(r resource.Resource) {
	const volumes = "root volumes"
	g := e.nodes[r.URN]
	if g.err != nil {
		e.unknown(r, "nodes", g.err)
		e.unknown(r, volumes, g.err)
		return
	}
	number := Range{g.weighted(g.min), g.weighted(g.expected), g.weighted(g.most)}
	what, market := "on-demand nodes", ""
	if g.spot {
		what, market = "spot nodes", fmt.Sprintf(", spot at %s of on demand", percent(e.usage.SpotShare))
	}
	if g.share < 1 {
		market += fmt.Sprintf("; %d in the %s of the week that are no working hours", g.off, percent(1-g.share))
	}
	month := g.hourlyUSD * e.usage.Hours
	e.line(r, what, Range{month * number.Min, month * number.Expected, month * number.Max},
		fmt.Sprintf("%d, %d, %d of %s%s", g.min, g.expected, g.most, g.instanceType, market))
	gib, err := e.rootVolume(r)
	if err != nil {
		e.unknown(r, volumes, err)
		return
	}
	size := float64(gib)
	e.bill(r, volumes, "gp3 volume", Range{size * number.Min, size * number.Expected, size * number.Max}, fmt.Sprintf("%d GiB of gp3 each", gib))
}

// rootVolume is the size of a node's root volume in GiB, from the launch template that has the group's name.
func (e *estimator) rootVolume(group resource.Resource) (int, error) {
	template, found := e.find(resource.LaunchTemplate, group.Name)
	if !found {
		return 0, errors.New("no launch template has this group's name, so the size of its volumes is not known")
	}
	disks, err := resource.List(template.Inputs, "blockDeviceMappings")
	if err != nil {
		return 0, err
	}
	if len(disks) != 1 {
		return 0, fmt.Errorf("the launch template has %d volumes, and one is expected", len(disks))
	}
	kind, err := resource.Text(template.Inputs, "blockDeviceMappings", 0, "ebs", "volumeType")
	if err == nil && kind != "gp3" {
		err = fmt.Errorf("what a volume of type %q costs is not known here", kind)
	}
	if err != nil {
		return 0, err
	}
	gib, isSet, err := resource.Number(template.Inputs, "blockDeviceMappings", 0, "ebs", "volumeSize")
	if err == nil && !isSet {
		err = errors.New("the launch template's volume has no size")
	}
	return gib, err
}
