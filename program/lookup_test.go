package program

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tfserving/resource"
)

// typeAddon is the type of an EKS add-on.
const typeAddon = "aws:eks/addon:Addon"

// resource returns the resource of a type and name. The test fails if there is none.
func (g *graph) resource(t *testing.T, token, name string) *registration {
	t.Helper()
	return g.byURN[g.engine.URN(g.engine.Get(t, token, name))]
}

// ofType returns the resources of a type, sorted by name.
func (g *graph) ofType(token string) (all []*registration) {
	for _, args := range g.engine.OfType(token) {
		all = append(all, g.byURN[g.engine.URN(args)])
	}
	return all
}

// single returns the resource of a type. The test fails if there is not exactly one.
func (g *graph) single(t *testing.T, token string) *registration {
	t.Helper()
	all := g.ofType(token)
	if len(all) != 1 {
		t.Fatalf("there are %d resources of type %s, want 1", len(all), token)
	}
	return all[0]
}

// awsResources returns the AWS resources.
func (g *graph) awsResources() []*registration {
	return slices.DeleteFunc(slices.Clone(g.resources), func(r *registration) bool { return !strings.HasPrefix(r.TypeToken, "aws:") })
}

// loadBalancerRelease returns the Helm release of the load balancer controller.
func (g *graph) loadBalancerRelease(t *testing.T) *registration {
	return g.single(t, resource.HelmRelease)
}

// clusterName returns the name of an EKS stack's cluster, with which the names of its resources begin.
func (g *graph) clusterName() string { return "tfserving-" + g.stack }

// parent returns the component that a resource belongs to, or nil.
func (g *graph) parent(r *registration) *registration { return g.byURN[r.RegisterRPC.GetParent()] }

// dependsOn says whether the engine creates a resource after another, and deletes it before.
func (g *graph) dependsOn(later, earlier *registration) bool {
	return g.engine.DependsOn(later.MockResourceArgs, earlier.MockResourceArgs)
}

// providerReference returns the form in which other resources name a provider.
func (r *registration) providerReference() string { return r.urn + "::" + r.Name + "-id" }

// input returns the value at a path of a resource's inputs, or nil. The value of a secret is not visible.
func (r *registration) input(path ...any) any { return resource.At(r.Inputs.Mappable(), path...) }

// text returns the string at a path of a resource's inputs, or "".
func (r *registration) text(path ...any) string {
	text, _ := r.input(path...).(string)
	return text
}

// list returns the list of strings at a path of a resource's inputs.
func (r *registration) list(path ...any) []string { return stringsOf(r.input(path...)) }

func stringsOf(value any) (all []string) {
	list, _ := value.([]any)
	for _, v := range list {
		text, _ := v.(string)
		all = append(all, text)
	}
	return all
}

// stringMap returns a copy of an object of strings, such as tags or labels.
func stringMap(value any) map[string]string {
	all := map[string]string{}
	object, _ := value.(map[string]any)
	for key, v := range object {
		all[key], _ = v.(string)
	}
	return all
}

// nameFromID returns the name of the resource to which the mock engine gave an ID.
func nameFromID(id any) string {
	text, _ := id.(string)
	_, name, _ := strings.Cut(text, "/")
	return name
}

// defaultTags returns the tags that the AWS provider puts on every resource.
func (g *graph) defaultTags(t *testing.T) map[string]string {
	return stringMap(g.single(t, resource.AWSProvider).input("defaultTags", "tags"))
}

// kubernetesObjects returns the resources that are Kubernetes objects.
func (g *graph) kubernetesObjects() []*registration {
	return slices.DeleteFunc(slices.Clone(g.resources), func(r *registration) bool { return r.object == nil })
}

// platformObjects returns the Kubernetes objects that do not belong to the application.
func (g *graph) platformObjects() []*registration {
	app := g.application().resources
	return slices.DeleteFunc(g.kubernetesObjects(), func(r *registration) bool { return slices.Contains(app, r) })
}

// objects returns the Kubernetes objects of a type.
func objects[T runtime.Object](g *graph) (all []T) {
	for _, r := range g.resources {
		if o, ok := r.object.(T); ok {
			all = append(all, o)
		}
	}
	return all
}

// objectNamed returns the Kubernetes object of a type and name. The test fails if there is none.
func objectNamed[T interface {
	runtime.Object
	metav1.Object
}](t *testing.T, g *graph, name string) (none T) {
	t.Helper()
	for _, o := range objects[T](g) {
		if o.GetName() == name {
			return o
		}
	}
	t.Fatalf("there is no %T named %q", none, name)
	return none
}

// sorted returns a sorted copy, to compare sets.
func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }
