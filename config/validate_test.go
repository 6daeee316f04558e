package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const notPinned = `which does not fix the version: two pods may run different code, and a rollback may run the same code again; give it a tag other than latest, or a digest, or set model.allowMutableTag`

func TestPlatformRules(t *testing.T) {
	runRules(t, []rule{
		{"a platform must be chosen", set("tfserving:platform", removed), `tfserving:platform is missing; it must be eks or kubernetes`},
		{"an unknown platform", set("tfserving:platform", "gke"), `tfserving:platform is "gke"; it must be eks or kubernetes`},
		{"platform kubernetes needs a kubeconfig", set("tfserving:kubernetes", removed), `tfserving:kubernetes.kubeconfig is missing; platform kubernetes needs the path of a kubeconfig file`},
		{"platform eks needs no kubeconfig", onEKS(), ""},
		{"platform eks needs nodes", onEKS(change{"tfserving:nodeGroups", removed}), `tfserving:nodeGroups is empty; platform eks needs at least one group of nodes`},
		{"platform kubernetes needs no nodes", set("tfserving:nodeGroups", removed), ""},
	})
}

func TestNamespaceRules(t *testing.T) {
	reserved := `, which Kubernetes reserves (default, kube-…); the program creates and deletes its namespace, so choose another name`
	runRules(t, []rule{
		{"default is reserved", set("tfserving:namespace", "default"), `tfserving:namespace is "default"` + reserved},
		{"kube-system is reserved", set("tfserving:namespace", "kube-system"), `tfserving:namespace is "kube-system"` + reserved},
		{"every kube- name is reserved", set("tfserving:namespace", "kube-mine"), `tfserving:namespace is "kube-mine"` + reserved},
		{"a namespace is a DNS label", set("tfserving:namespace", "My.Space"), `tfserving:namespace is "My.Space"; it must be ` + dnsLabel},
		{"an empty namespace", set("tfserving:namespace", ""), `tfserving:namespace is missing; give it a name`},
	})
}

func TestModelRules(t *testing.T) {
	serviceName := `; the model's Service is named after it, so it must be at most 52 lower-case letters, digits and -, with a letter or digit first and last`
	runRules(t, []rule{
		{"a model needs a name", set("tfserving:model.name", removed), `tfserving:model.name is missing; give the name under which TF-Serving serves the model, such as clothing-model`},
		{"a Service's name has no underscore", set("tfserving:model.name", "clothing_model"), `tfserving:model.name is "clothing_model"` + serviceName},
		{"a Service's name has no upper case", set("tfserving:model.name", "Clothing"), `tfserving:model.name is "Clothing"` + serviceName},
		{"a Service's name has no dot", set("tfserving:model.name", "a.b"), `tfserving:model.name is "a.b"` + serviceName},
		{"a Service's name ends in a letter or digit", set("tfserving:model.name", "clothing-"), `tfserving:model.name is "clothing-"` + serviceName},
		{"a model's name may begin with a digit", set("tfserving:model.name", "3d-model"), ""},
		{"the longest model name", set("tfserving:model.name", strings.Repeat("m", 52)), ""},
		{"a model name too long for its Service", set("tfserving:model.name", strings.Repeat("m", 53)), `tfserving:model.name has 53 characters; its Service tf-serving-` + strings.Repeat("m", 53) + ` leaves room for 52`},
		{"connections last at most 10 minutes", set("tfserving:model.maxConnectionAge", "11m"), `tfserving:model.maxConnectionAge is 11m; it must be from 1s to 10m`},
		{"connections last at least a second", set("tfserving:model.maxConnectionAge", "500ms"), `tfserving:model.maxConnectionAge is 500ms; it must be from 1s to 10m`},
		{"connections last whole seconds", set("tfserving:model.maxConnectionAge", "1500ms"), `tfserving:model.maxConnectionAge is 1.5s; it must be whole seconds`},
		{"starting takes at most an hour", set("tfserving:model.startupTimeout", "2h"), `tfserving:model.startupTimeout is 2h; it must be from 10s to 1h`},
		{"a user id is not negative", set("tfserving:model.runAsUser", -1), `tfserving:model.runAsUser is -1; it must be from 0 to 2147483647`},
		{"a batch size has an upper bound", set("tfserving:model.batching.maxBatchSize", 5000), `tfserving:model.batching.maxBatchSize is 5000; it must be from 0 to 4096`},
		{"a batch waits at most a second", []change{{"tfserving:model.batching.maxBatchSize", 8}, {"tfserving:model.batching.timeout", "2s"}}, `tfserving:model.batching.timeout is 2s; it must be from 0s to 1s: every request may wait that long`},
		{"a batch may wait for part of a second", []change{{"tfserving:model.batching.maxBatchSize", 8}, {"tfserving:model.batching.timeout", "5ms"}}, ""},
		{"batching needs a queue", []change{{"tfserving:model.batching.maxBatchSize", 8}, {"tfserving:model.batching.maxEnqueuedBatches", 0}}, `tfserving:model.batching.maxEnqueuedBatches is 0; it must be from 1 to 1000000`},
		{"the program sets the variable with the model's name", set("tfserving:model.environment.MODEL_NAME", "x"), `tfserving:model.environment has "MODEL_NAME", which the program sets; remove it`},
		{"an environment variable's name", set("tfserving:model.environment", map[string]any{"1 A": "x"}), `tfserving:model.environment has "1 A"; a name must be letters, digits, _, - and ., and must not begin with a digit`},
	})
}

