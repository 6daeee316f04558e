// Package gameday makes real faults in a cluster, waits for the pages that follow, and repairs each fault with the commands that
// the runbook has for its page.
package gameday

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is something that goes wrong, as a person or a machine would cause it.
type Fault struct {
	Name  string
	Says  string // what it is, in a few words
	Alert string // that must fire
	Make  string // shell commands that cause it
	// Load is a demand for CPU on the gateway's pods, in cores, from the fault to the end of its alert. 0 means none.
	Load float64
	// Undo are shell commands that remove what neither the runbook nor `make up` removes.
	Undo string
}

// onGateway is a kubectl command on what most faults change: its verb and its arguments.
const onGateway = "kubectl -n tfserving %s deployment/gateway %s\n"

// Faults are those of stack local. `make up` undoes every change of an object that the program makes.
var Faults = []Fault{
	{
		Name:  "no-room",
		Says:  "a version of the gateway asks for more CPU than any node has",
		Alert: "PodsPending",
		Make:  fmt.Sprintf(onGateway, "set resources", "--requests=cpu=16 --limits=cpu=16"),
	},
	{
		Name:  "group-at-maximum",
		Says:  "the node group may have 2 nodes, and callers need more",
		Alert: "NodeGroupAtMaximum",
		Make: `pulumi config set --stack $STACK --path 'tfserving:nodeGroups[0].max' 2
make up
`,
		Load: 4,
	},
	{
		Name:  "pods-at-maximum",
		Says:  "the gateway may have 4 pods, and callers need more",
		Alert: "AutoscalerAtMaximum",
		Make: `pulumi config set --stack $STACK --path tfserving:gateway.replicas.max 4
make up
`,
		Load: 3,
	},
	{
		Name:  "autoscaler-ended",
		Says:  "the Cluster Autoscaler is killed",
		Alert: "NodeAutoscalerAbsent",
		Make:  "kill -9 $(cat $CLUSTER/cluster-autoscaler.pid)\n",
	},
	{
		Name:  "budget",
		Says:  "a budget of somebody else blocks a drain",
		Alert: "DrainStuck",
		Make: `kubectl -n tfserving create poddisruptionbudget gameday --selector=app.kubernetes.io/component=gateway --min-available=100%
node=$(kubectl -n tfserving get pods -l app.kubernetes.io/component=gateway -o jsonpath='{.items[0].spec.nodeName}')
kubectl drain $node --ignore-daemonsets --delete-emptydir-data --timeout=10s || true
`,
		Undo: `kubectl -n tfserving delete poddisruptionbudget gameday --ignore-not-found
kubectl uncordon $(kubectl get nodes -o name)
`,
	},
	{
		Name:  "node-not-ready",
		Says:  "the kubelet of a node stops",
		Alert: "NodeNotReady",
		// A simulated node that is not ready boots again after the time of its annotation.
		Make: `node=$(kubectl -n tfserving get pods -l app.kubernetes.io/component=gateway -o jsonpath='{.items[0].spec.nodeName}')
kubectl annotate --overwrite node $node tfserving/boot-time=1h
kubectl patch node $node --subresource=status --type=strategic -p '{"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Gameday"}]}}'
`,
		Undo: "kubectl annotate --overwrite nodes --all tfserving/boot-time=0s\n",
	},
	{
		Name:  "no-image",
		Says:  "a version of the gateway whose image does not exist",
		Alert: "ImageNotPulled",
		Make:  fmt.Sprintf(onGateway, "set image", "gateway=zoomcamp-10-gateway:missing-broken"),
	},
	{
		Name:  "crash",
		Says:  "a version of the gateway that crashes",
		Alert: "PodsCrash",
		Make:  fmt.Sprintf(onGateway, "set image", "gateway=zoomcamp-10-gateway:bad-crashing"),
	},
	{
		Name:  "rollout-stuck",
		Says:  "a quota of somebody else forbids the pods of a new version",
		Alert: "RolloutStuck",
		Make:  "kubectl -n tfserving create quota gameday --hard=pods=1\n" + fmt.Sprintf(onGateway, "set env", "GAMEDAY=1"),
		Undo:  "kubectl -n tfserving delete quota gameday --ignore-not-found\n",
	},
}

// Select returns the faults of a name, or all for an empty one.
func Select(name string) ([]Fault, error) {
	if name == "" {
		return Faults, nil
	}
	i := slices.IndexFunc(Faults, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		var names []string
		for _, f := range Faults {
			names = append(names, f.Name)
		}
		return nil, fmt.Errorf("FAULT=%s is no fault; there are %s", name, strings.Join(names, ", "))
	}
	return Faults[i : i+1], nil
}
