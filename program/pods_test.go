package program

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// container is a Deployment's one container.
func container(t *testing.T, d *appsv1.Deployment) corev1.Container {
	t.Helper()
	if n := len(d.Spec.Template.Spec.Containers) + len(d.Spec.Template.Spec.InitContainers); n != 1 {
		t.Fatalf("%s has %d containers, want 1", d.Name, n)
	}
	return d.Spec.Template.Spec.Containers[0]
}

// models are the model servers' Deployments.
func models(t *testing.T, g *graph) []*appsv1.Deployment {
	all := []*appsv1.Deployment{find[*appsv1.Deployment](t, g, "tf-serving-"+g.settings.Model.Name)}
	for _, name := range g.moreModels {
		all = append(all, find[*appsv1.Deployment](t, g, "tf-serving-"+name))
	}
	return all
}

func TestAContainerServesOnBeforeItIsStopped(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		sleeps := map[string]time.Duration{}
		for _, d := range objects[*appsv1.Deployment](g) {
			c := container(t, d)
			if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
				t.Fatalf("%s has no preStop sleep", d.Name)
			}
			sleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
			grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
			if grace <= sleep {
				t.Errorf("%s is killed %s after it was told to end, and sleeps for %s of that", d.Name, grace, sleep)
			}
			sleeps[d.Name] = sleep
			// gunicorn gives requests under way 30 s of its own once it is stopped (graceful_timeout).
			if d.Name == "gateway" && grace-sleep < 30*time.Second {
				t.Errorf("gateway has %s between the drain and the kill, and gunicorn takes 30s", grace-sleep)
			}
		}
		if sleep := sleeps["gateway"]; sleep != g.settings.Gateway.DrainTime {
			t.Errorf("gateway drains for %s, want %s", sleep, g.settings.Gateway.DrainTime)
		}
		// gRPC spreads the ends of connections by 10 % around their maximum age (gRPC proposal A9).
		oldest := g.settings.Model.MaxConnectionAge * 11 / 10
		for _, d := range models(t, g) {
			if sleeps[d.Name] <= oldest {
				t.Errorf("%s drains for %s, and its connections live for up to %s", d.Name, sleeps[d.Name], oldest)
			}
		}
	})
}

func probedPort(p *corev1.Probe) intstr.IntOrString {
	if p.HTTPGet != nil {
		return p.HTTPGet.Port
	}
	return p.TCPSocket.Port
}

func TestContainersHaveAllThreeProbes(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			c := container(t, d)
			for kind, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
				if p == nil {
					t.Errorf("%s has no %s probe", d.Name, kind)
					continue
				}
				if p.PeriodSeconds < 1 || p.TimeoutSeconds < 1 || p.FailureThreshold < 1 {
					t.Errorf("%s: the %s probe leaves its times to Kubernetes: %+v", d.Name, kind, p)
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
			}
			if c.ReadinessProbe != nil && c.LivenessProbe != nil && span(c.LivenessProbe) <= span(c.ReadinessProbe) {
				t.Errorf("%s is restarted after %s without an answer, before it is taken out of the Service (%s)", d.Name, span(c.LivenessProbe), span(c.ReadinessProbe))
			}
		}
	})
}

// span is how long a probe fails before it has its effect.
func span(p *corev1.Probe) time.Duration {
	return time.Duration(p.PeriodSeconds*p.FailureThreshold) * time.Second
}

func TestTheModelHasItsStartupTimeoutToLoad(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range models(t, g) {
			if got := span(container(t, d).StartupProbe); got < g.settings.Model.StartupTimeout {
				t.Errorf("%s is restarted after %s, want %s or more", d.Name, got, g.settings.Model.StartupTimeout)
			}
		}
	})
}

func TestPodsSpreadOverZonesAndNodesAndStillFindAPlace(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			keys := map[string]bool{}
			for _, c := range d.Spec.Template.Spec.TopologySpreadConstraints {
				keys[c.TopologyKey] = true
				if c.WhenUnsatisfiable != corev1.ScheduleAnyway {
					t.Errorf("%s spreads over %s with %s: with a zone lost, pods would have no place", d.Name, c.TopologyKey, c.WhenUnsatisfiable)
				}
				selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
				if err != nil {
					t.Fatal(err)
				}
				if !selector.Matches(labels.Set(d.Spec.Template.Labels)) || len(selected(t, g, c.LabelSelector)) != 1 {
					t.Errorf("%s spreads over %s by %s, which is not its pods alone", d.Name, c.TopologyKey, selector)
				}
			}
			if !keys["topology.kubernetes.io/zone"] || !keys["kubernetes.io/hostname"] || len(keys) != 2 {
				t.Errorf("%s spreads over %v, want zones and nodes", d.Name, keys)
			}
		}
	})
}

