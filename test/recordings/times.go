package recordings

import (
	"time"

	"tfserving/rehearsal/emulator"
)

// How long AWS takes, as people who make an EKS cluster see it. Measurements differ by region and day, so all but the first
// are orders of magnitude. Longer times would make the program look better: its own time would be a smaller part of the whole.
const (
	// awsControlPlane is at the short end: the EKS User Guide says several minutes, and a series over AWS's regions found
	// 13 to 16 (easontechtalk.com, "Unofficial EKS Cluster Creation Performance").
	awsControlPlane = 10 * time.Minute
	// awsNodeGroup is the time from CreateNodegroup until the instances have booted and joined; order of magnitude.
	awsNodeGroup = 3 * time.Minute
	// awsAddon is the time until an add-on that has a node to run on is ACTIVE; order of magnitude.
	awsAddon = time.Minute
	// awsNAT is how long a NAT gateway is pending; order of magnitude.
	awsNAT = 2 * time.Minute
)

// AWSTimes are AWS's usual times, multiplied by pace.
func AWSTimes(pace float64) emulator.Times {
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) * pace) }
	return emulator.Times{Cluster: scaled(awsControlPlane), NodeGroup: scaled(awsNodeGroup), Addon: scaled(awsAddon), NAT: scaled(awsNAT)}
}

// forcedSteps are the steps of the longest chain of waits that AWS forces on a first `make up`: the control plane, then the
// nodes, then the add-on that resolves names for pods. The time that pods and load balancers take to start counts as the
// program's own.
func forcedSteps(t emulator.Times) []time.Duration {
	return []time.Duration{t.Cluster, t.NodeGroup, t.Addon}
}

// Forced is the time that AWS forces on a first `make up`.
func Forced(t emulator.Times) (sum time.Duration) {
	for _, step := range forcedSteps(t) {
		sum += step
	}
	return sum
}
