package gameday

import "fmt"

const (
	// model is the Deployment of the model server.
	model = "tf-serving-clothing-model"
	// requests are 5 a second, which two busy cores answer.
	requests = "make traffic RPS=5 FOR=1h\n"
	// modelCommand makes the model server run some Python instead of the example's server.
	modelCommand = `--type=json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/command", "value": ["/opt/python/bin/python3", "-c", "%s"]}]'`
	// slowPart is the line of the example's model server before which a slow version waits.
	slowPart = "answer = predict_pb2.PredictResponse()"
)

func onModel(verb, arguments string) string {
	return fmt.Sprintf(onDeployment, verb, model, arguments)
}

// These faults need containers, requests, or a kernel.
var realFaults = []Fault{
	{
		Name:  "model-killed",
		Says:  "the process of a new version of the model is killed again and again",
		Nodes: RealNodes,
		Alert: "PodsCrash",
		Make:  onModel("set env", "GAMEDAY=$CLUSTER"),
		// The processes are found by that variable, which no others have.
		Meanwhile: `while sleep 1; do
	for environment in $(grep -lszxF "GAMEDAY=$CLUSTER" /proc/[0-9]*/environ); do
		process=${environment%/environ}
		kill -9 ${process#/proc/} || true
	done
done
`,
	},
	{
		Name:  "model-memory",
		Says:  "a version of the model may use less memory than it needs",
		Nodes: RealNodes,
		Alert: "PodsOutOfMemory",
		// The example's needs 172 MiB.
		Make: onModel("set resources", "--requests=memory=128Mi --limits=memory=128Mi"),
	},
	{
		Name:  "model-not-loaded",
		Says:  "a version of the model does not load",
		Nodes: RealNodes,
		Alert: "ModelNotLoaded",
		Make:  onModel("patch", fmt.Sprintf(modelCommand, "import time; time.sleep(3600)")),
	},
	{
		Name:  "gateway-not-ready",
		Says:  "a version of the gateway never gets ready: its health check asks for a path that does not exist",
		Nodes: RealNodes,
		Alert: "PodsNotReady",
		Make: onGateway("patch", `--type=json -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/readinessProbe", "value":
	{"httpGet": {"path": "/missing", "port": 9696}, "periodSeconds": 5}}]'`),
	},
	{
		Name:  "no-volume",
		Says:  "a version of the gateway mounts a Secret that does not exist",
		Nodes: RealNodes,
		Alert: "PodsDoNotStart",
		Make: onGateway("patch", `--type=json -p '[
	{"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"name": "gameday", "secret": {"secretName": "gameday"}}},
	{"op": "add", "path": "/spec/template/spec/containers/0/volumeMounts/-", "value": {"name": "gameday", "mountPath": "/gameday"}}]'`),
	},
	{
		Name:      "gateway-errors",
		Says:      "a version of the gateway asks for a model that does not exist, and answers with errors",
		Nodes:     RealNodes,
		Alert:     "RequestsFail",
		Make:      onGateway("set env", "MODEL_NAME=gameday"),
		Meanwhile: requests,
	},
	{
		Name:  "model-slow",
		Says:  "a version of the model takes 3 s longer for each prediction",
		Nodes: RealNodes,
		Alert: "RequestsSlow",
		Make: onModel("patch", fmt.Sprintf(modelCommand,
			`exec(open(\"/opt/example/server.py\").read().replace(\"`+slowPart+`\", \"time.sleep(3); `+slowPart+`\"))`)),
		Meanwhile: "make traffic RPS=2 FOR=1h\n", // two of these model servers answer 5 a second
	},
	{
		Name:  "node-ended",
		Says:  "a node loses its power",
		Nodes: RealNodes,
		Alert: "NodeNotReady",
		Make:  "kill -9 $(cat $CLUSTER/nodes/real-2/pid)\n",
	},
}
