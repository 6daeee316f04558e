package program

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"tfserving/config"
	"tfserving/resource"
)

// autoscalerOf returns the HorizontalPodAutoscaler that scales a Deployment, or nil.
func autoscalerOf(g *graph, d *appsv1.Deployment) *autoscalingv2.HorizontalPodAutoscaler {
	for _, h := range objects[*autoscalingv2.HorizontalPodAutoscaler](g) {
		if ref := h.Spec.ScaleTargetRef; ref.APIVersion == "apps/v1" && ref.Kind == "Deployment" && ref.Name == d.Name {
			return h
		}
	}
	return nil
}

// scalingOf returns the settings for the scaling of a Deployment.
func scalingOf(g *graph, d *appsv1.Deployment) (config.Replicas, int, config.Scaling) {
	if d.Name == "gateway" {
		return g.settings.Gateway.Replicas, g.settings.Gateway.TargetCPU, g.settings.Gateway.Scaling
	}
	return g.settings.Model.Replicas, g.settings.Model.TargetCPU, g.settings.Model.Scaling
}

func TestOnlyTheAutoscalerSetsTheNumberOfPods(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		if autoscalerOf(g, d) == nil {
			t.Errorf("%s has no autoscaler", d.Name)
		}
		replicas, _, _ := scalingOf(g, d)
		if got := int(ptr.Deref(d.Spec.Replicas, 1)); got != replicas.Min {
			t.Errorf("%s starts with %d pods, want its minimum of %d", d.Name, got, replicas.Min)
		}
		if !slices.Contains(g.resource(t, resource.Deployment, d.Name).RegisterRPC.GetIgnoreChanges(), "spec.replicas") {
			t.Errorf("each update of %s would restore its first number of pods over the autoscaler's number", d.Name)
		}
	})
}

// Such as the new Deployment of a model with another name.
func TestANewDeploymentStartsWithAsManyPodsAsItsComponentHas(t *testing.T) {
	for have, want := range map[int]int32{0: 2, 2: 2, 5: 5, 9: 6} { // the model has 2 to 6 pods
		model := func(account *fakeAWS) *appsv1.Deployment {
			g, err := newEKSGraph("staging", "", account)
			if err != nil {
				t.Fatal(err)
			}
			if d := objectNamed[*appsv1.Deployment](t, g, "gateway"); *d.Spec.Replicas != 2 {
				t.Errorf("with %d pods of the model, the gateway starts with %d pods, want its minimum of 2", have, *d.Spec.Replicas)
			}
			if g.secretReplicas() {
				t.Error("the number of pods is a secret, as the kubeconfig is: no preview shows the Deployment")
			}
			return objectNamed[*appsv1.Deployment](t, g, "tf-serving-"+g.settings.Model.Name)
		}
		account := newFakeAWS()
		account.replicas = map[string]int{"model-server": have}
		if got := *model(account).Spec.Replicas; got != want {
			t.Errorf("with %d pods of the model, a new one starts with %d, want %d", have, got, want)
		}
		account.replicasErr = errors.New("connection refused")
		if got := *model(account).Spec.Replicas; got != 2 {
			t.Errorf("if the cluster does not answer, a new model starts with %d pods, want its minimum of 2", got)
		}
	}
}

// Pulumi deletes what a stack no longer has once the program has ended.
func TestTheProgramEndsOnceEveryDeploymentIsRolledOut(t *testing.T) {
	account := newFakeAWS()
	if _, err := newEKSGraph("staging", "", account); err != nil || !account.waited {
		t.Errorf("with all rolled out, the program asks: %v, and its error is %v", account.waited, err)
	}
	for i := range account.deployments {
		account := newFakeAWS()
		d := &account.deployments[i]
		d.Status.UpdatedReplicas = 1
		d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse}}
		if _, err := newEKSGraph("staging", "", account); err == nil || !strings.Contains(err.Error(), "Deployment "+d.Name+" is not rolled out") {
			t.Errorf("with a failed rollout of %s, the program's error is %v", d.Name, err)
		}
	}
}

func TestAutoscalersFollowTheSettings(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, h := range objects[*autoscalingv2.HorizontalPodAutoscaler](g) {
			d := objectNamed[*appsv1.Deployment](t, g, h.Spec.ScaleTargetRef.Name)
			if autoscalerOf(g, d) != h {
				t.Fatalf("%s scales %+v, want Deployment %s, which no other autoscaler scales", h.Name, h.Spec.ScaleTargetRef, d.Name)
			}
			replicas, target, pace := scalingOf(g, d)
			if h.Spec.MinReplicas == nil || int(*h.Spec.MinReplicas) != replicas.Min || int(h.Spec.MaxReplicas) != replicas.Max {
				t.Errorf("%s keeps %d to %d pods, want %d to %d", h.Name, ptr.Deref(h.Spec.MinReplicas, 1), h.Spec.MaxReplicas, replicas.Min, replicas.Max)
			} else if *h.Spec.MinReplicas > h.Spec.MaxReplicas {
				t.Errorf("%s has min %d above max %d", h.Name, *h.Spec.MinReplicas, h.Spec.MaxReplicas)
			}
			if len(h.Spec.Metrics) != 1 || h.Spec.Metrics[0].Resource == nil || h.Spec.Metrics[0].Resource.Name != corev1.ResourceCPU {
				t.Fatalf("%s scales by %v, want CPU", h.Name, h.Spec.Metrics)
			}
			if u := h.Spec.Metrics[0].Resource.Target.AverageUtilization; u == nil || int(*u) != target {
				t.Errorf("%s aims at %d %%, want %d %%", h.Name, ptr.Deref(u, 0), target)
			}
			for _, c := range d.Spec.Template.Spec.Containers {
				if c.Resources.Requests.Cpu().IsZero() {
					t.Errorf("%s scales by a share of the CPU request, but container %s of %s has no request", h.Name, c.Name, d.Name)
				}
			}
			if h.Spec.Behavior == nil {
				t.Fatalf("%s has no behaviour", h.Name)
			}
			checkScalingRules(t, h.Name+" up", h.Spec.Behavior.ScaleUp, pace.Up)
			checkScalingRules(t, h.Name+" down", h.Spec.Behavior.ScaleDown, pace.Down)
		}
	})
}