func TestImageRules(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("ab", 32)
	runRules(t, []rule{
		{"an image must be given", set("tfserving:model.image", removed), `tfserving:model.image is missing; give the image with its tag, such as registry.example/model:1.0`},
		{"the gateway's image must be given", set("tfserving:gateway.image", removed), `tfserving:gateway.image is missing; give the image with its tag, such as registry.example/gateway:1.0`},
		{"an image without a tag", set("tfserving:model.image", "registry.example:5000/model"), `tfserving:model.image is "registry.example:5000/model", ` + notPinned},
		{"the tag latest", set("tfserving:model.image", "model:latest"), `tfserving:model.image is "model:latest", ` + notPinned},
		{"the gateway's tag latest", set("tfserving:gateway.image", "gateway:latest"), `tfserving:gateway.image is "gateway:latest", ` + strings.ReplaceAll(notPinned, "model.", "gateway.")},
		{"a digest", set("tfserving:model.image", "model"+digest), ""},
		{"latest with a digest", set("tfserving:model.image", "model:latest"+digest), ""},
		{"latest with allowMutableTag", []change{{"tfserving:model.image", "model:latest"}, {"tfserving:model.allowMutableTag", true}}, ""},
		{"no tag with allowMutableTag", []change{{"tfserving:model.image", "model"}, {"tfserving:model.allowMutableTag", true}}, ""},
		{"not an image", set("tfserving:model.image", "registry.example/model:"), `tfserving:model.image is "registry.example/model:" (invalid reference format); it must be an image with its tag, such as registry.example/model:1.0`},
		{"not an image, with allowMutableTag", []change{{"tfserving:model.image", "Model:1"}, {"tfserving:model.allowMutableTag", true}}, `tfserving:model.image is "Model:1" (invalid reference format: repository name (library/Model) must be lowercase); it must be an image with its tag, such as registry.example/model:1.0`},
	})
}

