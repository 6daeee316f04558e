package program

import (
	"maps"
	"path"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// container returns the container of a Deployment's pods. The test fails if there is not exactly one.
func container(t *testing.T, d *appsv1.Deployment) corev1.Container {
	t.Helper()
	if n := len(d.Spec.Template.Spec.Containers) + len(d.Spec.Template.Spec.InitContainers); n != 1 {
		t.Fatalf("%s has %d containers, want 1", d.Name, n)
	}
	return d.Spec.Template.Spec.Containers[0]
}

// environment returns the environment variables of a Deployment's container.
func environment(d *appsv1.Deployment) map[string]string {
	env := map[string]string{}
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		env[e.Name] = e.Value
	}
	return env
}

// imageOf returns the full name under which an image of the settings runs. On EKS an image without a registry runs from the
// stack's repositories.
func (g *graph) imageOf(image string) string {
	registry, _, _ := strings.Cut(image, "/")
	if g.stack == localStack || strings.Contains(registry, ".") {
		return image
	}
	return mockengine.Account + ".dkr.ecr." + g.settings.Region + ".amazonaws.com/" + g.clusterName() + "/" + image
}

func TestContainersHaveTheImageAndResourcesOfTheSettings(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		want, limit, image := g.settings.Model.Resources, g.settings.Model.CPULimit, g.settings.Model.Image
		if d.Name == "gateway" {
			want, limit, image = g.settings.Gateway.Resources, g.settings.Gateway.CPULimit, g.settings.Gateway.Image
		}
		c := container(t, d)
		if want := g.imageOf(image); c.Image != want {
			t.Errorf("%s runs %s, want %s", d.Name, c.Image, want)
		}
		for what, list := range map[string]corev1.ResourceList{"request": c.Resources.Requests, "limit": c.Resources.Limits} {
			share := map[string]int{"request": 100, "limit": limit}[what]
			if got, want := list.Cpu().MilliValue(), want.MilliCPU()*int64(share)/100; got != want {
				t.Errorf("%s has a CPU %s of %dm, want %dm: %d %% of the request", d.Name, what, got, want, share)
			}
			if got := list.Memory().String(); got != string(want.Memory) {
				t.Errorf("%s has a memory %s of %s, want %s", d.Name, what, got, want.Memory)
			}
			scratch := d.Spec.Template.Spec.Volumes[0].EmptyDir.SizeLimit
			if disk := list[corev1.ResourceEphemeralStorage]; disk.Cmp(*scratch) <= 0 {
				t.Errorf("%s has an ephemeral-storage %s of %s, want more than its scratch volume of %s", d.Name, what, disk.String(), scratch)
			}
		}
	})
}

func TestContainersHaveTheEnvironmentOfTheSettings(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		want := g.settings.Model.Environment
		if d.Name == "gateway" {
			want = g.settings.Gateway.Environment
		}
		env := d.Spec.Template.Spec.Containers[0].Env
		if len(env) != len(want)+1 || len(env) != len(environment(d)) {
			t.Errorf("%s has %d variables, want the %d of the settings and one of the program, each once", d.Name, len(env), len(want))
		}
		for name, value := range want {
			if got := environment(d)[name]; got != value {
				t.Errorf("%s: %s is %q, want %q", d.Name, name, got, value)
			}
		}
		if model := strings.TrimPrefix(d.Name, "tf-serving-"); d.Name != "gateway" {
			if got := environment(d)["MODEL_NAME"]; got != model {
				t.Errorf("%s: MODEL_NAME is %q, want %q", d.Name, got, model)
			}
			if got := path.Base(d.Spec.Template.Spec.Containers[0].StartupProbe.HTTPGet.Path); got != model {
				t.Errorf("the startup probe of %s asks for model %q, want %q", d.Name, got, model)
			}
		}
	})
}

func TestPodsRunImagesFromTheStacksRepositories(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		used := map[string]bool{} // by repository
		for _, r := range g.ofType(resource.Repository) {
			used[mockengine.Account+".dkr.ecr."+g.settings.Region+".amazonaws.com/"+r.text("name")] = false
		}
		for _, d := range objects[*appsv1.Deployment](g.application()) {
			setting := g.settings.Model.Image
			if d.Name == "gateway" {
				setting = g.settings.Gateway.Image
			}
			image := container(t, d).Image
			if want := g.imageOf(setting); image != want {
				t.Errorf("%s runs %s, want %s", d.Name, image, want)
			}
			repository := image[:strings.LastIndex(image, ":")]
			if _, exists := used[repository]; exists == (image == setting) {
				t.Errorf("%s runs %s, but the stack's repositories are %v", d.Name, image, used)
			} else if exists {
				used[repository] = true
			}
		}
		for repository, isUsed := range used {
			if !isUsed {
				t.Errorf("no pod runs an image from %s", repository)
			}
		}
	})
}