// checkScalingRules checks one direction of an autoscaler's behaviour.
func checkScalingRules(t *testing.T, what string, got *autoscalingv2.HPAScalingRules, want config.ScalingStep) {
	t.Helper()
	if got == nil || got.StabilizationWindowSeconds == nil || got.SelectPolicy == nil {
		t.Errorf("%s: behaviour is %+v, want a window and a policy", what, got)
		return
	}
	if w := time.Duration(*got.StabilizationWindowSeconds) * time.Second; w != want.Stabilization {
		t.Errorf("%s: stabilization is %s, want %s", what, w, want.Stabilization)
	}
	if *got.SelectPolicy != autoscalingv2.MaxChangePolicySelect {
		t.Errorf("%s: selects the %s step, want the larger one", what, *got.SelectPolicy)
	}
	// Kubernetes' own is left out: before 1.35 the API server refuses or drops the field.
	tolerance := ptr.Deref(got.Tolerance, apiresource.MustParse("0.1"))
	if share := int(tolerance.MilliValue() / 10); share != want.Tolerance || (got.Tolerance == nil) != (share == 10) {
		t.Errorf("%s: tolerance is %v, want %d %% and the field only if it is not 10 %%", what, got.Tolerance, want.Tolerance)
	}
	steps := map[autoscalingv2.HPAScalingPolicyType]int{}
	for _, p := range got.Policies {
		steps[p.Type] = int(p.Value)
		if period := time.Duration(p.PeriodSeconds) * time.Second; period != want.Period {
			t.Errorf("%s: period is %s, want %s", what, period, want.Period)
		}
		if p.Value < 1 {
			t.Errorf("%s: a %s step of %d, which the API server rejects", what, p.Type, p.Value)
		}
	}
	if steps[autoscalingv2.PercentScalingPolicy] != want.Percent || steps[autoscalingv2.PodsScalingPolicy] != want.Pods {
		t.Errorf("%s: steps are %v, want %d %% and %d pods", what, steps, want.Percent, want.Pods)
	}
}

func TestOnePodMayAlwaysBeEvicted(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		b := objectNamed[*policyv1.PodDisruptionBudget](t, g, d.Name)
		if b.Spec.MinAvailable != nil {
			t.Errorf("%s has minAvailable %s: with no more pods than that, a node can never be drained", b.Name, b.Spec.MinAvailable)
		}
		if m := b.Spec.MaxUnavailable; m == nil || m.Type != intstr.Int || m.IntVal < 1 {
			t.Errorf("%s has maxUnavailable %v, want 1 pod or more", b.Name, m)
		}
		if p := b.Spec.UnhealthyPodEvictionPolicy; p == nil || *p != policyv1.AlwaysAllow {
			t.Errorf("%s has unhealthyPodEvictionPolicy %s, want AlwaysAllow: a pod that is not ready must not stop the drain of a node", b.Name, ptr.Deref(p, policyv1.IfHealthyBudget))
		}
	})
}

// surge returns how many pods a rollout of a Deployment with that many pods may add.
func surge(t *testing.T, d *appsv1.Deployment, pods int) int {
	t.Helper()
	r := d.Spec.Strategy.RollingUpdate
	if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || r == nil || r.MaxSurge == nil || r.MaxUnavailable == nil {
		t.Fatalf("%s has strategy %+v, want a rolling update with maxSurge and maxUnavailable", d.Name, d.Spec.Strategy)
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(r.MaxSurge, pods, true)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRollingUpdateAddsAPodBeforeItRemovesOne(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		if surge(t, d, 1) < 1 {
			t.Errorf("%s has maxSurge %s, want more than 0", d.Name, d.Spec.Strategy.RollingUpdate.MaxSurge)
		}
		if m := d.Spec.Strategy.RollingUpdate.MaxUnavailable; m.String() != "0" {
			t.Errorf("%s has maxUnavailable %s, want 0", d.Name, m)
		}
	})
}

func TestQuotaHasRoomForEveryPodOfARollout(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		pods := 0
		for _, d := range objects[*appsv1.Deployment](g) {
			if slices.Contains(g.moreModels, strings.TrimPrefix(d.Name, "tf-serving-")) {
				continue // a model server that the test adds; the program does not size the quota for it
			}
			replicas, _, _ := scalingOf(g, d)
			pods += replicas.Max + surge(t, d, replicas.Max)
		}
		quota := objects[*corev1.ResourceQuota](g)[0]
		// Pods that drain count until they have ended, and there may be as many of them.
		if got := quota.Spec.Hard.Pods().Value(); got < int64(2*pods) {
			t.Errorf("the quota is %d pods, but a rollout of both Deployments at their maximum needs %d, and as many drain", got, pods)
		}
		if lb := quota.Spec.Hard[corev1.ResourceServicesLoadBalancers]; g.settings.Gateway.Service == "LoadBalancer" && lb.Value() < 1 {
			t.Errorf("the quota has no room for the gateway's load balancer")
		}
	})
}
