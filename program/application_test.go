package program

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"tfserving/internal/mockengine"
)

// variation is a stack whose settings differ from a checked-in stack's in one way.
type variation struct {
	name       string
	eks        string // the checked-in stack; empty is stack local
	settings   string // as the stack file writes them, under config
	moreModels []string
	graph      func() (*graph, error) // made once
}

// variations are the stacks for which every rule must hold.
var variations = withGraphs([]variation{
	{name: "stack local"},
	{name: "batching", settings: `tfserving:model: {batching: {maxBatchSize: 32, timeout: 5ms, maxEnqueuedBatches: 7}}`},
	{name: "load balancer", settings: `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]}`},
	{name: "load balancer for everyone", settings: `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {allowedCidrs: [0.0.0.0/0]}`},
	{name: "alb", settings: `tfserving:ingress: {class: alb}`},
	{name: "alb with certificate and CIDRs", settings: `
tfserving:gateway: {healthPath: /healthz}
tfserving:ingress:
  class: alb
  scheme: internet-facing
  host: models.example.com
  certificateArn: arn:aws:acm:eu-west-1:123456789012:certificate/0
  allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]`},
	{name: "nginx with CIDRs and TLS", settings: `
tfserving:ingress: {class: nginx, host: models.example.com, tlsSecret: models-tls, allowedCidrs: [10.0.0.0/8]}`},
	{name: "a controller of its own class", settings: `tfserving:ingress: {class: traefik, controllerNamespace: traefik}`},
	{name: "fixed replicas", settings: `
tfserving:model: {replicas: {min: 3, max: 3}}
tfserving:gateway: {replicas: {min: 2, max: 2}}`},
	{name: "from one pod", settings: `
tfserving:model: {replicas: {min: 1, max: 4}}
tfserving:gateway: {replicas: {min: 1, max: 3}}`},
	{name: "one pod", settings: `
tfserving:model: {replicas: {min: 1, max: 1}}
tfserving:gateway: {replicas: {min: 1, max: 1}}`},
	{name: "steps in pods", settings: `
tfserving:model: {scaling: {up: {stabilization: 10s, pods: 2}, down: {pods: 1}}}`},
	{name: "model runs as root", settings: `tfserving:model: {runAsUser: 0}`},
	{name: "gateway runs as root", settings: `tfserving:gateway: {runAsUser: 0}`},
	{name: "health path and port", settings: `tfserving:gateway: {healthPath: /healthz, port: 8080}`},
	{name: "environment", settings: `
tfserving:model: {environment: {TF_CPP_MIN_LOG_LEVEL: "1", C: c, B: b, A: a}}
tfserving:gateway: {environment: {LOG_LEVEL: debug, C: c, B: b, A: a}}`},
	{name: "parts of a core", settings: `tfserving:model: {resources: {cpu: 1500m}}`},
	{name: "odd times", settings: `
tfserving:model: {maxConnectionAge: 7s, startupTimeout: 61s}
tfserving:gateway: {drainTime: 1s}`},
	{name: "longest times", settings: `
tfserving:model: {maxConnectionAge: 10m, startupTimeout: 1h}
tfserving:gateway: {drainTime: 10m}`},
	{name: "longest names", settings: `
tfserving:namespace: ` + strings.Repeat("n", 63) + `
tfserving:model: {name: ` + strings.Repeat("m", 52) + `}`},
	{name: "several models", moreModels: []string{"shoes-model", "hats-model"}},
	{name: "several models with batching", settings: `tfserving:model: {batching: {maxBatchSize: 4}}`, moreModels: []string{"shoes-model"}},
	{name: "a load balancer on EKS", eks: "dev", settings: `
tfserving:gateway: {service: LoadBalancer}
tfserving:ingress: {scheme: internet-facing, allowedCidrs: [203.0.113.0/24, 198.51.100.0/24]}`},
	{name: "images of another registry on EKS", eks: "dev", settings: `
tfserving:model: {image: "registry.example.com/clothing-model:1"}`},
})

func withGraphs(all []variation) []variation {
	// The application is the same on every platform, and so are its rules.
	for _, stack := range eksStacks {
		all = append(all, variation{name: "stack " + stack, eks: stack})
	}
	for i := range all {
		v := &all[i]
		v.graph = sync.OnceValues(v.make)
	}
	return all
}

// make is the graph of the application, without the platform that it lands on.
func (v *variation) make() (*graph, error) {
	if v.eks == "" {
		return newGraph(v.settings, v.moreModels...)
	}
	g, err := newEKSGraph(v.eks, v.settings, newFakeAWS())
	if err != nil {
		return nil, err
	}
	return g.application(), nil
}

// everywhere holds a rule to every variation.
func everywhere(t *testing.T, rule func(t *testing.T, g *graph)) {
	t.Helper()
	for _, v := range variations {
		t.Run(v.name, func(t *testing.T) {
			g, err := v.graph()
			if err != nil {
				t.Fatal(err)
			}
			rule(t, g)
		})
	}
}

func TestSameSettingsGiveTheSameObjects(t *testing.T) {
	inputs := func(g *graph) map[string]any {
		all := map[string]any{}
		for _, r := range g.kubernetesObjects() {
			all[r.urn] = r.object
		}
		return all
	}
	for i := range variations {
		v := &variations[i]
		first, err := v.graph()
		if err != nil {
			t.Fatal(err)
		}
		second, err := v.make()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(inputs(first), inputs(second)) {
			t.Errorf("%s: two runs differ, so `pulumi up` would find changes where there are none", v.name)
		}
	}
}

func TestTheProgramMakesWhatTheContractNames(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		got := map[string]int{}
		for _, r := range g.resources {
			if r.object != nil {
				got[r.object.GetObjectKind().GroupVersionKind().Kind]++
			} else if !r.Custom {
				got[r.TypeToken]++
			}
		}
		servers := 1 + len(g.moreModels)
		want := map[string]int{
			"tfserving:namespace:Namespace": 1, "tfserving:gateway:Gateway": 1, "tfserving:modelserver:ModelServer": servers,
			"Namespace": 1, "ResourceQuota": 1, "LimitRange": 1,
			"Deployment": 1 + servers, "Service": 1 + servers, "ServiceAccount": 1 + servers, "PodDisruptionBudget": 1 + servers,
			"HorizontalPodAutoscaler": 1 + servers,
			"NetworkPolicy":           2 + 1 + servers, // default-deny and DNS, then one for each component
		}
		if g.settings.Model.Batching.MaxBatchSize > 0 {
			want["ConfigMap"] = servers
		}
		if g.settings.Gateway.Service == "ClusterIP" {
			want["Ingress"] = 1
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("made %v, want %v", got, want)
		}
	})
}

func TestCallersAreToldWhereTheGatewayIs(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		in := g.settings.Ingress
		scheme, host := "http", mockengine.LoadBalancerHost
		if g.settings.Gateway.Service == "ClusterIP" {
			if in.CertificateARN != "" || in.TLSSecret != "" {
				scheme = "https"
			}
			if in.Host != "" {
				host = in.Host
			}
		}
		if want := scheme + "://" + host; g.url != want {
			t.Errorf("gatewayUrl is %q, want %q", g.url, want)
		}
	})
}

// sorted copies and sorts, to compare sets.
func sorted(all []string) []string {
	all = slices.Clone(all)
	slices.Sort(all)
	return all
}
