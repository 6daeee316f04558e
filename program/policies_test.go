package program

import (
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"tfserving/policy"
)

// broken are the policies that some settings break, on purpose, by the variation that has them.
var broken = map[string][]string{
	"load balancer for everyone": {"no-open-ingress"},
	"model runs as root":         {"restricted-pods"},
	"gateway runs as root":       {"restricted-pods"},
	"not protected":              {"prod-balancer-protected", "prod-protected"},
}

// TestThePoliciesHoldWhereverTheSettingsDoNotOpenADoor holds the program to the policies over all its variations. What
// pulumi-eks makes inside of its component is seen where the stack is rehearsed.
func TestThePoliciesHoldWhereverTheSettingsDoNotOpenADoor(t *testing.T) {
	met := map[string]bool{}
	rule := func(t *testing.T, g *graph) {
		name := path.Base(strings.ReplaceAll(t.Name(), "_", " "))
		met[name] = true
		var got []string
		for rule, why := range g.breaks() {
			if got = append(got, rule); !slices.Contains(broken[name], rule) {
				t.Errorf("policy %s is broken:\n  %s", rule, strings.Join(why, "\n  "))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, broken[name]) {
			t.Errorf("broken are %v, want %v", got, broken[name])
		}
	}
	everywhere(t, rule)
	onEveryEKSStack(t, rule)
	for name := range broken {
		if !met[name] {
			t.Errorf("there is no variation %q", name)
		}
	}
}

// breaks are the policies that the graph's resources break, each with what is wrong.
func (g *graph) breaks() map[string][]string {
	all := map[string][]string{}
	var resources []policy.Resource
	stack := &policy.Stack{Name: g.stack, Settings: g.settings, Now: time.Now()}
	for _, r := range g.resources {
		asked := policy.Resource{URN: r.urn, Type: r.TypeToken, Name: r.Name, Inputs: r.Inputs.Mappable(), Protect: r.RegisterRPC.GetProtect()}
		if i := strings.LastIndex(r.Provider, "::"); i > 0 { // a provider's URN and its id
			if provider := g.byURN[r.Provider[:i]]; provider != nil {
				asked.Provider = provider.Inputs.Mappable()
			}
		}
		resources = append(resources, asked)
		for _, v := range stack.Check(asked) {
			all[v.Rule.Name] = append(all[v.Rule.Name], r.String()+": "+v.Text)
		}
	}
	for _, v := range stack.CheckAll(resources) {
		if v.Level == policy.Mandatory { // what has no price is told beside the budget
			all[v.Rule.Name] = append(all[v.Rule.Name], v.Text)
		}
	}
	return all
}