func TestPodRules(t *testing.T) {
	tooLittle := func(shown, bytes, meant string) string {
		return `tfserving:model.resources.memory is ` + shown + `, which is ` + bytes + ` bytes; it must be at least 16Mi` + meant
	}
	noCPU := `; model.targetCPU is a share of this request, so it must be at least 1m`
	runRules(t, []rule{
		{"memory without a unit", set("tfserving:model.resources.memory", 512), tooLittle("512", "512", " (did you mean 512Mi?)")},
		{"memory without a unit, in quotes", set("tfserving:model.resources.memory", "512"), tooLittle("512", "512", " (did you mean 512Mi?)")},
		{"memory in thousandths of a byte", set("tfserving:model.resources.memory", "512m"), tooLittle("512m", "0.512", " (did you mean 512Mi?)")},
		{"no memory", set("tfserving:model.resources.memory", 0), tooLittle("0", "0", "")},
		{"too little memory", set("tfserving:model.resources.memory", "4Mi"), tooLittle("4Mi", "4194304", "")},
		{"the least memory", set("tfserving:model.resources.memory", "16Mi"), ""},
		{"an unknown suffix", set("tfserving:model.resources.memory", "1GB"), `tfserving:model.resources.memory is "1GB"; it must be a Kubernetes quantity such as 512Mi or 1Gi`},
		{"a CPU request in words", set("tfserving:gateway.resources.cpu", "half"), `tfserving:gateway.resources.cpu is "half"; it must be a Kubernetes quantity such as 500m or 2`},
		{"a CPU target needs a request: empty", set("tfserving:model.resources.cpu", ""), `tfserving:model.resources.cpu is ""; it must be a Kubernetes quantity such as 500m or 2`},
		{"a CPU target needs a request: 0", set("tfserving:model.resources.cpu", "0"), `tfserving:model.resources.cpu is 0` + noCPU},
		{"a CPU target needs a request: below 0", set("tfserving:model.resources.cpu", -1), `tfserving:model.resources.cpu is "-1"; it must be a Kubernetes quantity such as 500m or 2`},
		{"an exponent that takes minutes to parse", set("tfserving:model.resources.cpu", "1e-999999999"), `tfserving:model.resources.cpu is "1e-999999999"; it must be a Kubernetes quantity such as 500m or 2`},
		{"a CPU target of 0", set("tfserving:model.targetCPU", 0), `tfserving:model.targetCPU is 0; it must be from 1 to 100`},
		{"a CPU target above the request", set("tfserving:gateway.targetCPU", 101), `tfserving:gateway.targetCPU is 101; it must be from 1 to 100`},
		{"min pods above max", set("tfserving:model.replicas", map[string]any{"min": 5, "max": 4}), `tfserving:model.replicas has min 5 above max 4; min must be at most max`},
		{"min pods above the default max", set("tfserving:gateway.replicas.min", 11), `tfserving:gateway.replicas has min 11 above max 10; min must be at most max`},
		{"a fixed number of pods", set("tfserving:model.replicas", map[string]any{"min": 3, "max": 3}), ""},
		{"no pods", set("tfserving:model.replicas.min", 0), `tfserving:model.replicas.min is 0; it must be from 1 to 1000`},
		{"too many pods", set("tfserving:gateway.replicas.max", 1001), `tfserving:gateway.replicas.max is 1001; it must be from 1 to 1000`},
		{"stabilization is at most an hour", set("tfserving:model.scaling.down.stabilization", "90m"), `tfserving:model.scaling.down.stabilization is 1h30m; it must be from 0s to 1h`},
		{"stabilization is not negative", set("tfserving:gateway.scaling.up.stabilization", "-5s"), `tfserving:gateway.scaling.up.stabilization is -5s; it must be from 0s to 1h`},
		{"a scaling period is at most half an hour", set("tfserving:gateway.scaling.up.period", "31m"), `tfserving:gateway.scaling.up.period is 31m; it must be from 1s to 30m`},
		{"a scaling step is at least 1 %", set("tfserving:gateway.scaling.up.percent", 0), `tfserving:gateway.scaling.up.percent is 0; it must be from 1 to 10000`},
		{"a scaling step of pods is not negative", set("tfserving:model.scaling.up.pods", -1), `tfserving:model.scaling.up.pods is -1; it must be from 0 to 1000`},
	})
}

