package program

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"tfserving/config"
)

// variation is a checked-in stack, with other settings or further model servers.
type variation struct {
	name       string
	stack      string
	settings   string // YAML as below config: in a stack's file; each replaces a setting of the file
	moreModels []string
}

// graphs caches what the program registers, by variation.
var graphs = map[string]*graph{}

// graph returns what the program registers for a variation.
func (v variation) graph(t *testing.T) *graph {
	t.Helper()
	key := strings.Join(append([]string{v.stack, v.settings}, v.moreModels...), "\n")
	if graphs[key] == nil {
		g, err := v.build()
		if err != nil {
			t.Fatal(err)
		}
		graphs[key] = g
	}
	return graphs[key]
}

// build runs the program for a variation.
func (v variation) build() (*graph, error) {
	if v.stack == localStack {
		return newLocalGraph(v.settings, v.moreModels)
	}
	return newEKSGraph(v.stack, v.settings, newFakeAWS())
}

// application returns the graph without the resources of platform eks. On stack local every resource is the application's.
func (g *graph) application() *graph {
	if g.stack == localStack {
		return g
	}
	app := *g
	app.resources = slices.DeleteFunc(slices.Clone(g.resources), func(r *registration) bool {
		owner := g.topComponent(r)
		return r.TypeToken != "pulumi:providers:kubernetes" && componentLabels[owner.TypeToken] == ""
	})
	return &app
}

// topComponent returns the outermost component that a resource belongs to, or the resource itself.
func (g *graph) topComponent(r *registration) *registration {
	for parent := g.parent(r); parent != nil; parent = g.parent(r) {
		r = parent
	}
	return r
}

// forEachApplication checks a rule for the application of each variation.
func forEachApplication(t *testing.T, rule func(t *testing.T, g *graph)) {
	t.Helper()
	for _, v := range applicationVariations {
		t.Run(v.name, func(t *testing.T) { rule(t, v.graph(t).application()) })
	}
}

// forEachDeployment checks a rule for each Deployment of the application, of each variation.
func forEachDeployment(t *testing.T, rule func(t *testing.T, g *graph, d *appsv1.Deployment)) {
	t.Helper()
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			rule(t, g, d)
		}
	})
}

// forEachEKSStack checks a rule for each variation of platform eks.
func forEachEKSStack(t *testing.T, rule func(t *testing.T, g *graph)) {
	t.Helper()
	for _, v := range eksVariations {
		t.Run(v.name, func(t *testing.T) { rule(t, v.graph(t)) })
	}
}

// checkedInStack returns what the program registers for a checked-in stack on EKS.
func checkedInStack(t *testing.T, stack string) *graph {
	t.Helper()
	return variation{stack: stack}.graph(t)
}

// eksStacks are the checked-in stacks on EKS, in the order in which a change reaches them.
var eksStacks = func() []string {
	names, err := config.EKSStacks(root)
	if err != nil {
		panic(err)
	}
	return names
}()

// checkedIn returns the checked-in stacks on EKS as variations without other settings.
func checkedIn(prefix string) (all []variation) {
	for _, stack := range eksStacks {
		all = append(all, variation{name: prefix + stack, stack: stack})
	}
	return all
}

