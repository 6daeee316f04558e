package program

import (
	"regexp"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// componentLabels are the values of the component label, by the type of the component that makes the object.
var componentLabels = map[string]string{
	"tfserving:gateway:Gateway":         "gateway",
	"tfserving:modelserver:ModelServer": "model-server",
	"tfserving:namespace:Namespace":     "namespace",
}

func TestEveryObjectCarriesTheFiveLabels(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			carriesTheFiveLabels(t, g, r, "", r.meta.GetLabels())
			if d, ok := r.object.(*appsv1.Deployment); ok {
				carriesTheFiveLabels(t, g, r, "'s pods", d.Spec.Template.Labels)
			}
		}
	})
}

func carriesTheFiveLabels(t *testing.T, g *graph, r *registered, of string, got map[string]string) {
	t.Helper()
	parent := g.byURN[r.RegisterRPC.GetParent()]
	if parent == nil {
		t.Errorf("%s has no component as its parent", r)
		return
	}
	instance := parent.Name
	if parent.TypeToken == "tfserving:namespace:Namespace" {
		instance = g.settings.Namespace
	}
	for key, want := range map[string]string{
		"part-of": "tfserving", "managed-by": "pulumi", "component": componentLabels[parent.TypeToken], "instance": instance,
	} {
		if got := got["app.kubernetes.io/"+key]; got != want {
			t.Errorf("%s%s: label app.kubernetes.io/%s is %q, want %q", r, of, key, got, want)
		}
	}
	if got["app.kubernetes.io/name"] == "" {
		t.Errorf("%s%s: label app.kubernetes.io/name is missing", r, of)
	}
	for key, value := range got {
		if errs := validation.IsValidLabelValue(value); len(errs) > 0 {
			t.Errorf("%s%s: label %s is %q: %v", r, of, key, value, errs)
		}
	}
}

func TestNamesAreNamesThatKubernetesTakes(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		seen := map[string]bool{}
		for _, r := range g.kubernetesObjects() {
			check := validation.IsDNS1123Subdomain
			if _, ok := r.object.(*corev1.Service); ok {
				check = validation.IsDNS1035Label
			}
			if errs := check(r.meta.GetName()); len(errs) > 0 {
				t.Errorf("%s is named %q: %v", r, r.meta.GetName(), errs)
			}
			id := r.object.GetObjectKind().GroupVersionKind().Kind + " " + r.meta.GetName()
			if seen[id] {
				t.Errorf("there are two of %s", id)
			}
			seen[id] = true
		}
	})
}

// selected are the Deployments whose pods a selector matches.
func selected(t *testing.T, g *graph, s *metav1.LabelSelector) []*appsv1.Deployment {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	var all []*appsv1.Deployment
	for _, d := range objects[*appsv1.Deployment](g) {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			all = append(all, d)
		}
	}
	return all
}

func TestSelectorsMatchThePodsOfExactlyOneDeployment(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			var selector *metav1.LabelSelector
			switch o := r.object.(type) {
			case *appsv1.Deployment:
				selector = o.Spec.Selector
			case *corev1.Service:
				selector = &metav1.LabelSelector{MatchLabels: o.Spec.Selector}
			case *policyv1.PodDisruptionBudget:
				selector = o.Spec.Selector
			case *networkingv1.NetworkPolicy:
				if g.byURN[r.RegisterRPC.GetParent()].TypeToken == "tfserving:namespace:Namespace" {
					continue // for every pod
				}
				selector = &o.Spec.PodSelector
			default:
				continue
			}
			if got := selected(t, g, selector); len(got) != 1 || got[0].Name != r.meta.GetName() {
				var names []string
				for _, d := range got {
					names = append(names, d.Name)
				}
				t.Errorf("%s selects the pods of %v, want those of %s alone", r, names, r.meta.GetName())
			}
			for key := range selector.MatchLabels {
				// A Deployment's selector cannot change, so it must hold nothing that may.
				if !regexp.MustCompile(`^app\.kubernetes\.io/(component|name|instance)$`).MatchString(key) {
					t.Errorf("%s selects by %s", r, key)
				}
			}
		}
	})
}
