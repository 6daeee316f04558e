package program

import (
	"sync"
	"testing"

	"tfserving/config"
)

// eksVariation is a checked-in stack of platform eks, its settings changed in one way.
type eksVariation struct {
	name, stack string
	settings    string                 // as the stack file writes them, under config
	graph       func() (*graph, error) // made once
}

// eksStacks are the checked-in stacks on EKS, in the order of the docs.
var eksStacks = func() []string {
	names, err := config.EKSStacks(root)
	if err != nil {
		panic(err)
	}
	return names
}()

// eksVariations are the stacks for which every rule of platform eks must hold: first the checked-in stacks as they are.
var eksVariations = withEKSGraphs([]eksVariation{
	{name: "interface endpoints", stack: "dev", settings: `tfserving:network: {interfaceEndpoints: [ecr.api, ecr.dkr, sts, logs]}`},
	{name: "flow logs", stack: "dev", settings: `tfserving:network: {flowLogRetentionDays: 30}`},
	{name: "NAT in each of three zones", stack: "dev", settings: `tfserving:network: {natGateways: perZone, zones: 3}`},
	{name: "prefix delegation", stack: "dev", settings: `tfserving:cluster: {prefixDelegation: true}`},
	{name: "Systems Manager", stack: "dev", settings: `tfserving:cluster: {ssmAccess: true}`},
	{name: "private endpoint", stack: "dev", settings: `tfserving:cluster: {publicAccessCidrs: []}`},
	{name: "endpoint for the world", stack: "dev", settings: `tfserving:cluster: {publicAccessCidrs: [0.0.0.0/0], allowWorld: true}`},
	{name: "administrators", stack: "dev", settings: `tfserving:cluster: {administrators: ["arn:aws:iam::123456789012:role/teams/Deployer", "arn:aws:iam::123456789012:role/Oncall"]}`},
	{name: "pinned add-ons, autoscaler and chart", stack: "dev", settings: `
tfserving:cluster: {addonVersions: {vpc-cni: v1.20.4-eksbuild.1, coredns: v1.12.4-eksbuild.1}}
tfserving:autoscaler: {image: "registry.example.com/cluster-autoscaler:v1.35.1"}
tfserving:loadBalancerController: {chart: ./charts/controller, repository: "", replicas: 1}`},
	{name: "spot alone", stack: "prod", settings: `
tfserving:nodeGroups: [{name: spot, instanceTypes: [m6a.xlarge, m6i.xlarge], capacity: spot, min: 3, max: 9}]`},
	{name: "Arm", stack: "dev", settings: `
tfserving:nodeGroups: [{name: arm, instanceTypes: [m7g.large, m6g.large], capacity: onDemand, min: 2, max: 4, diskGiB: 80}]`},
	{name: "labels and taints", stack: "staging", settings: `
tfserving:nodeGroups:
  - {name: base, instanceTypes: [m6i.xlarge], min: 2, max: 4}
  - name: batch
    instanceTypes: [m6i.2xlarge]
    capacity: spot
    min: 0
    max: 4
    labels: {team: research}
    taints: [{key: batch, value: "yes", effect: NoSchedule}, {key: soon, effect: NoExecute}, {key: rather-not, effect: PreferNoSchedule}]`},
	{name: "more nodes to begin with", stack: "dev", settings: `
tfserving:nodeGroups: [{name: general, instanceTypes: [m6i.large], min: 1, max: 4, desired: 3}]`},
	{name: "headroom", stack: "dev", settings: `tfserving:autoscaler: {headroom: {pods: 2, resources: {cpu: 500m, memory: 512Mi}}}`},
	{name: "load balancer of its own, protected", stack: "dev", settings: `tfserving:gateway: {service: LoadBalancer}
tfserving:aws: {protect: true}
tfserving:ingress: {allowedCidrs: [10.0.0.0/8]}`},
	{name: "load balancer of its own", stack: "dev", settings: `tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [10.0.0.0/8]}`},
	{name: "load balancer of its own, for the internet", stack: "staging", settings: `tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {scheme: internet-facing, allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]}`},
	{name: "protected", stack: "dev", settings: `tfserving:aws: {protect: true}`},
	{name: "not protected", stack: "prod", settings: `tfserving:aws: {protect: false}`},
	{name: "no cost centre", stack: "dev", settings: `tfserving:aws: {costCentre: ""}`},
	{name: "images of another registry", stack: "dev", settings: `
tfserving:model: {image: "registry.example.com/clothing-model:1"}
tfserving:gateway: {image: "ghcr.io/example/gateway:2"}`},
	{name: "both images of one repository", stack: "dev", settings: `
tfserving:model: {image: "images/all:model-1"}
tfserving:gateway: {image: "images/all:gateway-1"}`},
})

func withEKSGraphs(changed []eksVariation) (all []eksVariation) {
	for _, stack := range eksStacks {
		all = append(all, eksVariation{name: stack, stack: stack})
	}
	all = append(all, changed...)
	for i := range all {
		v := &all[i]
		v.graph = sync.OnceValues(func() (*graph, error) { return newEKSGraph(v.stack, v.settings, newFakeAWS()) })
	}
	return all
}

// onEveryEKSStack holds a rule to every variation of platform eks.
func onEveryEKSStack(t *testing.T, rule func(t *testing.T, g *graph)) {
	t.Helper()
	for _, v := range eksVariations {
		t.Run(v.name, func(t *testing.T) {
			g, err := v.graph()
			if err != nil {
				t.Fatal(err)
			}
			rule(t, g)
		})
	}
}

// eksStack is the graph of a checked-in stack as it is.
func eksStack(t *testing.T, stack string) *graph {
	t.Helper()
	for _, v := range eksVariations {
		if v.name == stack {
			g, err := v.graph()
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
	}
	t.Fatalf("stack %s is not among the variations", stack)
	return nil
}
