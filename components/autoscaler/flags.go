// Package autoscaler deploys the Cluster Autoscaler on EKS. It also has the autoscaler's arguments that are the same on
// every platform.
package autoscaler

import (
	"fmt"
	"time"
)

// Pace has the intervals of the Cluster Autoscaler. They differ between stacks.
type Pace struct {
	ScanInterval           time.Duration // time between two evaluations of the cluster
	ScaleDownUnneededTime  time.Duration // how long a node must be unneeded before it is removed
	ScaleDownDelayAfterAdd time.Duration // how long after the addition of a node no node is removed
	NodeStart              time.Duration // the longest time until a requested node is ready
}

// Flags returns the arguments of the Cluster Autoscaler that are the same on every platform. The arguments for the cloud
// provider come in addition.
func Flags(p Pace) []string {
	return []string{
		fmt.Sprintf("--scan-interval=%s", p.ScanInterval),
		fmt.Sprintf("--scale-down-unneeded-time=%s", p.ScaleDownUnneededTime),
		fmt.Sprintf("--scale-down-delay-after-add=%s", p.ScaleDownDelayAfterAdd),
		// A node that has not joined by then is lost: the autoscaler asks another group. Its default is 15 min.
		fmt.Sprintf("--max-node-provision-time=%s", p.NodeStart),
		// The time before the autoscaler evaluates a node again that it could not remove. The autoscaler's default, 5 min, is
		// half of its default unneeded time. With a shorter unneeded time, 5 min would decide when a node is removed.
		fmt.Sprintf("--unremovable-node-recheck-timeout=%s", p.ScaleDownUnneededTime/2),
		// Of the groups that fit the pending pods, add a node to one with the highest priority, and of these to the one that
		// leaves the least CPU idle. least-waste alone compares a real node of a group with the nominal size of an empty
		// group's instance type, which has more memory, so it never picks an empty group beside one with nodes.
		"--expander=priority,least-waste",
		// Keep groups that differ only by zone at equal sizes, so that the loss of one zone takes no more than its share.
		"--balance-similar-node-groups=true",
		// Every pod with a read-only root filesystem has an emptyDir. Such pods must not keep a node from its removal.
		"--skip-nodes-with-local-storage=false",
		// The system pods that need a disruption budget have one.
		"--skip-nodes-with-system-pods=false",
	}
}
