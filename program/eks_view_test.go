package program

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"tfserving/internal/mockengine"
)

// ofType are the resources of one type, sorted by name.
func (g *graph) ofType(token string) []*registered {
	var all []*registered
	for _, r := range g.resources {
		if r.TypeToken == token {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *registered) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// only is the one resource of a type.
func (g *graph) only(t *testing.T, token string) *registered {
	t.Helper()
	all := g.ofType(token)
	if len(all) != 1 {
		t.Fatalf("there are %d of %s, want 1", len(all), token)
	}
	return all[0]
}

// onAWS are the AWS resources.
func (g *graph) onAWS() []*registered {
	return slices.DeleteFunc(slices.Clone(g.resources), func(r *registered) bool { return !strings.HasPrefix(r.TypeToken, "aws:") })
}

// within are the resources that belong to components of a type, at first or second hand.
func (g *graph) within(component string) []*registered {
	var all []*registered
	for _, r := range g.resources {
		for p := g.byURN[r.RegisterRPC.GetParent()]; p != nil; p = g.byURN[p.RegisterRPC.GetParent()] {
			if p.TypeToken == component {
				all = append(all, r)
				break
			}
		}
	}
	return all
}

// ofApplication are the components of the application.
var ofApplication = slices.Sorted(maps.Keys(componentLabels))

// application is the graph of the application alone, without the platform that it lands on, whose objects follow rules
// of their own.
func (g *graph) application() *graph {
	app := *g
	app.resources = append([]*registered{}, g.ofType("pulumi:providers:kubernetes")...)
	for _, component := range ofApplication {
		app.resources = append(append(app.resources, g.ofType(component)...), g.within(component)...)
	}
	return &app
}

// at is what lies at a path of keys and places, or nil.
func at(value any, path ...any) any {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			key, _ := step.(string)
			value = v[key]
		case []any:
			i, isPlace := step.(int)
			if !isPlace || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// input is what lies at a path of a resource's inputs, or nil. Of a secret nothing is seen.
func (r *registered) input(path ...any) any { return at(r.Inputs.Mappable(), path...) }

func (r *registered) text(path ...any) string {
	text, _ := r.input(path...).(string)
	return text
}

// list is a list of texts at a path of a resource's inputs.
func (r *registered) list(path ...any) []string { return textsOf(r.input(path...)) }

func textsOf(value any) []string {
	var all []string
	list, _ := value.([]any)
	for _, v := range list {
		text, _ := v.(string)
		all = append(all, text)
	}
	return all
}

// tagsOf are texts by key, as tags and labels are.
func tagsOf(value any) map[string]string {
	all := map[string]string{}
	from, _ := value.(map[string]any)
	for key, v := range from {
		all[key], _ = v.(string)
	}
	return all
}

// defaultTags are those that the AWS provider puts on whatever can have tags.
func (g *graph) defaultTags(t *testing.T) map[string]string {
	return tagsOf(g.only(t, "pulumi:providers:aws").input("defaultTags", "tags"))
}

// public are the subnets with a route to an internet gateway, by name.
func (g *graph) public() map[string]bool {
	tables := map[string]bool{}
	for _, route := range g.ofType("aws:ec2/route:Route") {
		if route.text("gatewayId") != "" {
			tables[route.text("routeTableId")] = true
		}
	}
	subnets := map[string]bool{}
	for _, a := range g.ofType("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		if tables[a.text("routeTableId")] {
			subnets[nameOf(a.input("subnetId"))] = true
		}
	}
	return subnets
}

// release is the Helm release of the load balancer controller.
func (g *graph) release(t *testing.T) *registered { return g.only(t, "kubernetes:helm.sh/v3:Release") }

// imageOf is where the program runs an image of the settings from: the stack's own repository, unless it names another
// registry.
func (g *graph) imageOf(image string) string {
	first, _, _ := strings.Cut(image, "/")
	if g.engine.Invokes == nil || strings.Contains(first, ".") {
		return image
	}
	return mockengine.Account + ".dkr.ecr." + g.settings.Region + ".amazonaws.com/tfserving-" + g.stack + "/" + image
}

// decoded is the JSON in a text.
func decoded[T any](t *testing.T, what, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
	return value
}

// as is a resource's object where it is of a type.
func as[T runtime.Object](r *registered) (T, bool) {
	object, ok := r.object.(T)
	return object, ok
}
