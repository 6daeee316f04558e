package modelserver

import (
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"tfserving/components/workload"
	"tfserving/internal/mockengine"
)

// newTestServer registers the server of model "shoes" and a client of its endpoint.
func newTestServer(t *testing.T, args Args) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New("")
	if err := engine.Run(func(ctx *pulumi.Context) error {
		args.Namespace, args.Model, args.Image = pulumi.String("models"), "shoes", pulumi.String("tensorflow/serving:2.19.0")
		args.Resources, args.Scaling = workload.Resources{CPU: "1", Memory: "1Gi"}, workload.Scaling{Min: 1, Max: 2, TargetCPU: 70}
		args.InitialReplicas = pulumi.Int(1)
		server, err := NewModelServer(ctx, "shoes", &args)
		if err != nil {
			return err
		}
		var client pulumi.CustomResourceState
		return ctx.RegisterResource("test:index:Client", "client", pulumi.Map{"endpoint": server.Endpoint}, &client)
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestTheEndpointIsTheGRPCPortOfTheService(t *testing.T) {
	got := newTestServer(t, Args{}).Get(t, "test:index:Client", "client").Inputs["endpoint"].StringValue()
	if want := "tf-serving-shoes.models.svc.cluster.local:8500"; got != want {
		t.Errorf("the endpoint is %s, want %s", got, want)
	}
}

func TestAPodServesUntilItsOldestConnectionHasEnded(t *testing.T) {
	for age, want := range map[time.Duration]int64{
		7 * time.Second:  13, // 5 s until callers notice, and 7.7 s, rounded up
		30 * time.Second: 38,
		10 * time.Minute: 665,
	} {
		pod := mockengine.ObjectOf[*appsv1.Deployment](t, newTestServer(t, Args{MaxConnectionAge: age}), "tf-serving-shoes").Spec.Template.Spec
		if got := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds; got != want || *pod.TerminationGracePeriodSeconds <= got {
			t.Errorf("connections of at most %v: a pod drains for %d s and is killed after %d s, want %d s and later", age, got, *pod.TerminationGracePeriodSeconds, want)
		}
	}
}

// When the model's name changes, the last old gateways drain while the old model is deleted.
func TestAPodServesAsLongAsItsCallersDrain(t *testing.T) {
	pod := mockengine.ObjectOf[*appsv1.Deployment](t, newTestServer(t, Args{MaxConnectionAge: 30 * time.Second, CallersDrain: 55 * time.Second}), "tf-serving-shoes").Spec.Template.Spec
	if got := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds; got != 55 || *pod.TerminationGracePeriodSeconds <= got {
		t.Errorf("callers drain for 55 s: a pod drains for %d s and is killed after %d s, want 55 s and later", got, *pod.TerminationGracePeriodSeconds)
	}
}

// The server reads its batching file only when it starts, and pods of the file before may start again.
func TestAnotherBatchingFileIsAnotherConfigMap(t *testing.T) {
	name := func(b *Batching) string {
		engine := newTestServer(t, Args{Batching: b})
		for _, v := range mockengine.ObjectOf[*appsv1.Deployment](t, engine, "tf-serving-shoes").Spec.Template.Spec.Volumes {
			if v.ConfigMap != nil {
				if m := mockengine.ObjectOf[*corev1.ConfigMap](t, engine, "tf-serving-shoes"); m.Name != v.ConfigMap.Name || m.Immutable == nil || !*m.Immutable {
					t.Errorf("the pods mount %s, and the ConfigMap is %+v, want an immutable one of that name", v.ConfigMap.Name, m)
				}
				return v.ConfigMap.Name
			}
		}
		return ""
	}
	first, same, other := name(&Batching{MaxBatchSize: 8}), name(&Batching{MaxBatchSize: 8}), name(&Batching{MaxBatchSize: 16})
	if first == "" || first != same || first == other {
		t.Errorf("the pods mount ConfigMap %q, %q for the same file and %q for another", first, same, other)
	}
	if none := name(nil); none != "" {
		t.Errorf("pods without batching mount ConfigMap %q", none)
	}
}
