package workload

import (
	"testing"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
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

// A Deployment that stated its replicas would undo what the autoscaler did, at every update.
func TestAnAutoscalerOwnsTheNumberOfPodsEvenIfThatIsFixed(t *testing.T) {
	engine := mockengine.New("")
	if err := engine.Run(func(ctx *pulumi.Context) error {
		deployment, err := appsv1.NewDeployment(ctx, "server", &appsv1.DeploymentArgs{})
		if err != nil {
			return err
		}
		step := ScalingStep{Stabilization: time.Minute, Period: 30 * time.Second, Percent: 100}
		id := Identity{Component: "server", Name: "server", Instance: "one"}
		return Protect(ctx, "server", pulumi.String("default"), id, deployment, Scaling{Min: 3, Max: 3, TargetCPU: 70, Up: step, Down: step})
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
	autoscaler := engine.Get(t, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "server")
	if !engine.DependsOn(autoscaler, engine.Get(t, "kubernetes:apps/v1:Deployment", "server")) {
		t.Error("the autoscaler does not wait for the Deployment that it scales")
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
