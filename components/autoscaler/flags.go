// Package autoscaler is the Cluster Autoscaler: what it is told wherever it runs, and its deployment on EKS.
package autoscaler

import (
	"fmt"
	"time"
)

// Pace are the intervals of the Cluster Autoscaler: the part of its arguments that differs between stacks.
type Pace struct {
	ScanInterval           time.Duration // how often it looks
	ScaleDownUnneededTime  time.Duration // how long a node was idle before it goes
	ScaleDownDelayAfterAdd time.Duration // how long after adding a node none goes
}

// Flags are the arguments of the Cluster Autoscaler that are the same on every platform; the cloud provider's come on
// top.
func Flags(p Pace) []string {
	return []string{
		fmt.Sprintf("--scan-interval=%s", p.ScanInterval),
		fmt.Sprintf("--scale-down-unneeded-time=%s", p.ScaleDownUnneededTime),
		fmt.Sprintf("--scale-down-delay-after-add=%s", p.ScaleDownDelayAfterAdd),
		// How long a node that could not go is not looked at again. The autoscaler's default, 5 min, is half of its
		// default unneeded time; under a shorter one it would decide everything.
		fmt.Sprintf("--unremovable-node-recheck-timeout=%s", p.ScaleDownUnneededTime/2),
		// Of the groups that would do, the one that leaves the least CPU idle.
		"--expander=least-waste",
		// Keeps groups that differ only by zone at like sizes, so that a zone's loss costs its share and no more.
		"--balance-similar-node-groups=true",
		// A read-only root brings an emptyDir to every pod; it must not pin nodes.
		"--skip-nodes-with-local-storage=false",
		// System pods have disruption budgets of their own where they need them.
		"--skip-nodes-with-system-pods=false",
	}
}
