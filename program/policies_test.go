package program

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tfserving/policy"
	"tfserving/resource"
)

// expectedViolations are the policies that some variations break on purpose.
var expectedViolations = map[string][]string{
	"load balancer open to the internet": {"no-open-ingress"},
	"model runs as root":                 {"restricted-pods"},
	"gateway runs as root":               {"restricted-pods"},
	"prod without protection":            {"prod-balancer-protected", "prod-protected"},
}

// The policies also hold for what pulumi-eks creates inside its component; a rehearsal of a stack checks that.
func TestSettingsBreakExactlyTheExpectedPolicies(t *testing.T) {
	unused := maps.Clone(expectedViolations)
	check := func(name string, g *graph) {
		delete(unused, name)
		t.Run(name, func(t *testing.T) {
			violations, want := g.policyViolations(), expectedViolations[name]
			for policy, texts := range violations {
				if !slices.Contains(want, policy) {
					t.Errorf("the stack breaks policy %s:\n  %s", policy, strings.Join(texts, "\n  "))
				}
			}
			if got := slices.Sorted(maps.Keys(violations)); !slices.Equal(got, want) {
				t.Errorf("the stack breaks policies %v, want %v", got, want)
			}
		})
	}
	for _, v := range applicationVariations {
		check(v.name, v.graph(t).application())
	}
	for _, v := range eksVariations {
		check(v.name, v.graph(t))
	}
	for name := range unused {
		t.Errorf("there is no variation %q", name)
	}
}

// policyViolations returns what is wrong with the graph's resources, by policy.
func (g *graph) policyViolations() map[string][]string {
	all := map[string][]string{}
	var resources []resource.Resource
	stack := &policy.Stack{Name: g.stack, Settings: g.settings, Now: time.Now()}
	for _, r := range g.resources {
		planned := resource.Resource{URN: r.urn, Type: r.TypeToken, Name: r.Name, Inputs: r.Inputs.Mappable(), Protect: r.RegisterRPC.GetProtect()}
		if i := strings.LastIndex(r.Provider, "::"); i > 0 { // r.Provider is the provider's URN and its ID
			if provider := g.byURN[r.Provider[:i]]; provider != nil {
				planned.Provider = provider.Inputs.Mappable()
			}
		}
		resources = append(resources, planned)
		for _, v := range stack.Check(planned) {
			all[v.Rule.Name] = append(all[v.Rule.Name], r.String()+": "+v.Text)
		}
	}
	for _, v := range stack.CheckAll(resources) {
		if v.Level == policy.Mandatory { // resources without a price are advisory
			all[v.Rule.Name] = append(all[v.Rule.Name], v.Text)
		}
	}
	return all
}
