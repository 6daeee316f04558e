package program

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

func (g *graph) registered(t *testing.T, token, name string) *registered {
	t.Helper()
	i := slices.IndexFunc(g.resources, func(r *registered) bool { return r.TypeToken == token && r.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s %s", token, name)
	}
	return g.resources[i]
}

func TestObjectsComeAfterTheNamespaceAndItsPolicies(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		ns := g.registered(t, "kubernetes:core/v1:Namespace", "tfserving")
		before := []*registered{
			ns,
			g.registered(t, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "tfserving-default-deny"),
			g.registered(t, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "tfserving-allow-dns"),
			g.registered(t, "kubernetes:core/v1:ResourceQuota", "tfserving"),
			g.registered(t, "kubernetes:core/v1:LimitRange", "tfserving"),
		}
		for _, r := range g.kubernetesObjects() {
			if r == ns {
				continue
			}
			if got := r.meta.GetNamespace(); got != g.settings.Namespace {
				t.Errorf("%s is in namespace %q, want %q", r, got, g.settings.Namespace)
			}
			needs := before
			if slices.Contains(before, r) {
				needs = before[:1]
			}
			for _, b := range needs {
				if !g.comesAfter(r, b) {
					t.Errorf("%s does not wait for %s", r, b)
				}
			}
			if g.comesAfter(r, r) {
				t.Errorf("%s waits for itself", r)
			}
		}
	})
}

func TestPodsComeAfterWhatProtectsThemAndAutoscalersAfterPods(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			d, ok := r.object.(*appsv1.Deployment)
			if !ok {
				continue
			}
			for _, other := range g.kubernetesObjects() {
				if other.RegisterRPC.GetParent() != r.RegisterRPC.GetParent() {
					continue
				}
				first, second := other, r
				switch o := other.object.(type) {
				case *networkingv1.NetworkPolicy, *corev1.ServiceAccount, *corev1.ConfigMap:
				case *corev1.Service:
					if o.Spec.Type == corev1.ServiceTypeLoadBalancer {
						// The Kubernetes plugin waits for a load balancer's pods, so they cannot wait for it.
						if g.comesAfter(r, other) || o.Annotations["pulumi.com/skipAwait"] != "" {
							t.Errorf("%s: `up` would never end, or not know the load balancer's address", d.Name)
						}
						continue
					}
					if o.Annotations["pulumi.com/skipAwait"] != "true" {
						t.Errorf("%s comes before its pods, and the plugin waits for them", other)
					}
				case *autoscalingv2.HorizontalPodAutoscaler:
					first, second = r, other
				default:
					continue
				}
				if !g.comesAfter(second, first) {
					t.Errorf("%s does not wait for %s", second, first)
				}
			}
		}
		gateway := g.registered(t, "kubernetes:apps/v1:Deployment", "gateway")
		model := g.registered(t, "kubernetes:core/v1:Service", "tf-serving-"+g.settings.Model.Name)
		if !g.comesAfter(gateway, model) {
			t.Errorf("%s does not wait for %s, which it calls", gateway, model)
		}
	})
}

func TestEveryObjectUsesTheExplicitProvider(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		provider := g.registered(t, "pulumi:providers:kubernetes", "kubernetes")
		want := provider.urn + "::" + provider.Name + "-id"
		for _, r := range g.kubernetesObjects() {
			if r.Provider != want {
				t.Errorf("%s uses provider %q, want %q", r, r.Provider, want)
			}
		}
	})
}

func TestObjectsAreParentedToTheirComponent(t *testing.T) {
	token := regexp.MustCompile(`^tfserving:([a-z]+):([A-Z][A-Za-z]+)$`)
	everywhere(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			parent := resource.URN(r.RegisterRPC.GetParent())
			switch {
			case r.object != nil:
				p := g.byURN[string(parent)]
				if p == nil || p.Custom {
					t.Errorf("%s has parent %q, want a component", r, parent)
				}
			case !r.Custom:
				m := token.FindStringSubmatch(r.TypeToken)
				if m == nil || !strings.EqualFold(m[1], m[2]) {
					t.Errorf("component type is %s, want tfserving:<package>:<Thing>", r.TypeToken)
				}
				if parent.QualifiedType() != resource.RootStackType {
					t.Errorf("%s has parent %q, want the stack: components know nothing of each other", r, parent)
				}
			case r.TypeToken != "pulumi:providers:kubernetes":
				t.Errorf("%s is neither a component, a Kubernetes object nor a provider", r)
			}
		}
	})
}
