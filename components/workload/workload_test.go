package workload

import (
	"slices"
	"testing"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	policyv1 "k8s.io/api/policy/v1"

	"tfserving/internal/mockengine"
)

func TestARolloutAddsAQuarterOfThePodsRoundedUp(t *testing.T) {
	for most, want := range map[int]int{1: 2, 3: 4, 4: 5, 5: 7, 8: 10, 20: 25} {
		if got := (Scaling{Min: 1, Max: most}).MaxPods(); got != want {
			t.Errorf("of at most %d pods there are %d during a rollout, want %d", most, got, want)
		}
	}
}

// newServer registers a Deployment with its autoscaler and its disruption budget.
func newServer(ctx *pulumi.Context, args *DeploymentArgs) error {
	id := Identity{Component: "server", Name: "server", Instance: "one"}
	args.Namespace, args.Pod = pulumi.String("default"), &corev1.PodSpecArgs{}
	if _, err := NewDeployment(ctx, "server", id, args); err != nil {
		return err
	}
	return Protect(ctx, "server", args.Namespace, id, args.Scaling)
}

// An update must not undo what the autoscaler did.
func TestAnAutoscalerOwnsTheNumberOfPodsEvenIfThatIsFixed(t *testing.T) {
	engine := mockengine.New("")
	if err := engine.Run(func(ctx *pulumi.Context) error {
		step := ScalingStep{Stabilization: time.Minute, Period: 30 * time.Second, Percent: 100}
		return newServer(ctx, &DeploymentArgs{InitialReplicas: pulumi.Int(3), Scaling: Scaling{Min: 3, Max: 3, TargetCPU: 70, Up: step, Down: step}})
	}); err != nil {
		t.Fatal(err)
	}
	scaler := mockengine.ObjectOf[*autoscalingv2.HorizontalPodAutoscaler](t, engine, "server").Spec
	if *scaler.MinReplicas != 3 || scaler.MaxReplicas != 3 || scaler.ScaleTargetRef.Name != "server" {
		t.Errorf("the autoscaler keeps %s from %d to %d pods, want server at 3", scaler.ScaleTargetRef.Name, *scaler.MinReplicas, scaler.MaxReplicas)
	}
	// A budget in pods that must run would block the drain of the last pod's node for ever.
	budget := mockengine.ObjectOf[*policyv1.PodDisruptionBudget](t, engine, "server").Spec
	if budget.MinAvailable != nil || budget.MaxUnavailable.IntValue() != 1 {
		t.Errorf("the disruption budget is %+v, want at most 1 pod missing", budget)
	}
	autoscaler, deployment := engine.Get(t, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "server"), engine.Get(t, "kubernetes:apps/v1:Deployment", "server")
	if engine.DependsOn(autoscaler, deployment) {
		t.Error("the autoscaler waits until the Deployment has rolled out, so pods that start slowly have none")
	}
	if ignored := deployment.RegisterRPC.GetIgnoreChanges(); !slices.Contains(ignored, "spec.replicas") {
		t.Errorf("the Deployment ignores changes of %v, want spec.replicas among them", ignored)
	}
}

// The deadlines are calculated by hand: 5m for a node and, for each wave, 1m of drain, 4m of start and 10s until an old pod
// may end.
func TestDeadlinesOfARolloutFollowFromItsTimesAndWaves(t *testing.T) {
	rollout := Rollout{NodeStart: 5 * time.Minute, Start: 4 * time.Minute, MinReady: 10 * time.Second, Drain: time.Minute}
	for most, want := range map[int]string{
		1: "11m10s", // 1 wave: 5m + 5m10s + 1m
		3: "21m30s", // 3 waves of 1 pod: 5m + 15m30s + 1m
		4: "26m40s", // 4 waves of 1 pod: 5m + 20m40s + 1m
		6: "26m40s", // 6 pods have 3 waves of 2 pods, and 4 pods, which there may be, too, have 4
	} {
		engine := mockengine.New("")
		if err := engine.Run(func(ctx *pulumi.Context) error {
			return newServer(ctx, &DeploymentArgs{InitialReplicas: pulumi.Int(1), Scaling: Scaling{Min: 1, Max: most}, Rollout: rollout})
		}); err != nil {
			t.Fatal(err)
		}
		timeouts := engine.Get(t, "kubernetes:apps/v1:Deployment", "server").RegisterRPC.GetCustomTimeouts()
		if got := timeouts.GetCreate(); got != want || timeouts.GetUpdate() != got {
			t.Errorf("with at most %d pods an up waits for %s and %s, want %s", most, got, timeouts.GetUpdate(), want)
		}
		if got := timeouts.GetDelete(); got != "11m0s" {
			t.Errorf("a deletion waits for %s, want the drain and 10 minutes", got)
		}
		spec := mockengine.ObjectOf[*appsv1.Deployment](t, engine, "server").Spec
		if got := *spec.ProgressDeadlineSeconds; got != 11*60+10 || spec.MinReadySeconds != 10 {
			t.Errorf("the progress deadline is %d s and a pod is available after %d s, want 670 and 10", got, spec.MinReadySeconds)
		}
	}
}

func TestEnvironmentVariablesAreInAlphabeticalOrder(t *testing.T) {
	vars := map[string]string{"D": "4", "A": "1", "C": "3", "B": "2"}
	for range 20 { // the order of a map is random
		for i, v := range Environment(vars) {
			if got, want := v.(*corev1.EnvVarArgs).Name, pulumi.String(rune('A'+i)); got != want {
				t.Fatalf("variable %d is %v, want %s", i, got, want)
			}
		}
	}
}