func TestGatewayRules(t *testing.T) {
	runRules(t, []rule{
		{"memory in bytes has no unit", set("tfserving:model.resources.memory", 1073741824), `tfserving:model.resources.memory is 1073741824, which has no unit; it must have one, such as 512Mi or 1Gi`},
		{"a port below 1024", set("tfserving:gateway.port", 80), `tfserving:gateway.port is 80; a container without capabilities may not listen below 1024, so it must be from 1024 to 65535 (callers still use port 80)`},
		{"root may not listen below 1024 either", []change{{"tfserving:gateway.port", 80}, {"tfserving:gateway.runAsUser", 0}}, `tfserving:gateway.port is 80; a container without capabilities may not listen below 1024, so it must be from 1024 to 65535 (callers still use port 80)`},
		{"the lowest port", set("tfserving:gateway.port", 1024), ""},
		{"no port 0", set("tfserving:gateway.port", 0), `tfserving:gateway.port is 0; it must be from 1 to 65535`},
		{"no port above 65535", set("tfserving:gateway.port", 65536), `tfserving:gateway.port is 65536; it must be from 1 to 65535`},
		{"health checks do not overlap", set("tfserving:gateway.healthCheck.timeout", "15s"), `tfserving:gateway.healthCheck has interval 15s and timeout 15s; a load balancer needs an interval longer than the timeout`},
		{"a health check fails at least twice", set("tfserving:gateway.healthCheck.failures", 1), `tfserving:gateway.healthCheck.failures is 1; it must be from 2 to 10`},
		{"a health path is absolute", set("tfserving:gateway.healthPath", "health"), `tfserving:gateway.healthPath is "health"; it must begin with /`},
		{"an unknown type of Service", set("tfserving:gateway.service", "NodePort"), `tfserving:gateway.service is "NodePort"; it must be ClusterIP or LoadBalancer`},
		{"draining takes at most 10 minutes", set("tfserving:gateway.drainTime", "1h"), `tfserving:gateway.drainTime is 1h; it must be from 1s to 10m`},
		{"a user id above Kubernetes' maximum", set("tfserving:gateway.runAsUser", 2147483648), `tfserving:gateway.runAsUser is 2147483648; it must be from 0 to 2147483647`},
		{"the program sets the variable with the model's endpoint", set("tfserving:gateway.environment.TF_SERVING_HOST", "x"), `tfserving:gateway.environment has "TF_SERVING_HOST", which the program sets; remove it`},
		{"the gateway may set the model's variable", set("tfserving:gateway.environment.MODEL_NAME", "x"), ""},
	})
}

