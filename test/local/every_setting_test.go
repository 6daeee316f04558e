package local

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tfserving/config"
	"tfserving/internal/checkout"
)

// platformSettings are the settings that shape the cluster or the account. All others are the application's.
var platformSettings = []string{"platform", "monthlyBudget", "policy", "kubernetes", "aws", "network", "cluster", "nodeGroups", "autoscaler", "monitoring",
	"loadBalancerController", "repositories", "local"}

// settingChange changes settings of the application. The changes of a run follow each other and are not taken back.
type settingChange struct {
	setting string // its path
	value   any    // another valid value
	with    map[string]any
	// fails are texts in the output of a `make up` that cannot roll the change out.
	fails []string
	// prepare, if not nil, prepares the cluster.
	prepare func(*testing.T, *checkout.Checkout)
	// models is the number of model pods before the change, which must not decrease, if it is not replicas.
	models int
}

// settingChanges change each setting of the application to another value. The first changes are those that fail: the pods of
// the image that stack local begins with serve on. With -short only the first shortChanges are tried.
var settingChanges = []settingChange{
	{setting: "gateway.image", value: "zoomcamp-10-gateway:003-broken", fails: []string{"Deployment gateway is not rolled out", "ImagePullBackOff", "the 2 ready pods of the previous revision still serve"}},
	{setting: "gateway.image", value: "zoomcamp-10-gateway:003-crashing", fails: []string{"Deployment gateway is not rolled out", "CrashLoopBackOff", "the 2 ready pods of the previous revision still serve"}},
	// With a health path, new pods must stay ready for a shorter time, so the changes below take less time.
	{setting: "gateway.healthPath", value: "/health", with: map[string]any{"gateway.image": "zoomcamp-10-gateway:002"}},
	{setting: "gateway.port", value: 8080, with: map[string]any{"gateway.image": "zoomcamp-10-gateway:8080"}},
	{setting: "gateway.image", value: "zoomcamp-10-gateway:8080-002"},
	// The model starts more slowly than the gateway, as most do: a gateway that did not wait for it would be ready first.
	{setting: "model.name", value: "second-model", with: map[string]any{"model.image": "zoomcamp-10-model:second-slow"}, prepare: thirdModelPod, models: 3},
	{setting: "model.image", value: "zoomcamp-10-model:second-002-broken", fails: []string{"Deployment tf-serving-second-model is not rolled out", "ImagePullBackOff", "ready pods of the previous revision still serve"}},
	{setting: "model.image", value: "zoomcamp-10-model:second-002"},
	{setting: "nodeFailureTimeout", value: "40s"},
	{setting: "nodeStartTimeout", value: "4m"},
	{setting: "model.allowMutableTag", value: true},
	{setting: "model.resources.cpu", value: "900m"},
	{setting: "model.resources.memory", value: "1100Mi"},
	{setting: "model.replicas.max", value: 8},
	{setting: "model.cpuLimit", value: 150},
	{setting: "model.targetCPU", value: 60},
	{setting: "model.scaling.up", value: map[string]any{"stabilization": "5s", "period": "20s", "percent": 150, "pods": 3, "tolerance": 20}},
	{setting: "model.scaling.down", value: map[string]any{"stabilization": "4m", "period": "50s", "percent": 40, "pods": 1}},
	{setting: "model.batching.maxBatchSize", value: 16},
	{setting: "model.batching.timeout", value: "2ms"},
	{setting: "model.batching.maxEnqueuedBatches", value: 50},
	{setting: "model.maxConnectionAge", value: "20s"},
	{setting: "model.startupTimeout", value: "4m"},
	{setting: "model.runAsUser", value: 1001},
	{setting: "model.environment", value: map[string]any{"TF_CPP_MIN_LOG_LEVEL": "1"}},
	{setting: "gateway.allowMutableTag", value: true},
	{setting: "gateway.healthCheck.timeout", value: "9s"},
	{setting: "gateway.healthCheck.interval", value: "14s"},
	{setting: "gateway.healthCheck.failures", value: 3},
	{setting: "gateway.resources.cpu", value: "400m"},
	{setting: "gateway.resources.memory", value: "300Mi"},
	{setting: "gateway.replicas.max", value: 20},
	{setting: "gateway.cpuLimit", value: 150},
	{setting: "gateway.targetCPU", value: 60},
	{setting: "gateway.scaling.up", value: map[string]any{"stabilization": "5s", "period": "20s", "percent": 150, "pods": 3, "tolerance": 20}},
	{setting: "gateway.scaling.down", value: map[string]any{"stabilization": "50s", "period": "50s", "percent": 40, "pods": 1}},
	{setting: "gateway.drainTime", value: "15s"},
	{setting: "gateway.runAsUser", value: 1001},
	{setting: "gateway.environment", value: map[string]any{"GUNICORN_CMD_ARGS": "--threads=4"}},
	{setting: "ingress.allowedCidrs", value: []any{"203.0.113.0/24"}},
	{setting: "gateway.service", value: "LoadBalancer"},
	{setting: "ingress.scheme", value: "internet-facing", with: map[string]any{"gateway.service": "ClusterIP"}},
	{setting: "ingress.host", value: "models.example.com"},
	{setting: "ingress.tlsSecret", value: "models-tls"},
	{setting: "ingress.controllerNamespace", value: "second-ingress"},
	{setting: "ingress.class", value: "traefik", with: map[string]any{"ingress.controllerNamespace": "traefik", "ingress.allowedCidrs": nil, "ingress.scheme": nil}},
	{setting: "ingress.certificateArn", value: "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012", with: map[string]any{"ingress.class": "alb", "ingress.tlsSecret": nil}},
	{setting: "schedule.timeZone", value: "Europe/Berlin", with: map[string]any{"schedule.from": "07:00", "schedule.to": "19:00"}},
	{setting: "schedule.from", value: "06:30"},
	{setting: "schedule.to", value: "20:00"},
	{setting: "schedule.days", value: "mon-sat"},
	{setting: "schedule.image", value: "registry.example.com/kubectl:1"},
	{setting: "namespace", value: "second"},
	{setting: "model.replicas.min", value: 3},
	{setting: "gateway.replicas.min", value: 3},
}