func TestContainersHaveAllThreeProbes(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		c := container(t, d)
		for kind, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
			if p == nil {
				t.Errorf("%s has no %s probe", d.Name, kind)
				continue
			}
			if p.PeriodSeconds < 1 || p.TimeoutSeconds < 1 || p.FailureThreshold < 1 {
				t.Errorf("%s: the %s probe does not set all of its times: %+v", d.Name, kind, p)
			}
			if d.Name != "gateway" {
				continue
			}
			want := g.settings.Gateway.HealthPath
			if want == "" && p.TCPSocket == nil {
				t.Errorf("gateway: the %s probe is %+v, want TCP: the gateway has no health path", kind, p.ProbeHandler)
			}
			if want != "" && (p.HTTPGet == nil || p.HTTPGet.Path != want) {
				t.Errorf("gateway: the %s probe is %+v, want GET %s", kind, p.ProbeHandler, want)
			}
			check := g.settings.Gateway.HealthCheck
			if want != "" && kind != "startup" && (seconds(p.TimeoutSeconds) != check.Timeout || seconds(p.PeriodSeconds) != check.Interval) {
				t.Errorf("gateway: the %s probe asks every %d s for %d s, want %s and %s", kind, p.PeriodSeconds, p.TimeoutSeconds, check.Interval, check.Timeout)
			}
			if want != "" && kind == "readiness" && int(p.FailureThreshold) != check.Failures {
				t.Errorf("gateway: %d failures end its requests, want %d", p.FailureThreshold, check.Failures)
			}
		}
		if c.ReadinessProbe != nil && c.LivenessProbe != nil && failureTime(c.LivenessProbe) <= failureTime(c.ReadinessProbe) {
			t.Errorf("%s is restarted after %s without an answer, before it leaves the Service after %s", d.Name, failureTime(c.LivenessProbe), failureTime(c.ReadinessProbe))
		}
	})
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// A pod that is ready may still crash: gunicorn listens 4 s before it has imported the application, and a gateway was seen to
// crash 6 s after it was ready.
func TestAnOldPodEndsOnlyWhenANewPodHasStayedReady(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		want := int32(5)
		if d.Name == "gateway" && g.settings.Gateway.HealthPath == "" {
			want = 15
		}
		if got := d.Spec.MinReadySeconds; got != want {
			t.Errorf("a new pod of %s replaces an old one after %d s, want %d s", d.Name, got, want)
		}
	})
}

// A deadline that ends before the pods can be ready makes `make up` fail and leaves a rollout that goes on.
func TestDeadlinesOfRolloutsFollowTheSettings(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		c := container(t, d)
		pod := g.settings.NodeStartTimeout + failureTime(c.StartupProbe) + seconds(d.Spec.MinReadySeconds)
		if d.Name == "gateway" && g.settings.Gateway.Service == config.ServiceClusterIP && g.settings.Ingress.Class == "alb" {
			pod += 2 * g.settings.Gateway.HealthCheck.Interval // the readiness gate
		}
		drain := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if got := seconds(*d.Spec.ProgressDeadlineSeconds); got < pod+drain {
			t.Errorf("%s may make no progress for %s, but a pod takes up to %s, and %s more if it waits for the room of an old pod", d.Name, got, pod, drain)
		}
		replicas, _, _ := scalingOf(g, d)
		waves := 0 // of the number of pods that has the most
		for n := 1; n <= replicas.Max; n++ {
			each := surge(t, d, n)
			waves = max(waves, (n+each-1)/each)
		}
		timeouts := g.resource(t, resource.Deployment, d.Name).RegisterRPC.GetCustomTimeouts()
		least := pod + time.Duration(waves-1)*(pod-g.settings.NodeStartTimeout+drain)
		for what, text := range map[string]string{"creates": timeouts.GetCreate(), "updates": timeouts.GetUpdate()} {
			got, err := time.ParseDuration(text)
			if err != nil || got < least || got < seconds(*d.Spec.ProgressDeadlineSeconds) {
				t.Errorf("an up that %s %s waits for %s (%v), but its %d waves take up to %s, and Kubernetes' own deadline is %d s", what, d.Name, text, err, waves, least, *d.Spec.ProgressDeadlineSeconds)
			}
		}
		if got, err := time.ParseDuration(timeouts.GetDelete()); err != nil || got <= drain {
			t.Errorf("an up that deletes %s waits for %s (%v), but its pods drain for %s", d.Name, timeouts.GetDelete(), err, drain)
		}
	})
}

