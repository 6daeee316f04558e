package main

import (
	"cmp"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
	"tfserving/config"
	"tfserving/cost"
	"tfserving/embedded"
	"tfserving/embedded/drill"
)

// priceRegion is the region whose prices count for a stack without a region: the tables of package cost have the prices of all
// instance types there.
const priceRegion = "us-east-1"

// drillSetup returns what the figures of a drill need to know of settings. It fails if the nodes are of several instance types: a
// drill counts nodes alone.
func drillSetup(name string, s *config.Settings) (drill.Setup, error) {
	down := s.Gateway.Scaling.Down
	setup := drill.Setup{
		Name:      name,
		Pod:       roomOf(s.Gateway.Resources),
		Target:    s.Gateway.TargetCPU,
		Tolerance: s.Gateway.Scaling.Up.Tolerance,
		MinPods:   s.Gateway.Replicas.Min,
		MaxPods:   s.Gateway.Replicas.Max,
		PodStart:  s.Local.PodStartTime.Seconds(),
		Boot:      s.Local.NodeBootTime.Seconds(),
		Down: drill.Down{
			// Two rounds of metrics, an evaluation by the autoscaler of pods, and two by that of nodes: one that sees the idle
			// node, and one that removes it.
			Loops:         (2*embedded.MetricResolution + s.Local.ScalingSync + 2*s.Autoscaler.ScanInterval).Seconds(),
			Stabilization: down.Stabilization.Seconds(),
			Period:        down.Period.Seconds(),
			Percent:       down.Percent,
			Pods:          down.Pods,
			Unneeded:      s.Autoscaler.ScaleDownUnneededTime.Seconds(),
		},
	}
	for range s.Model.Replicas.Min {
		setup.Others = append(setup.Others, roomOf(s.Model.Resources))
	}
	if len(s.NodeGroups) == 0 {
		return setup, errors.New("it has no tfserving:nodeGroups, so a drill has no nodes")
	}
	kind := s.NodeGroups[0].InstanceTypes[0]
	for _, g := range s.NodeGroups {
		if g.InstanceTypes[0] != kind {
			return setup, fmt.Errorf("its node groups have nodes of the types %s and %s; a drill needs one type, because it prices the number of nodes", kind, g.InstanceTypes[0])
		}
		setup.MinNodes, setup.MaxNodes = setup.MinNodes+g.Min, setup.MaxNodes+g.Max
	}
	instance, err := catalog.Lookup(kind)
	if err != nil {
		return setup, err
	}
	setup.Node = instance.Allocatable()
	region := cmp.Or(s.Region, priceRegion)
	if setup.NodeUSD, err = cost.NodeUSD(region, kind); err != nil {
		return setup, err
	}
	setup.Price = fmt.Sprintf("%s on demand in %s, %g USD an hour", kind, region, setup.NodeUSD)
	return setup, nil
}

// roomOf returns the requests of a pod.
func roomOf(r config.Resources) catalog.Room {
	cpu, memory := resource.MustParse(string(r.CPU)), resource.MustParse(string(r.Memory))
	const mib = 1 << 20
	return catalog.Room{MilliCPU: cpu.MilliValue(), MemoryMiB: (memory.Value() + mib - 1) / mib, Pods: 1}
}
