package config

import (
	"fmt"

	"tfserving/catalog"
)

// percent is the whole, in %.
const percent = 100

// addsAbove returns the reading above which the autoscaler adds pods, in % of the request.
func addsAbove(target int, up ScalingStep) int { return target * (percent + up.Tolerance) / percent }

// scaling refuses a CPU limit below the request, and one that keeps every reading so low that the autoscaler adds no pods.
func (c *checker) scaling(section string, limit, target int, up ScalingStep, n Replicas) {
	threshold := addsAbove(target, up)
	switch {
	case limit != 0 && limit < percent:
		c.failf(section+".cpuLimit", "is %d %% of the request; Kubernetes refuses a limit below the request, so it must be 0, which sets none, or at least %d", limit, percent)
	case limit != 0 && limit <= threshold && n.Min < n.Max:
		c.failf(section+".targetCPU", "is %d: with a tolerance of %d %% the autoscaler adds pods above %d %% of the request, and a pod uses at most %d %% (cpuLimit); lower it, or raise %s.cpuLimit", target, up.Tolerance, threshold, limit, section)
	}
}

// minorWithTolerance is the minor version of Kubernetes from which an autoscaler has a tolerance of its own (feature gate
// HPAConfigurableTolerance).
const minorWithTolerance = 35

// tolerance refuses a tolerance that the cluster's version would ignore.
func (c *checker) tolerance(s *Settings) {
	release, known := catalog.FindRelease(s.Cluster.Version)
	if !known || release.Minor() >= minorWithTolerance {
		return
	}
	for section, pace := range map[string]Scaling{"model": s.Model.Scaling, "gateway": s.Gateway.Scaling} {
		for direction, step := range map[string]ScalingStep{"up": pace.Up, "down": pace.Down} {
			if step.Tolerance != defaultTolerance {
				c.failf(section+".scaling."+direction+".tolerance", "is %d; Kubernetes %s ignores it: it must be %d before 1.%d", step.Tolerance, release.Version, defaultTolerance, minorWithTolerance)
			}
		}
	}
}

// rolloutWarnings warn of pods whose number cannot grow while a rollout waits for its new pods. Then the reading is the mean of
// the pods that serve, of which each uses at most its limit and its node's cores, and of the rollout's pods, which count as 0 %
// (Kubernetes issues 33593 and 72811).
func (s *Settings) rolloutWarnings() (all []string) {
	for _, pods := range []struct {
		section       string
		limit, target int
		resources     Resources
		replicas      Replicas
		up            ScalingStep
	}{
		{"model", s.Model.CPULimit, s.Model.TargetCPU, s.Model.Resources, s.Model.Replicas, s.Model.Scaling.Up},
		{"gateway", s.Gateway.CPULimit, s.Gateway.TargetCPU, s.Gateway.Resources, s.Gateway.Replicas, s.Gateway.Scaling.Up},
	} {
		most, bounded := s.mostUse(pods.resources, pods.limit)
		if !bounded {
			continue
		}
		threshold := addsAbove(pods.target, pods.up)
		for n := pods.replicas.Min; n < pods.replicas.Max; n++ {
			surge := catalog.RolloutSurge(n)
			if highest := n * most / (n + surge); highest <= threshold {
				all = append(all, fmt.Sprintf("%s:%s cannot get more pods while a rollout waits for its new ones: %d pods use at most %d %% of their request each, the rollout's %d count as 0 %%, so the reading is at most %d %%, and the autoscaler adds pods above %d %%; raise %s.cpuLimit or lower %[8]s.targetCPU",
					Project, pods.section, n, most, surge, highest, threshold, pods.section))
				break
			}
		}
	}
	return all
}

// mostUse returns the most CPU that a pod can use, in % of its request: its limit, or the room on the smallest node on which it
// can run. It is unbounded without a limit on nodes of unknown size.
func (s *Settings) mostUse(r Resources, limit int) (most int, bounded bool) {
	if limit > 0 {
		most, bounded = limit, true
	}
	for _, g := range s.NodeGroups {
		room := smallestRoom(g)
		if room == nil || g.hasHardTaint() || room.MilliCPU < r.MilliCPU() {
			continue
		}
		if share := int(room.MilliCPU * percent / r.MilliCPU()); !bounded || share < most {
			most, bounded = share, true
		}
	}
	return most, bounded
}
