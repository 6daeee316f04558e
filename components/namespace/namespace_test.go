package namespace

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/internal/mockengine"
)

const (
	platformType = "test:index:Platform"
	podType      = "test:index:Pod"
)

// newTestNamespace registers a namespace that waits for a platform, and a pod in it.
func newTestNamespace(t *testing.T, args Args) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New("")
	if err := engine.Run(func(ctx *pulumi.Context) error {
		var platform, pod pulumi.CustomResourceState
		if err := ctx.RegisterResource(platformType, "platform", nil, &platform); err != nil {
			return err
		}
		args.Name = "models"
		args.Ready = pulumi.OutputWithDependencies(ctx.Context(), pulumi.String("ready").ToStringOutput(), &platform).(pulumi.StringOutput)
		ns, err := NewNamespace(ctx, "tfserving", &args)
		if err != nil {
			return err
		}
		return ctx.RegisterResource(podType, "pod", pulumi.Map{"namespace": ns.Name}, &pod)
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestPodsComeAfterThePlatformAndAllThatProtectsTheNamespace(t *testing.T) {
	engine := newTestNamespace(t, Args{MaxPods: 10})
	pod := engine.Get(t, podType, "pod")
	if got := pod.Inputs["namespace"].StringValue(); got != "models" {
		t.Errorf("the pod is in namespace %q, want models", got)
	}
	for _, earlier := range []struct{ token, name string }{
		{platformType, "platform"},
		{"kubernetes:core/v1:Namespace", "tfserving"},
		{"kubernetes:networking.k8s.io/v1:NetworkPolicy", "tfserving-default-deny"},
		{"kubernetes:networking.k8s.io/v1:NetworkPolicy", "tfserving-allow-dns"},
		{"kubernetes:core/v1:ResourceQuota", "tfserving"},
		{"kubernetes:core/v1:LimitRange", "tfserving"},
	} {
		if !engine.DependsOn(pod, engine.Get(t, earlier.token, earlier.name)) {
			t.Errorf("the pod does not wait for %s %s", earlier.token, earlier.name)
		}
	}
}

func TestRootLowersTheEnforcedPodSecurityLevelAndNoOther(t *testing.T) {
	for allowRoot, enforced := range map[bool]string{false: "restricted", true: "baseline"} {
		engine := newTestNamespace(t, Args{AllowRoot: allowRoot, Labels: map[string]string{"example.com/team": "shoes"}})
		labels := mockengine.ObjectOf[*corev1.Namespace](t, engine, "tfserving").Labels
		for key, want := range map[string]string{
			"pod-security.kubernetes.io/enforce": enforced,
			"pod-security.kubernetes.io/warn":    "restricted",
			"pod-security.kubernetes.io/audit":   "restricted",
			"example.com/team":                   "shoes",
		} {
			if labels[key] != want {
				t.Errorf("root allowed: %v: label %s is %q, want %q", allowRoot, key, labels[key], want)
			}
		}
	}
}

// The API server would give a default limit to the gateway, which has none so that the autoscaler sees the whole of a spike.
func TestTheNamespaceHasNoDefaultLimitOfCPU(t *testing.T) {
	limits := mockengine.ObjectOf[*corev1.LimitRange](t, newTestNamespace(t, Args{}), "tfserving").Spec.Limits[0]
	if cpu, limited := limits.Default[corev1.ResourceCPU]; limited {
		t.Errorf("a container without a CPU limit gets %s", cpu.String())
	}
	if limits.Default.Memory().IsZero() || limits.DefaultRequest.Cpu().IsZero() || limits.DefaultRequest.Memory().IsZero() {
		t.Errorf("a container that states nothing gets the limits %v and the requests %v", limits.Default, limits.DefaultRequest)
	}
}

func TestNoPodSendsOrReceivesAnythingByDefault(t *testing.T) {
	deny := mockengine.ObjectOf[*networkingv1.NetworkPolicy](t, newTestNamespace(t, Args{}), "tfserving-default-deny").Spec
	if len(deny.PodSelector.MatchLabels)+len(deny.PodSelector.MatchExpressions)+len(deny.Ingress)+len(deny.Egress) > 0 || len(deny.PolicyTypes) != 2 {
		t.Errorf("the default policy is %+v, want one for every pod, both directions and no exception", deny)
	}
}