func TestIngressRules(t *testing.T) {
	const certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/a"
	open := []string{"0.0.0.0/0"}
	loadBalancer := change{"tfserving:gateway.service", "LoadBalancer"}
	runRules(t, []rule{
		{"internet-facing needs callers", set("tfserving:ingress.scheme", "internet-facing"), `tfserving:ingress.allowedCidrs is empty and ingress.scheme is internet-facing; give the ranges that may call the gateway (0.0.0.0/0 for everyone)`},
		{"internet-facing, open to everyone", []change{{"tfserving:ingress.scheme", "internet-facing"}, {"tfserving:ingress.allowedCidrs", open}}, ""},
		{"an unknown scheme", set("tfserving:ingress.scheme", "public"), `tfserving:ingress.scheme is "public"; it must be internal or internet-facing`},
		{"a Service's load balancer needs callers", []change{loadBalancer}, `tfserving:ingress.allowedCidrs is empty and gateway.service is LoadBalancer; give the ranges that may call the gateway (0.0.0.0/0 for everyone)`},
		{"a Service's load balancer, open to everyone", []change{loadBalancer, {"tfserving:ingress.allowedCidrs", open}}, ""},
		{"a Service's load balancer limits callers with any class", []change{loadBalancer, {"tfserving:ingress.allowedCidrs", open}, {"tfserving:ingress.class", "traefik"}}, ""},
		{"a Service's load balancer excludes a host", []change{loadBalancer, {"tfserving:ingress.allowedCidrs", open}, {"tfserving:ingress.host", "api.example.com"}}, `tfserving:ingress.host is set, but gateway.service is LoadBalancer, which makes no Ingress; remove it, or set gateway.service to ClusterIP`},
		{"a Service's load balancer excludes a TLS secret", []change{loadBalancer, {"tfserving:ingress.allowedCidrs", open}, {"tfserving:ingress.tlsSecret", "tls"}}, `tfserving:ingress.tlsSecret is set, but gateway.service is LoadBalancer, which makes no Ingress; remove it, or set gateway.service to ClusterIP`},
		{"an unknown class cannot limit callers", []change{{"tfserving:ingress.class", "traefik"}, {"tfserving:ingress.allowedCidrs", open}}, `tfserving:ingress.allowedCidrs is set, but ingress.class is "traefik"; the program can limit callers only for classes alb and nginx`},
		{"an unknown class without limits", set("tfserving:ingress.class", "traefik"), ""},
		{"an Ingress needs a class", set("tfserving:ingress.class", ""), `tfserving:ingress.class is missing; give the IngressClass of the cluster's ingress controller, such as traefik, haproxy or contour (` + "`kubectl get ingressclasses`" + ` lists them)`},
		{"an IngressClass has no default", set("tfserving:ingress.class", removed), `tfserving:ingress.class is missing; give the IngressClass of …`},
		{"an IngressClass has no default on platform eks", onEKS(change{"tfserving:ingress.class", removed}), `tfserving:ingress.class is missing; platform eks needs alb`},
		{"an IngressClass's name has no spaces", set("tfserving:ingress.class", "my class"), `tfserving:ingress.class is "my class"; it must be the name of an IngressClass, such as alb or traefik`},
		{"a Service's load balancer needs no class", []change{loadBalancer, {"tfserving:ingress.allowedCidrs", open}, {"tfserving:ingress.class", removed}, {"tfserving:ingress.controllerNamespace", removed}}, ""},
		{"the controller's namespace has no default", set("tfserving:ingress.controllerNamespace", removed), `tfserving:ingress.controllerNamespace is missing; …`},
		{"ACM certificates need class alb", set("tfserving:ingress.certificateArn", certificate), `tfserving:ingress.certificateArn is set, but ingress.class is "nginx"; only alb uses ACM certificates: set ingress.tlsSecret instead`},
		{"an ACM certificate with alb", []change{{"tfserving:ingress.class", "alb"}, {"tfserving:ingress.certificateArn", certificate}}, ""},
		{"an ACM certificate is an ARN", []change{{"tfserving:ingress.class", "alb"}, {"tfserving:ingress.certificateArn", "api.example.com"}}, `tfserving:ingress.certificateArn is "api.example.com"; it must be the ARN of an ACM certificate, such as arn:aws:acm:eu-west-1:123456789012:certificate/…`},
		{"a TLS secret needs a host", set("tfserving:ingress.tlsSecret", "tls"), `tfserving:ingress.tlsSecret is set, but ingress.host is not; a certificate is for one host: set ingress.host`},
		{"a TLS secret with its host", []change{{"tfserving:ingress.tlsSecret", "tls"}, {"tfserving:ingress.host", "api.example.com"}}, ""},
		{"class alb excludes a TLS secret", []change{{"tfserving:ingress.class", "alb"}, {"tfserving:ingress.tlsSecret", "tls"}, {"tfserving:ingress.host", "api.example.com"}}, `tfserving:ingress.tlsSecret is set, but ingress.class is alb, which uses ACM certificates only: set ingress.certificateArn instead`},
		{"a TLS secret's name has no spaces", []change{{"tfserving:ingress.tlsSecret", "my secret"}, {"tfserving:ingress.host", "api.example.com"}}, `tfserving:ingress.tlsSecret is "my secret"; it must be the name of a Secret: lower-case letters, digits, - and .`},
		{"a host is not a URL", set("tfserving:ingress.host", "https://api.example.com"), `tfserving:ingress.host is "https://api.example.com"; it must be a host name such as api.example.com, without scheme, port or path`},
		{"a host may be a wildcard", set("tfserving:ingress.host", "*.example.com"), ""},
		{"a caller without a prefix length", set("tfserving:ingress.allowedCidrs", []string{"10.0.0.0/8", "203.0.113.7"}), `tfserving:ingress.allowedCidrs[1] is "203.0.113.7"; it must be an address range such as 203.0.113.0/24`},
		{"a caller range with host bits", set("tfserving:ingress.allowedCidrs", []string{"203.0.113.7/24"}), `tfserving:ingress.allowedCidrs[0] is 203.0.113.7/24, which has bits beyond its prefix; did you mean 203.0.113.0/24?`},
		{"platform kubernetes needs the controller's namespace", set("tfserving:ingress.controllerNamespace", ""), `tfserving:ingress.controllerNamespace is missing; give the namespace of the ingress controller's pods: only they may call the gateway`},
		{"the controller's namespace is a DNS label", set("tfserving:ingress.controllerNamespace", "ingress nginx"), `tfserving:ingress.controllerNamespace is "ingress nginx"; it must be ` + dnsLabel},
	})
}

