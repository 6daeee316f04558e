package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tfserving/internal/page"
)

// scalingDefaults has, for each default that decides how fast and how far a stack scales, what Kubernetes or its Cluster
// Autoscaler does without the setting, and why this project does otherwise or the same.
var scalingDefaults = []struct{ key, own, why string }{
	{"gateway.cpuLimit", "none", "A gateway uses what its node has free. A limit at the request would show every spike as 100 %, and a target of 70 % would then add at most 43 % of the pods a step."},
	{"model.cpuLimit", "none", "TF-Serving has a thread for each core of its limit. Twice the request shows a spike of up to 200 %, and bounds the threads that compete for a full node's cores."},
	{"gateway.targetCPU", "80", "Of the request. The rest, 43 % of what is used, is headroom that runs: it needs no boot, and follows the demand."},
	{"model.targetCPU", "80", "The same."},
	{"gateway.scaling.up.percent", "100", "One step adds what the reading asks for. A reading asks for at most the node's cores over the target: 6 times the pods on stack local's nodes."},
	{"gateway.scaling.up.pods", "4", "The percentage is larger from one pod on."},
	{"gateway.scaling.up.period", "15s", "The same: the time from one evaluation to the next, which EKS fixes."},
	{"gateway.scaling.up.stabilization", "0s", "The evaluation before must have asked for as many pods, so that one odd reading adds none. It delays a step by 15 s."},
	{"gateway.scaling.up.tolerance", "10", "The same. Kubernetes before 1.35 knows no other."},
	{"gateway.scaling.down.stabilization", "5m", "The same: demand that returns within 5 minutes finds its pods."},
	{"gateway.scaling.down.percent", "100", "The same: no reading of the last 5 minutes asked for more pods, so those that are left are enough."},
	{"gateway.scaling.down.period", "15s", "The same."},
	{"autoscaler.scanInterval", "10s", "A pending pod waits half of it on average. An evaluation of some hundred pods takes a fraction of a second, and reads AWS's groups once a minute whatever the interval is."},
	{"autoscaler.scaleDownUnneededTime", "10m", "Pods have waited 5 minutes before they end, so a node that is empty has been superfluous for as long. EC2 bills seconds."},
	{"autoscaler.scaleDownDelayAfterAdd", "10m", "As above. It must be longer than a node takes to boot and its pods to start."},
	{"nodeStartTimeout", "15m", "Also the autoscaler's `--max-node-provision-time`: the time after which it gives up on a node that has not joined, and asks another group."},
}

func TestScalingPageShowsTheDefaults(t *testing.T) {
	values := map[string]string{}
	eachSetting("", reflect.ValueOf(Default()), func(key, value string) { values[key] = value })
	table := "| setting | default | Kubernetes' own | why |\n|---|---|---|---|\n"
	for _, d := range scalingDefaults {
		value, known := values[d.key]
		if !known {
			t.Errorf("there is no setting %s", d.key)
		}
		table += fmt.Sprintf("| `%s` | %s | %s | %s |\n", d.key, cmp.Or(strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(value), "0"), d.own, d.why)
	}
	page.Keep(t, "../docs/scaling.md", "go test ./config -run Scaling -update", map[string]string{"defaults": table})
}