// applicationVariations are the stacks for which the rules of the application hold. The rules are the same on each platform.
var applicationVariations = append(checkedIn("stack "), []variation{
	{name: "stack local", stack: localStack},
	{name: "batching", stack: localStack, settings: `tfserving:model: {batching: {maxBatchSize: 32, timeout: 5ms, maxEnqueuedBatches: 7}}`},
	{name: "load balancer", stack: localStack, settings: `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]}`},
	{name: "load balancer open to the internet", stack: localStack, settings: `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [0.0.0.0/0]}`},
	{name: "alb", stack: localStack, settings: `tfserving:ingress: {class: alb}`},
	{name: "alb with certificate and CIDRs", stack: localStack, settings: `
tfserving:gateway: {healthPath: /healthz}
tfserving:ingress: {class: alb, scheme: internet-facing, host: models.example.com, allowedCidrs: [203.0.113.0/24, 198.51.100.0/24],
  certificateArn: "arn:aws:acm:eu-west-1:123456789012:certificate/0"}`},
	{name: "nginx with CIDRs and TLS", stack: localStack, settings: `
tfserving:ingress: {class: nginx, host: models.example.com, tlsSecret: models-tls, allowedCidrs: [10.0.0.0/8]}`},
	{name: "another ingress controller", stack: localStack, settings: `tfserving:ingress: {class: traefik, controllerNamespace: traefik}`},
	{name: "fixed replicas", stack: localStack, settings: `
tfserving:model: {replicas: {min: 3, max: 3}}
tfserving:gateway: {replicas: {min: 2, max: 2}}`},
	{name: "minimum of one pod", stack: localStack, settings: `
tfserving:model: {replicas: {min: 1, max: 4}}
tfserving:gateway: {replicas: {min: 1, max: 3}}`},
	{name: "one fixed pod", stack: localStack, settings: `
tfserving:model: {replicas: {min: 1, max: 1}}
tfserving:gateway: {replicas: {min: 1, max: 1}}`},
	{name: "steps in pods", stack: localStack, settings: `
tfserving:model: {scaling: {up: {stabilization: 10s, pods: 2, tolerance: 20}, down: {pods: 1, tolerance: 0}}}`},
	{name: "CPU limits", stack: localStack, settings: `
tfserving:model: {cpuLimit: 0, resources: {cpu: 1500m}}
tfserving:gateway: {cpuLimit: 150, targetCPU: 60}`},
	{name: "model runs as root", stack: localStack, settings: `tfserving:model: {runAsUser: 0}`},
	{name: "gateway runs as root", stack: localStack, settings: `tfserving:gateway: {runAsUser: 0}`},
	{name: "health path and port", stack: localStack, settings: `tfserving:gateway: {healthPath: /healthz, port: 8080}`},
	{name: "environment", stack: localStack, settings: `
tfserving:model: {environment: {TF_CPP_MIN_LOG_LEVEL: "1", C: c, B: b, A: a}}
tfserving:gateway: {environment: {LOG_LEVEL: debug, C: c, B: b, A: a}}`},
	{name: "a fraction of a core", stack: localStack, settings: `tfserving:model: {resources: {cpu: 1500m}}`},
	{name: "times that are no round numbers", stack: localStack, settings: `
tfserving:model: {maxConnectionAge: 7s, startupTimeout: 61s}
tfserving:gateway: {drainTime: 1s}`},
	{name: "health check", stack: "dev", settings: `
tfserving:gateway: {healthPath: /healthz, healthCheck: {timeout: 30s, interval: 60s, failures: 3}}`},
	{name: "health check of a port", stack: "dev", settings: `
tfserving:gateway: {healthCheck: {timeout: 4s, interval: 5m, failures: 10}}`},
	{name: "slow nodes, which pods leave at once", stack: localStack, settings: `
tfserving:nodeStartTimeout: 30m
tfserving:nodeFailureTimeout: 0s`},
	{name: "longest times", stack: localStack, settings: `
tfserving:model: {maxConnectionAge: 10m, startupTimeout: 1h}
tfserving:gateway: {drainTime: 10m}`},
	{name: "longest names", stack: localStack, settings: `
tfserving:namespace: ` + strings.Repeat("n", 63) + `
tfserving:model: {name: ` + strings.Repeat("m", 52) + `}`},
	{name: "several models", stack: localStack, moreModels: []string{"shoes-model", "hats-model"}},
	{name: "several models with batching", stack: localStack, settings: `tfserving:model: {batching: {maxBatchSize: 4}}`, moreModels: []string{"shoes-model"}},
	{name: "off hours", stack: localStack, settings: `tfserving:schedule: {from: "07:00", to: "19:00", timeZone: Europe/Berlin}`},
	{name: "a load balancer on EKS", stack: "dev", settings: `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {scheme: internet-facing, allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]}`},
	{name: "images of another registry on EKS", stack: "dev", settings: `
tfserving:model: {image: "registry.example.com/clothing-model:1"}`},
}...)

// monitored turns monitoring on.
const monitored = `tfserving:monitoring: {enabled: true, notify: [oncall@example.com, lead@example.com]}`