// applicationSettings returns the paths of the settings of the application, from the types of package config. A step of an
// autoscaler's pace is one setting: its fields are parts of one field of one object.
func applicationSettings() (paths []string) {
	var walk func(at string, t reflect.Type)
	walk = func(at string, t reflect.Type) {
		if t.Kind() != reflect.Struct || t == reflect.TypeFor[config.ScalingStep]() {
			paths = append(paths, at)
			return
		}
		for _, field := range reflect.VisibleFields(t) {
			path := strings.TrimPrefix(at+"."+field.Tag.Get("json"), ".")
			if path != "-" && !slices.Contains(platformSettings, path) {
				walk(path, field.Type)
			}
		}
	}
	walk("", reflect.TypeFor[config.Settings]())
	return paths
}

func TestTheTestOfEverySettingChangesEverySettingOfTheApplication(t *testing.T) {
	var changed []string
	for _, c := range settingChanges {
		changed = append(changed, c.setting)
	}
	settings := applicationSettings()
	for _, setting := range settings {
		if !slices.Contains(changed, setting) {
			t.Errorf("no change of setting %s is tried: add another valid value of it to settingChanges", setting)
		}
	}
	for _, setting := range changed {
		if !slices.Contains(settings, setting) {
			t.Errorf("settingChanges has %s, which is no setting of the application", setting)
		}
	}
}

const (
	// slowPodStart is much longer than the API server and the controllers need to react to a change, so that the time between
	// a change and its first ready pod is visible.
	slowPodStart = 4 * time.Second
	// failAfter is the progress deadline of a rollout that must fail. It is longer than a pod's start and the longest
	// minReadySeconds of the application (15 s), which Kubernetes requires.
	failAfter = 20 * time.Second
	// replicas are the pods of each component.
	replicas = 2
	// shortChanges is the number of changes that `make test` tries: those that fail, and those of port, name and image, at which
	// the parts of a stack must follow each other in order.
	shortChanges = 8
)