func TestAutoscalerAndLocalRules(t *testing.T) {
	runRules(t, []rule{
		{"the autoscaler scans at least every 10 minutes", set("tfserving:autoscaler.scanInterval", "11m"), `tfserving:autoscaler.scanInterval is 11m; it must be from 1s to 10m`},
		{"an idle node stays at least a second", set("tfserving:autoscaler.scaleDownUnneededTime", "0s"), `tfserving:autoscaler.scaleDownUnneededTime is 0s; it must be from 1s to 24h`},
		{"a new node delays scale-down by at most a day", set("tfserving:autoscaler.scaleDownDelayAfterAdd", "25h"), `tfserving:autoscaler.scaleDownDelayAfterAdd is 25h; it must be from 1s to 24h`},
		{"a stack may bring simulated nodes", set("tfserving:local.nodes", "simulated"), ""},
		{"a stack may bring real nodes", set("tfserving:local.nodes", "real"), ""},
		{"nodes are of a kind that exists", set("tfserving:local.nodes", "fake"), `tfserving:local.nodes is "fake"; it must be none or simulated or real`},
		{"platform eks has nodes of its own", onEKS(change{"tfserving:local.nodes", "real"}), `tfserving:local.nodes is "real", but platform eks has nodes of its own; it must be none`},
		{"there is a real node", set("tfserving:local.realNodes", 0), `tfserving:local.realNodes is 0; it must be from 1 to 5`},
		{"there are at most five real nodes", set("tfserving:local.realNodes", 6), `tfserving:local.realNodes is 6; it must be from 1 to 5`},
		{"a simulated node may start at once", set("tfserving:local.nodeBootTime", "0s"), ""},
		{"a simulated node starts within half an hour", set("tfserving:local.nodeBootTime", "31m"), `tfserving:local.nodeBootTime is 31m; it must be from 0s to 30m`},
		{"a rollout waits for a node that boots", set("tfserving:local.nodeBootTime", "6m"), `tfserving:nodeStartTimeout is 5m, but local.nodeBootTime is 6m, so a rollout would fail while its node boots; it must be at least as long`},
		{"pods leave a failed node within an hour", set("tfserving:nodeFailureTimeout", "61m"), `tfserving:nodeFailureTimeout is 1h1m; it must be from 0s to 1h`},
		{"a simulated pod may be ready at once", set("tfserving:local.podStartTime", "0s"), ""},
		{"a simulated pod is ready within half an hour", set("tfserving:local.podStartTime", "31m"), `tfserving:local.podStartTime is 31m; it must be from 0s to 30m`},
		{"pod autoscalers look at least every 5 minutes", set("tfserving:local.scalingSync", "6m"), `tfserving:local.scalingSync is 6m; it must be from 1s to 5m`},
	})
}

func TestCoresAreTheCPURequestRoundedUp(t *testing.T) {
	for cpu, want := range map[Quantity]int{"1m": 1, "500m": 1, "0.5": 1, "1": 1, "1.0": 1, "1001m": 2, "1500m": 2, "2": 2, "16": 16, "1k": 1000} {
		for _, limit := range []int{0, 100} {
			if got := (&Model{Resources: Resources{CPU: cpu}, CPULimit: limit}).Cores(); got != want {
				t.Errorf("%s with a limit of %d %% is %d cores, want %d", cpu, limit, got, want)
			}
		}
	}
	if got := (&Model{Resources: Resources{CPU: "600m"}, CPULimit: 200}).Cores(); got != 2 {
		t.Errorf("600m with a limit of 200 %% is %d cores, want 2", got)
	}
}

func TestErrorsWriteDurationsShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 30 * time.Second: "30s", 5 * time.Minute: "5m", 100 * time.Second: "1m40s",
		time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 10 * time.Hour: "10h", -time.Minute: "-1m",
	} {
		if got := short(d); got != want {
			t.Errorf("%s is shown as %s, want %s", d, got, want)
		}
	}
}

// A default that its own tags refuse would refuse every stack that leaves the setting out.
func TestDefaultsAreAllowedValues(t *testing.T) {
	s := Default()
	s.Platform = PlatformEKS
	s.NodeGroups = []NodeGroup{defaultNodeGroup()}
	c := &checker{}
	c.tags("", reflect.ValueOf(s))
	for _, p := range c.problems {
		t.Errorf("%s %s", p.key, p.text)
	}
}
