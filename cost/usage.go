package cost

import (
	"fmt"
	"math"
)

// Usage is what an estimate assumes about requests, logs and images. docs/cost.md gives the reasons.
type Usage struct {
	// Hours is the length of a month.
	Hours float64
	// Demand is the average over the month, as a share of the demand at which the autoscalers reach their maximum replicas.
	Demand float64
	// Traffic is the GB an hour through the load balancer at full demand. The NAT gateways carry as much.
	Traffic float64
	// SpotShare is the spot price as a share of the on-demand price.
	SpotShare float64
	// ControlPlaneLogs are GB written a month, by type of log.
	ControlPlaneLogs map[string]float64
	// FlowLogs are GB written a month.
	FlowLogs float64
	// Image is the compressed size of an image in GB.
	Image float64
}

// Assumed is the usage that function Of assumes.
var Assumed = Usage{
	Hours:  HoursPerMonth,
	Demand: 0.3,
	// One capacity unit of a load balancer is 1 GB an hour (Elastic Load Balancing pricing page, September 2026).
	Traffic:   1,
	SpotShare: 0.6,
	// 108 GB and 7.7 GB were measured on a development cluster in eu-west-1 with all control plane logs on. audit was 99.5 % of
	// the control plane's on other clusters; nobody published the shares of the rest, so each of them gets the same.
	ControlPlaneLogs: map[string]float64{"audit": 107.5, "api": 0.125, "authenticator": 0.125, "controllerManager": 0.125, "scheduler": 0.125},
	FlowLogs:         7.7,
	Image:            0.5,
}

// replicas is the number of pods that an autoscaler sets at a demand: its maximum at full demand, and at least its minimum.
func replicas(fewest, most int, demand float64) int {
	const tolerance = 1e-9 // in binary, 0.3 of 10 may be slightly more than 3
	return max(fewest, int(math.Ceil(float64(most)*demand-tolerance)))
}

// assumptions are the sentences of Estimate.Assumptions.
func (u Usage) assumptions() []string {
	return []string{
		fmt.Sprintf("A month has %g hours. Before taxes, free tier and discounts.", u.Hours),
		fmt.Sprintf("Demand is %s of what the autoscalers' most pods serve, on average over the month; at min there is none, at max it is all of it, all month.", percent(u.Demand)),
		"Nodes: at min what the fewest pods need, at max what the node groups allow. Pods are packed by their requests; taints, selectors and spreading are not looked at. A node beyond a group's fewest is one of the group of highest priority that may grow, of several the dearest.",
		fmt.Sprintf("At full demand %g GB an hour go through the load balancer, and as much through NAT.", u.Traffic),
		fmt.Sprintf("Spot costs %s of the on-demand price of the group's dearest type. Spot prices follow supply, by type and zone.", percent(u.SpotShare)),
		fmt.Sprintf("The control plane writes %g GB of audit logs a month and %g GB of all others, flow logs are %g GB; kept uncompressed.",
			u.ControlPlaneLogs["audit"], total(u.ControlPlaneLogs)-u.ControlPlaneLogs["audit"], u.FlowLogs),
		fmt.Sprintf("An image takes %g GB in its repository and shares nothing with others: at min there is one, then as many as are kept.", u.Image),
		"Not counted: traffic between zones, to the internet and through interface endpoints; requests to KMS, S3 and CloudWatch; snapshots; support.",
	}
}

func total(of map[string]float64) (sum float64) {
	for _, each := range of {
		sum += each
	}
	return sum
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