// What serves keeps serving, whichever setting changes: at each moment as many gateways as before are connected to their
// callers and to a model, and as many models to a gateway. `make up` succeeds if and only if everything is rolled out.
func TestWhateverSettingChangesWhatServesKeepsServing(t *testing.T) {
	t.Parallel()
	// Most of the time goes by while pods start, so two clusters share the changes.
	for _, part := range []struct {
		name     string
		settings *regexp.Regexp
	}{
		{"gateway", regexp.MustCompile(`^(gateway|ingress)\.`)},
		{"model", regexp.MustCompile(`^(model\.|schedule\.|[^.]+$)`)},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t)
			c.Set("local.podStartTime", slowPodStart.String())
			// The surge of a rollout has room, and no node is emptied: nothing but the change moves pods.
			c.Set("nodeGroups", []any{map[string]any{"name": "general", "instanceTypes": []any{"m6i.large"}, "min": 6, "max": 10}})
			c.Set("autoscaler.scaleDownUnneededTime", "1h")
			c.Make("up")
			history := recordHistory(t, c.Client())
			changes := settingChanges
			if testing.Short() {
				changes = changes[:shortChanges]
			}
			for _, change := range changes {
				if part.settings.MatchString(change.setting) {
					t.Run(change.setting, func(t *testing.T) {
						change.try(t, &checkout.Checkout{T: t, Dir: c.Dir, Env: c.Env}, history)
					})
				}
			}
		})
	}
}

