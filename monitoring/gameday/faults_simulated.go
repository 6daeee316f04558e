package gameday

// The control plane and the autoscalers are real, so these faults need no containers.
var simulatedFaults = []Fault{
	{
		Name:  "no-room",
		Says:  "a version of the gateway asks for more CPU than any node has",
		Nodes: SimulatedNodes,
		Alert: "PodsPending",
		Make:  onGateway("set resources", "--requests=cpu=16 --limits=cpu=16"),
	},
	{
		Name:  "group-at-maximum",
		Says:  "the node group may have 2 nodes, and callers need more",
		Nodes: SimulatedNodes,
		Alert: "NodeGroupAtMaximum",
		Make: `pulumi config set --stack $STACK --path 'tfserving:nodeGroups[0].max' 2
make up
`,
		Meanwhile: "make load CPU=4 FOR=1h\n",
	},
	{
		Name:  "pods-at-maximum",
		Says:  "the gateway may have 4 pods, and callers need more",
		Nodes: SimulatedNodes,
		Alert: "AutoscalerAtMaximum",
		Make: `pulumi config set --stack $STACK --path tfserving:gateway.replicas.max 4
make up
`,
		Meanwhile: "make load CPU=3 FOR=1h\n",
	},
	{
		Name:  "autoscaler-ended",
		Says:  "the Cluster Autoscaler is killed",
		Nodes: SimulatedNodes,
		Alert: "NodeAutoscalerAbsent",
		Make:  "kill -9 $(cat $CLUSTER/cluster-autoscaler.pid)\n",
	},
	{
		Name:  "budget",
		Says:  "a budget of somebody else blocks a drain",
		Nodes: SimulatedNodes,
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
		Nodes: SimulatedNodes,
		Alert: "NodeNotReady",
		// A simulated node that is not ready boots, until so many seconds after its creation: for a day.
		Make: `node=$(kubectl -n tfserving get pods -l app.kubernetes.io/component=gateway -o jsonpath='{.items[0].spec.nodeName}')
kubectl annotate --overwrite node $node tfserving/boot-seconds=86400
kubectl patch node $node --subresource=status --type=strategic -p '{"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Gameday"}]}}'
`,
		Undo: "kubectl annotate --overwrite nodes --all tfserving/boot-seconds=0\n",
	},
	{
		Name:  "crash",
		Says:  "a version of the gateway that crashes",
		Nodes: SimulatedNodes,
		Alert: "PodsCrash",
		Make:  onGateway("set image", "gateway=zoomcamp-10-gateway:bad-crashing"),
	},
	{
		Name:  "rollout-stuck",
		Says:  "a quota of somebody else forbids the pods of a new version",
		Nodes: SimulatedNodes,
		Alert: "RolloutStuck",
		Make:  "kubectl -n tfserving create quota gameday --hard=pods=1\n" + onGateway("set env", "GAMEDAY=1"),
		Undo:  "kubectl -n tfserving delete quota gameday --ignore-not-found\n",
	},
}
