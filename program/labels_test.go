package program

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// componentLabels are the application's components, with the label app.kubernetes.io/component of their objects.
var componentLabels = map[string]string{
	"tfserving:gateway:Gateway":         "gateway",
	"tfserving:modelserver:ModelServer": "model-server",
	"tfserving:namespace:Namespace":     "namespace",
	"tfserving:schedule:Schedule":       "schedule",
}

// platformLabels are the platform's components, with the labels app.kubernetes.io/component of their objects.
var platformLabels = map[string][]string{
	"tfserving:autoscaler:Autoscaler":   {"cluster-autoscaler", "headroom"},
	"tfserving:loadbalancer:Controller": {"load-balancer-controller"},
	"tfserving:monitoring:Monitoring":   {"monitoring"},
}

func TestApplicationObjectsHaveTheFiveLabels(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			component := g.parent(r)
			if component == nil {
				t.Errorf("%s has no component as its parent", r)
				continue
			}
			instance := component.Name
			if component.TypeToken == "tfserving:namespace:Namespace" {
				instance = g.settings.Namespace
			}
			checkLabels(t, r, instance, componentLabels[component.TypeToken])
		}
	})
}

func TestPlatformObjectsHaveTheFiveLabels(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.platformObjects() {
			component := g.parent(r)
			if component == nil {
				t.Errorf("%s has no component as its parent", r)
				continue
			}
			checkLabels(t, r, g.clusterName(), platformLabels[component.TypeToken]...)
		}
		// Helm sets the other labels of the chart's objects.
		for _, key := range []string{"additionalLabels", "podLabels"} {
			got := stringMap(g.loadBalancerRelease(t).input("values", key))
			if got["app.kubernetes.io/part-of"] != "tfserving" || got["app.kubernetes.io/component"] != "load-balancer-controller" {
				t.Errorf("the chart's %s are %v", key, got)
			}
		}
	})
}

// checkLabels checks the labels of an object and, if it is a Deployment, of its pods. The component label must be one of
// components.
func checkLabels(t *testing.T, r *registration, instance string, components ...string) {
	t.Helper()
	labelled := map[string]map[string]string{r.String(): r.meta.GetLabels()}
	if d, ok := r.object.(*appsv1.Deployment); ok {
		labelled["the pods of "+r.String()] = d.Spec.Template.Labels
	}
	for what, got := range labelled {
		if component := got["app.kubernetes.io/component"]; !slices.Contains(components, component) {
			t.Errorf("%s: label app.kubernetes.io/component is %q, want one of %q", what, component, components)
		}
		for key, want := range map[string]string{"part-of": "tfserving", "managed-by": "pulumi", "instance": instance} {
			if got := got["app.kubernetes.io/"+key]; got != want {
				t.Errorf("%s: label app.kubernetes.io/%s is %q, want %q", what, key, got, want)
			}
		}
		if got["app.kubernetes.io/name"] == "" {
			t.Errorf("%s: label app.kubernetes.io/name is missing", what)
		}
		for key, value := range got {
			if errs := validation.IsValidLabelValue(value); len(errs) > 0 {
				t.Errorf("%s: label %s is %q: %v", what, key, value, errs)
			}
		}
	}
}

func TestObjectNamesAreValidAndUnique(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
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
				t.Errorf("two objects are %s", id)
			}
			seen[id] = true
		}
	})
}

// deploymentsSelectedBy returns the Deployments whose pods a selector matches.
func deploymentsSelectedBy(t *testing.T, g *graph, s *metav1.LabelSelector) []*appsv1.Deployment {
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
	forEachApplication(t, func(t *testing.T, g *graph) {
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
				if parent := g.parent(r).TypeToken; parent == "tfserving:namespace:Namespace" || parent == "tfserving:schedule:Schedule" {
					continue // the namespace's own policies select every pod, and those of jobs no Deployment's
				}
				selector = &o.Spec.PodSelector
			default:
				continue
			}
			owner, _, _ := strings.Cut(r.meta.GetName(), "-from-") // the policy of a gateway also has the name of its callers
			if got := deploymentsSelectedBy(t, g, selector); len(got) != 1 || got[0].Name != owner {
				var names []string
				for _, d := range got {
					names = append(names, d.Name)
				}
				t.Errorf("%s selects the pods of %v, want only those of %s", r, names, owner)
			}
			for key := range selector.MatchLabels {
				// A Deployment's selector cannot change, so it must use only labels that never change.
				if !regexp.MustCompile(`^app\.kubernetes\.io/(component|name|instance)$`).MatchString(key) {
					t.Errorf("%s selects pods by label %s, which may change", r, key)
				}
			}
		}
	})
}