// The Service waits for pods, which wait for the model.
func TestALoadBalancerWaitsForTheRolloutsBeforeIt(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		if g.settings.Gateway.Service != config.ServiceLoadBalancer {
			return
		}
		least := time.Duration(0)
		for _, name := range []string{"gateway", "tf-serving-" + g.settings.Model.Name} {
			d, err := time.ParseDuration(g.resource(t, resource.Deployment, name).RegisterRPC.GetCustomTimeouts().GetCreate())
			if err != nil {
				t.Fatal(err)
			}
			least += d
		}
		timeouts := g.resource(t, resource.Service, "gateway").RegisterRPC.GetCustomTimeouts()
		if got, err := time.ParseDuration(timeouts.GetCreate()); err != nil || got <= least || timeouts.GetUpdate() != timeouts.GetCreate() {
			t.Errorf("an up waits for the load balancer for %s (%v), but the rollouts before it take up to %s", timeouts.GetCreate(), err, least)
		}
	})
}

func TestPodsLeaveAFailedNodeAfterTheTimeOfTheSettings(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		got := map[string]time.Duration{}
		for _, toleration := range d.Spec.Template.Spec.Tolerations {
			if toleration.Operator != corev1.TolerationOpExists || toleration.Effect != corev1.TaintEffectNoExecute || toleration.TolerationSeconds == nil {
				t.Errorf("%s tolerates %+v, want a taint NoExecute for a time", d.Name, toleration)
				continue
			}
			got[toleration.Key] = time.Duration(*toleration.TolerationSeconds) * time.Second
		}
		limit := g.settings.NodeFailureTimeout
		if want := map[string]time.Duration{"node.kubernetes.io/not-ready": limit, "node.kubernetes.io/unreachable": limit}; !maps.Equal(got, want) {
			t.Errorf("%s stays on failed nodes for %v, want %v", d.Name, got, want)
		}
	})
}

// failureTime returns how long a probe must fail before Kubernetes acts on it.
func failureTime(p *corev1.Probe) time.Duration {
	return time.Duration(p.PeriodSeconds*p.FailureThreshold) * time.Second
}

// gunicornShutdown is how long gunicorn lets running requests finish when it stops (its setting graceful_timeout).
const gunicornShutdown = 30 * time.Second

func TestContainersDrainBeforeTheyStop(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		sleeps := map[string]time.Duration{}
		for _, d := range objects[*appsv1.Deployment](g) {
			c := container(t, d)
			if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
				t.Fatalf("%s has no preStop sleep", d.Name)
			}
			sleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
			grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
			if grace <= sleep {
				t.Errorf("%s is killed %s after the start of its shutdown, but its preStop sleep takes %s", d.Name, grace, sleep)
			}
			sleeps[d.Name] = sleep
			if d.Name == "gateway" && grace-sleep < gunicornShutdown {
				t.Errorf("gateway has %s between the drain and the kill, but gunicorn may need %s", grace-sleep, gunicornShutdown)
			}
		}
		if sleep := sleeps["gateway"]; sleep != g.settings.Gateway.DrainTime {
			t.Errorf("gateway drains for %s, want %s", sleep, g.settings.Gateway.DrainTime)
		}
		// gRPC ends a connection up to 10 % before or after its maximum age (gRPC proposal A9).
		oldest := g.settings.Model.MaxConnectionAge * 11 / 10
		for _, d := range modelServers(t, g) {
			if sleeps[d.Name] <= oldest {
				t.Errorf("%s drains for %s, but its connections last for up to %s", d.Name, sleeps[d.Name], oldest)
			}
			// After a change of model.name, the last old gateways drain while the old model is deleted.
			if least := sleeps["gateway"] + gunicornShutdown; sleeps[d.Name] < least {
				t.Errorf("%s drains for %s, but a gateway that ends may call it for %s", d.Name, sleeps[d.Name], least)
			}
		}
	})
}

func TestPodsSpreadOverZonesAndNodesIfPossible(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		keys := map[string]bool{}
		for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
			keys[c.TopologyKey] = true
			if c.WhenUnsatisfiable != corev1.ScheduleAnyway {
				t.Errorf("%s spreads over %s with %s: if a zone failed, pods could not be scheduled", d.Name, c.TopologyKey, c.WhenUnsatisfiable)
			}
			selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
			if err != nil {
				t.Fatal(err)
			}
			if !selector.Matches(labels.Set(d.Spec.Template.Labels)) || len(deploymentsSelectedBy(t, g, c.LabelSelector)) != 1 {
				t.Errorf("%s spreads over %s by selector %s, want one that selects only its own pods", d.Name, c.TopologyKey, selector)
			}
		}
		if !keys["topology.kubernetes.io/zone"] || !keys["kubernetes.io/hostname"] || len(keys) != 2 {
			t.Errorf("%s spreads over %v, want zones and nodes", d.Name, keys)
		}
	})
}
