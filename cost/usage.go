package cost

import (
	"fmt"
	"math"
)

// Usage is what an estimate takes for granted about use, which no program says. docs/cost.md gives the reasons.
type Usage struct {
	// Hours are those of a month.
	Hours float64
	// Demand is the average over the month, as a share of the demand for which the pods' autoscalers are allowed their
	// most replicas.
	Demand float64
	// Traffic is what goes through the load balancer in an hour of full demand, in GB, and as much through NAT.
	Traffic float64
	// SpotShare is what spot costs, as a share of the on-demand price.
	SpotShare float64
	// ControlPlaneLogs and FlowLogs are what is written in a month, in GB.
	ControlPlaneLogs, FlowLogs float64
	// Image is an image in a repository, compressed, in GB.
	Image float64
}

// Assumed is the usage of Of.
var Assumed = Usage{
	Hours:  HoursPerMonth,
	Demand: 0.3,
	// One capacity unit of a load balancer is 1 GB an hour (Elastic Load Balancing pricing page, September 2026).
	Traffic:   1,
	SpotShare: 0.6,
	// What a development cluster in eu-west-1 was measured to write, all control plane logs on.
	ControlPlaneLogs: 108, FlowLogs: 7.7,
	Image: 0.5,
}

// replicas are the pods that an autoscaler wants at a demand: its most at full demand, and never fewer than its fewest.
func replicas(fewest, most int, demand float64) int {
	const hair = 1e-9 // 0.3 of 10 is 3, whatever binary fractions make of it
	return max(fewest, int(math.Ceil(float64(most)*demand-hair)))
}

// assumptions are what holds for more than one line.
func (u Usage) assumptions() []string {
	return []string{
		fmt.Sprintf("A month has %g hours. Before taxes, free tier and discounts.", u.Hours),
		fmt.Sprintf("Demand is %s of what the autoscalers' most pods serve, on average over the month; at min there is none, at max it is all of it, all month.", percent(u.Demand)),
		"Nodes: at min what the fewest pods need, at max what the node groups allow. Pods are packed by their requests; taints, selectors and spreading are not looked at. A node beyond a group's fewest is one of the dearest group that has room.",
		fmt.Sprintf("At full demand %g GB an hour go through the load balancer, and as much through NAT.", u.Traffic),
		fmt.Sprintf("Spot costs %s of the on-demand price of the group's dearest type. Spot prices follow supply, by type and zone.", percent(u.SpotShare)),
		fmt.Sprintf("The control plane writes %g GB of logs a month, flow logs are %g GB; kept uncompressed.", u.ControlPlaneLogs, u.FlowLogs),
		fmt.Sprintf("An image takes %g GB in its repository and shares nothing with others: at min there is one, then as many as are kept.", u.Image),
		"Not counted: traffic between zones, to the internet and through interface endpoints; requests to KMS, S3 and CloudWatch; snapshots; support.",
	}
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
