package program

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"tfserving/internal/mockengine"
)

func propertyOf(r *registered) resource.PropertyValue { return resource.NewProperty(r.Inputs) }

// The default provider would put no tags on a resource, and would not look at the account.
func TestEveryAWSResourceGoesThroughTheProviderWithTheTags(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		provider := g.only(t, "pulumi:providers:aws")
		want := provider.urn + "::" + provider.Name + "-id"
		for _, r := range g.onAWS() {
			if r.Provider != want {
				t.Errorf("%s uses provider %q, want %q", r, r.Provider, want)
			}
		}
		for _, a := range g.engine.Invokes {
			if a.Provider != want {
				t.Errorf("%s is asked through provider %q, want %q", a.Token, a.Provider, want)
			}
		}
		// pulumi-eks's component has the provider from the component around it, as its insides have.
		eks := g.only(t, mockengine.Cluster)
		around := g.byURN[eks.RegisterRPC.GetParent()]
		if around == nil || around.RegisterRPC.GetProviders()["aws"] != want || eks.RegisterRPC.GetProvider() != "" {
			t.Errorf("what is inside of %s has another provider than %s", eks, want)
		}
		s := g.settings
		if provider.text("region") != s.Region || !slices.Equal(provider.list("allowedAccountIds"), s.AWS.AllowedAccountIDs) {
			t.Errorf("the provider is for region %q and accounts %v, want %q and %v", provider.text("region"), provider.list("allowedAccountIds"), s.Region, s.AWS.AllowedAccountIDs)
		}
	})
}

func TestEveryTagIsWhereTheStackSaysIt(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		want := map[string]string{"project": "tfserving", "stack": g.stack, "owner": g.settings.AWS.Owner, "managed-by": "pulumi"}
		if c := g.settings.AWS.CostCentre; c != "" {
			want["cost-centre"] = c
		}
		tags := g.defaultTags(t)
		if !maps.Equal(tags, want) {
			t.Errorf("the provider's default tags are %v, want %v", tags, want)
		}
		for _, r := range g.onAWS() {
			for key := range tagsOf(r.input("tags")) {
				if _, same := want[key]; same {
					t.Errorf("%s has tag %s of its own, and AWS's provider would find a change each time", r, key)
				}
			}
		}
		// What comes and goes with an instance, and what the controller makes, is out of the provider's reach.
		for _, r := range g.ofType("aws:ec2/launchTemplate:LaunchTemplate") {
			var kinds []string
			specifications, _ := r.input("tagSpecifications").([]any)
			for _, s := range specifications {
				kind, _ := at(s, "resourceType").(string)
				kinds = append(kinds, kind)
				got := tagsOf(at(s, "tags"))
				if !strings.HasPrefix(got["Name"], "tfserving-"+g.stack+"-") {
					t.Errorf("%s names its %ss %q", r, kind, got["Name"])
				}
				delete(got, "Name")
				if !maps.Equal(got, want) {
					t.Errorf("%s tags its %ss with %v, want %v", r, kind, got, want)
				}
			}
			if !slices.Equal(sorted(kinds), []string{"instance", "network-interface", "volume"}) {
				t.Errorf("%s tags %v", r, kinds)
			}
		}
		if got := tagsOf(g.release(t).input("values", "defaultTags")); !maps.Equal(got, want) {
			t.Errorf("load balancers are tagged %v, want %v", got, want)
		}
	})
}

// AWS and Kubernetes have names of their own for things; two of one type with one name in the stack are one too many.
func TestEveryURNIsThereOnce(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		seen := map[string]bool{}
		for _, r := range g.resources {
			if seen[r.urn] {
				t.Errorf("there are two of %s", r.urn)
			}
			seen[r.urn] = true
		}
	})
}