// settingsOf returns the stack's settings and where requests come from by them.
func settingsOf(t *testing.T, c *checkout.Checkout) *config.Settings {
	t.Helper()
	settings, err := config.ReadStackFile(filepath.Join(c.Dir, "Pulumi.local.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// try makes the change, runs make up and follows a request through each version of the objects.
func (change *settingChange) try(t *testing.T, c *checkout.Checkout, history *objectHistory) {
	before := settingsOf(t, c)
	c.Set(change.setting, change.value)
	for setting, value := range change.with {
		c.Set(setting, value)
	}
	after := settingsOf(t, c)
	if reflect.DeepEqual(before, after) {
		t.Fatal("the value is the same as before: give settingChanges another one")
	}
	if change.prepare != nil {
		change.prepare(t, c)
	}
	from := callers{controllers: map[string][]string{}, balancer: "10.0.0.10", internet: "203.0.113.1"}
	for _, s := range []*config.Settings{before, after} {
		if known := from.controllers[s.Ingress.Class]; !slices.Contains(known, s.Ingress.ControllerNamespace) {
			from.controllers[s.Ingress.Class] = append(known, s.Ingress.ControllerNamespace)
		}
	}
	wantGateways, wantModels := replicas, max(replicas, change.models)
	begin := time.Now()
	var outages []string // one for each number of pods that serve
	seen := map[string]bool{}
	look := func(at time.Time) {
		s, err := servingAt(history, from)
		if err != nil {
			t.Fatal(err)
		}
		if s.noEntrypoint && before.Gateway.Service != after.Gateway.Service {
			return // one Service cannot have a load balancer and be behind an Ingress; its address changes in any case
		}
		if len(s.gateways) < wantGateways || len(s.models) < wantModels {
			if text := fmt.Sprintf("%d of %d gateways and %d of %d models serve", len(s.gateways), wantGateways, len(s.models), wantModels); !seen[text] {
				seen[text] = true
				outages = append(outages, fmt.Sprintf("%.1f s after the change %s: %s", at.Sub(begin).Seconds(), text, strings.Join(s.missing, "; ")))
			}
		}
	}
	// What happened until now belongs to the change before or to the preparation.
	if err := history.replay(t.Context(), func(time.Time) {}); err != nil {
		t.Fatal(err)
	}
	if look(begin); len(outages) > 0 {
		t.Fatalf("before the change: %v", outages)
	}
	up := c.Start("make", "up")
	failing, stop := context.WithCancel(t.Context())
	defer stop()
	if len(change.fails) > 0 {
		go shortenDeadline(failing, t, c, after)
	}
	out, err := up.Wait()
	took := time.Since(begin)
	if e := history.replay(t.Context(), look); e != nil {
		t.Fatal(e)
	}
	look(time.Now()) // also if nothing has changed
	t.Logf("make up: %.1f s, error %v", took.Seconds(), err)
	for _, outage := range outages {
		t.Error(outage)
	}
	if len(change.fails) == 0 && err != nil {
		t.Fatalf("make up: %v\n%s", err, out)
	}
	if len(change.fails) > 0 && err == nil {
		t.Errorf("make up succeeds with pods that do not start:\n%s", out)
	}
	for _, text := range change.fails {
		if !strings.Contains(out, text) {
			t.Errorf("make up does not print %q:\n%s", text, out)
		}
	}
	if err == nil {
		rolledOutAs(t, history, after)
	}
}

// rolledOutAs fails the test unless the gateway and the model server of the settings are the application's only Deployments,
// with all of their pods new and available.
func rolledOutAs(t *testing.T, history *objectHistory, s *config.Settings) {
	t.Helper()
	images := map[string]string{}
	for _, d := range all[*appsv1.Deployment](history) {
		images[d.Namespace+"/"+d.Name] = d.Spec.Template.Spec.Containers[0].Image
		if is := d.Status; is.ObservedGeneration != d.Generation || is.UpdatedReplicas != *d.Spec.Replicas || is.AvailableReplicas != *d.Spec.Replicas || is.Replicas != *d.Spec.Replicas {
			t.Errorf("make up succeeds, and Deployment %s of %d pods has status %+v", d.Name, *d.Spec.Replicas, is)
		}
	}
	if want := map[string]string{s.Namespace + "/gateway": s.Gateway.Image, s.Namespace + "/tf-serving-" + s.Model.Name: s.Model.Image}; !maps.Equal(images, want) {
		t.Errorf("make up succeeds, and the Deployments run %v, want %v", images, want)
	}
}

// shortenDeadline makes the rollout of an image that does not start fail after failAfter. The deadlines of the settings allow
// for nodes that boot and models that load, and take many minutes.
func shortenDeadline(ctx context.Context, t *testing.T, c *checkout.Checkout, s *config.Settings) {
	client := c.Client().AppsV1().Deployments(s.Namespace)
	patch := fmt.Appendf(nil, `{"spec":{"progressDeadlineSeconds":%d}}`, int(failAfter.Seconds()))
	for ctx.Err() == nil {
		list, err := client.List(ctx, metav1.ListOptions{})
		if err == nil {
			for _, d := range list.Items {
				image := d.Spec.Template.Spec.Containers[0].Image
				if (image == s.Gateway.Image || image == s.Model.Image) && (strings.HasSuffix(image, "-broken") || strings.HasSuffix(image, "-crashing")) && *d.Spec.ProgressDeadlineSeconds != int32(failAfter.Seconds()) {
					_, err = client.Patch(ctx, d.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			t.Errorf("shortening the progress deadline: %v", err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// thirdModelPod makes the autoscaler of the model keep 3 pods.
func thirdModelPod(t *testing.T, c *checkout.Checkout) {
	const pods = 3
	s := settingsOf(t, c)
	name := "tf-serving-clothing-model"
	patch := fmt.Appendf(nil, `{"spec":{"minReplicas":%d}}`, pods)
	if _, err := c.Client().AutoscalingV2().HorizontalPodAutoscalers(s.Namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	checkout.Eventually(t, "the model has 3 ready pods", func(ctx context.Context) error {
		list, err := c.Client().CoreV1().Pods(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=model-server"})
		if err != nil {
			return err
		}
		list.Items = slices.DeleteFunc(list.Items, func(p corev1.Pod) bool {
			return !checkout.PodReady(&p) || strings.HasSuffix(p.Spec.Containers[0].Image, "-broken")
		})
		if len(list.Items) != pods {
			return fmt.Errorf("it has %d", len(list.Items))
		}
		return nil
	})
}
