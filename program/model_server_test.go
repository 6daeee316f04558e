package program

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// modelServers returns the Deployments of the model servers.
func modelServers(t *testing.T, g *graph) []*appsv1.Deployment {
	all := []*appsv1.Deployment{objectNamed[*appsv1.Deployment](t, g, "tf-serving-"+g.settings.Model.Name)}
	for _, name := range g.moreModels {
		all = append(all, objectNamed[*appsv1.Deployment](t, g, "tf-serving-"+name))
	}
	return all
}

// flagsOf returns a container's arguments by name. The test fails if one is repeated or has no value.
func flagsOf(t *testing.T, c corev1.Container) map[string]string {
	t.Helper()
	flags := map[string]string{}
	for _, arg := range c.Args {
		name, value, ok := strings.Cut(arg, "=")
		if _, twice := flags[name]; twice || !ok {
			t.Errorf("argument %s is repeated or has no value", arg)
		}
		flags[name] = value
	}
	return flags
}

func TestModelServerHasTheStartupTimeoutOfTheSettings(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, d := range modelServers(t, g) {
			if got := failureTime(container(t, d).StartupProbe); got < g.settings.Model.StartupTimeout {
				t.Errorf("%s is restarted if it does not start within %s, want %s or more", d.Name, got, g.settings.Model.StartupTimeout)
			}
		}
	})
}

func TestTensorFlowServingHasAThreadForEachCoreAndEndsOldConnections(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, d := range modelServers(t, g) {
			c := container(t, d)
			flags := flagsOf(t, c)
			cpu := c.Resources.Limits.Cpu()
			if cpu.IsZero() {
				cpu = c.Resources.Requests.Cpu()
			}
			cores := strconv.FormatInt(cpu.Value(), 10) // Value rounds up
			for _, name := range []string{"--tensorflow_intra_op_parallelism", "--tensorflow_inter_op_parallelism"} {
				if flags[name] != cores {
					t.Errorf("%s has %s=%s, want %s: its CPU is %s", d.Name, name, flags[name], cores, cpu)
				}
			}
			want := "grpc.max_connection_age_ms=" + strconv.FormatInt(g.settings.Model.MaxConnectionAge.Milliseconds(), 10)
			if got := flags["--grpc_channel_arguments"]; got != want {
				t.Errorf("%s has --grpc_channel_arguments=%s, want %s", d.Name, got, want)
			}
		}
	})
}

func TestBatchingFileIsMountedAtThePathOfTheFlag(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, d := range modelServers(t, g) {
			c := container(t, d)
			flags := flagsOf(t, c)
			file, batching := flags["--batching_parameters_file"]
			want := g.settings.Model.Batching
			if on := want.MaxBatchSize > 0; on != batching || on != (flags["--enable_batching"] == "true") {
				t.Fatalf("%s: batching is %t, but flags are %v", d.Name, on, c.Args)
			}
			if !batching {
				continue
			}
			text := mountedFile(t, g, d, file)
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

// mountedFile returns the text of a file that is mounted in a Deployment's container from a ConfigMap.
func mountedFile(t *testing.T, g *graph, d *appsv1.Deployment, file string) string {
	t.Helper()
	for _, m := range container(t, d).VolumeMounts {
		if m.MountPath != path.Dir(file) {
			continue
		}
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Name == m.Name && v.ConfigMap != nil {
				text, ok := objectNamed[*corev1.ConfigMap](t, g, v.ConfigMap.Name).Data[path.Base(file)]
				if ok {
					return text
				}
			}
		}
	}
	t.Fatalf("%s: no ConfigMap is mounted as %s", d.Name, file)
	return ""
}

// TF-Serving reads the batching file only when it starts.
func TestChangedBatchingSettingsReplaceThePods(t *testing.T) {
	template := func(settings string) string {
		g, err := newLocalGraph(settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(modelServers(t, g)[0].Spec.Template)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	seen := map[string]string{} // settings by pod
	for _, settings := range []string{
		`tfserving:model: {batching: {maxBatchSize: 32}}`,
		`tfserving:model: {batching: {maxBatchSize: 64}}`,
		`tfserving:model: {batching: {maxBatchSize: 32, timeout: 2ms}}`,
		`tfserving:model: {batching: {maxBatchSize: 32, maxEnqueuedBatches: 9}}`,
	} {
		pod := template(settings)
		if template(settings) != pod {
			t.Errorf("%s: two runs give different pods", settings)
		}
		if other, same := seen[pod]; same {
			t.Errorf("%s and %s give the same pods", settings, other)
		}
		seen[pod] = settings
	}
}