// eksVariations are the stacks for which the rules of platform eks hold.
var eksVariations = append(checkedIn(""), []variation{
	{name: "interface endpoints", stack: "dev", settings: `tfserving:network: {interfaceEndpoints: [ecr.api, ecr.dkr, sts, logs]}`},
	{name: "flow logs", stack: "dev", settings: `tfserving:network: {flowLogRetentionDays: 30}`},
	{name: "NAT gateway in each of three zones", stack: "dev", settings: `tfserving:network: {natGateways: perZone, zones: 3}`},
	{name: "prefix delegation", stack: "dev", settings: `tfserving:cluster: {prefixDelegation: true}`},
	{name: "older nodes, node repair and zonal shift", stack: "dev", settings: `tfserving:cluster: {version: "1.36", nodeVersion: "1.35", nodeRepair: true, zonalShift: true}`},
	{name: "Systems Manager", stack: "dev", settings: `tfserving:cluster: {ssmAccess: true}`},
	{name: "private endpoint", stack: "dev", settings: `tfserving:cluster: {publicAccessCidrs: []}`},
	{name: "endpoint open to the internet", stack: "dev", settings: `tfserving:cluster: {publicAccessCidrs: [0.0.0.0/0], allowWorld: true}`},
	{name: "administrators", stack: "dev", settings: `tfserving:cluster: {administrators: ["arn:aws:iam::123456789012:role/teams/Deployer", "arn:aws:iam::123456789012:role/Oncall"]}`},
	{name: "pinned add-ons, autoscaler and chart", stack: "dev", settings: `
tfserving:cluster: {addonVersions: {vpc-cni: v1.20.4-eksbuild.1, coredns: v1.12.4-eksbuild.1}}
tfserving:autoscaler: {image: "registry.example.com/cluster-autoscaler:v1.36.0"}
tfserving:loadBalancerController: {chart: ./charts/controller, repository: "", replicas: 1}`},
	{name: "only spot", stack: "prod", settings: `
tfserving:nodeGroups: [{name: spot, instanceTypes: [m6a.xlarge, m6i.xlarge], capacity: spot, min: 3, max: 9}]`},
	{name: "Arm", stack: "dev", settings: `
tfserving:nodeGroups: [{name: arm, instanceTypes: [m7g.large, m6g.large], capacity: onDemand, min: 2, max: 4, diskGiB: 80}]`},
	{name: "labels and taints", stack: "staging", settings: `
tfserving:nodeGroups:
  - {name: base, instanceTypes: [m6i.xlarge], min: 2, max: 4}
  - {name: batch, instanceTypes: [m6i.2xlarge], capacity: spot, min: 0, max: 4, labels: {team: research},
    taints: [{key: batch, value: "yes", effect: NoSchedule}, {key: soon, effect: NoExecute}, {key: rather-not, effect: PreferNoSchedule}]}`},
	{name: "desired nodes above the minimum", stack: "dev", settings: `
tfserving:nodeGroups: [{name: general, instanceTypes: [m6i.large], min: 1, max: 4, desired: 3}]`},
	{name: "off hours", stack: "prod", settings: `tfserving:schedule: {days: "mon,wed-fri", from: "06:30", to: "20:15", timeZone: Europe/Dublin}`},
	{name: "monitoring", stack: "staging", settings: monitored},
	{name: "monitoring of a Network Load Balancer", stack: "dev", settings: monitored + `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [10.0.0.0/8]}`},
	{name: "headroom", stack: "dev", settings: `tfserving:autoscaler: {headroom: {pods: 2, resources: {cpu: 500m, memory: 512Mi}}}`},
	{name: "Network Load Balancer, protected, with zonal shift", stack: "dev", settings: `tfserving:gateway: {service: LoadBalancer}
tfserving:aws: {protect: true}
tfserving:cluster: {zonalShift: true}
tfserving:ingress: {allowedCidrs: [10.0.0.0/8]}`},
	{name: "Network Load Balancer", stack: "dev", settings: `tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [10.0.0.0/8]}`},
	{name: "Network Load Balancer, internet-facing", stack: "staging", settings: `tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {scheme: internet-facing, allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]}`},
	{name: "protected", stack: "dev", settings: `tfserving:aws: {protect: true}`},
	{name: "prod without protection", stack: "prod", settings: `tfserving:aws: {protect: false}`},
	{name: "no cost centre", stack: "dev", settings: `tfserving:aws: {costCentre: ""}`},
	{name: "images of another registry", stack: "dev", settings: `
tfserving:model: {image: "registry.example.com/clothing-model:1"}
tfserving:gateway: {image: "ghcr.io/example/gateway:2"}`},
	{name: "both images of one repository", stack: "dev", settings: `
tfserving:model: {image: "images/all:model-1"}
tfserving:gateway: {image: "images/all:gateway-1"}`},
}...)