func TestContainersGetTheirResources(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			want, image := g.settings.Model.Resources, g.settings.Model.Image
			if d.Name == "gateway" {
				want, image = g.settings.Gateway.Resources, g.settings.Gateway.Image
			}
			c := container(t, d)
			if want := g.imageOf(image); c.Image != want {
				t.Errorf("%s runs %s, want %s", d.Name, c.Image, want)
			}
			for what, list := range map[string]corev1.ResourceList{"request": c.Resources.Requests, "limit": c.Resources.Limits} {
				if got := list.Cpu().String(); got != string(want.CPU) {
					t.Errorf("%s has a CPU %s of %s, want %s", d.Name, what, got, want.CPU)
				}
				if got := list.Memory().String(); got != string(want.Memory) {
					t.Errorf("%s has a memory %s of %s, want %s", d.Name, what, got, want.Memory)
				}
			}
		}
	})
}

// flagsOf are a container's arguments by name.
func flagsOf(t *testing.T, c corev1.Container) map[string]string {
	t.Helper()
	flags := map[string]string{}
	for _, arg := range c.Args {
		name, value, ok := strings.Cut(arg, "=")
		if _, twice := flags[name]; twice || !ok {
			t.Errorf("argument %s is given twice or has no value", arg)
		}
		flags[name] = value
	}
	return flags
}

func TestTensorFlowServingHasAThreadForEachCoreAndEndsOldConnections(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range models(t, g) {
			c := container(t, d)
			flags := flagsOf(t, c)
			cores := strconv.FormatInt(c.Resources.Limits.Cpu().Value(), 10) // Value rounds up
			for _, name := range []string{"--tensorflow_intra_op_parallelism", "--tensorflow_inter_op_parallelism"} {
				if flags[name] != cores {
					t.Errorf("%s has %s=%s, want %s: its CPU is %s", d.Name, name, flags[name], cores, c.Resources.Limits.Cpu())
				}
			}
			want := "grpc.max_connection_age_ms=" + strconv.FormatInt(g.settings.Model.MaxConnectionAge.Milliseconds(), 10)
			if got := flags["--grpc_channel_arguments"]; got != want {
				t.Errorf("%s has --grpc_channel_arguments=%s, want %s", d.Name, got, want)
			}
		}
	})
}

const batchingDigest = "tfserving/batching-sha256"

func TestTheBatchingFileIsMountedWhereTheFlagLooks(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range models(t, g) {
			c := container(t, d)
			flags := flagsOf(t, c)
			file, batching := flags["--batching_parameters_file"]
			want := g.settings.Model.Batching
			if on := want.MaxBatchSize > 0; on != batching || on != (flags["--enable_batching"] == "true") || on != (d.Spec.Template.Annotations[batchingDigest] != "") {
				t.Fatalf("%s: batching is %t, and flags and annotations are %v %v", d.Name, on, c.Args, d.Spec.Template.Annotations)
			}
			if !batching {
				continue
			}
			text := mounted(t, g, d, file)
			for _, line := range []string{
				"max_batch_size { value: " + strconv.Itoa(want.MaxBatchSize) + " }",
				"batch_timeout_micros { value: " + strconv.FormatInt(want.Timeout.Microseconds(), 10) + " }",
				"max_enqueued_batches { value: " + strconv.Itoa(want.MaxEnqueuedBatches) + " }",
				"num_batch_threads { value: " + flags["--tensorflow_intra_op_parallelism"] + " }",
			} {
				if !strings.Contains(text, line+"\n") {
					t.Errorf("%s: the batching file lacks %q:\n%s", d.Name, line, text)
				}
			}
		}
	})
}

// mounted is the text of a file that a ConfigMap brings into a Deployment's container.
func mounted(t *testing.T, g *graph, d *appsv1.Deployment, file string) string {
	t.Helper()
	for _, m := range container(t, d).VolumeMounts {
		if m.MountPath != path.Dir(file) {
			continue
		}
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Name == m.Name && v.ConfigMap != nil {
				text, ok := find[*corev1.ConfigMap](t, g, v.ConfigMap.Name).Data[path.Base(file)]
				if ok {
					return text
				}
			}
		}
	}
	t.Fatalf("%s: no ConfigMap brings %s", d.Name, file)
	return ""
}

// TF-Serving reads the batching file once, so another text must be another pod.
func TestAnotherBatchingFileIsAnotherPod(t *testing.T) {
	template := func(settings string) (pod string, digest string) {
		g, err := newGraph(settings)
		if err != nil {
			t.Fatal(err)
		}
		d := models(t, g)[0]
		text, err := json.Marshal(d.Spec.Template)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), d.Spec.Template.Annotations[batchingDigest]
	}
	seen := map[string]string{}
	for _, settings := range []string{
		`tfserving:model: {batching: {maxBatchSize: 32}}`,
		`tfserving:model: {batching: {maxBatchSize: 64}}`,
		`tfserving:model: {batching: {maxBatchSize: 32, timeout: 2ms}}`,
		`tfserving:model: {batching: {maxBatchSize: 32, maxEnqueuedBatches: 9}}`,
	} {
		pod, digest := template(settings)
		if again, _ := template(settings); again != pod {
			t.Errorf("%s: two runs make two pods", settings)
		}
		if other, same := seen[digest]; same {
			t.Errorf("%s and %s have digest %q both", settings, other, digest)
		}
		seen[digest] = settings
	}
}
