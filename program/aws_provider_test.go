package program

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// Pulumi's default provider sets no tags and does not check the account.
func TestAWSResourcesUseTheProviderOfTheStacksAccount(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		provider := g.single(t, resource.AWSProvider)
		want := provider.providerReference()
		for _, r := range g.awsResources() {
			if r.Provider != want {
				t.Errorf("%s uses provider %q, want %q", r, r.Provider, want)
			}
		}
		for _, call := range g.engine.Invokes {
			if call.Provider != want {
				t.Errorf("%s is called with provider %q, want %q", call.Token, call.Provider, want)
			}
		}
		// pulumi-eks's component and its children inherit the provider of the component that contains them.
		eksCluster := g.single(t, mockengine.Cluster)
		parent := g.parent(eksCluster)
		if parent == nil || parent.RegisterRPC.GetProviders()["aws"] != want || eksCluster.RegisterRPC.GetProvider() != "" {
			t.Errorf("the children of %s have another provider than %s", eksCluster, want)
		}
		s := g.settings
		if provider.text("region") != s.Region || !slices.Equal(provider.list("allowedAccountIds"), s.AWS.AllowedAccountIDs) {
			t.Errorf("the provider has region %q and accounts %v, want %q and %v", provider.text("region"), provider.list("allowedAccountIds"), s.Region, s.AWS.AllowedAccountIDs)
		}
	})
}

func TestAWSResourcesHaveTheStacksTags(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		want := map[string]string{"project": "tfserving", "stack": g.stack, "owner": g.settings.AWS.Owner, "managed-by": "pulumi"}
		if c := g.settings.AWS.CostCentre; c != "" {
			want["cost-centre"] = c
		}
		tags := g.defaultTags(t)
		if !maps.Equal(tags, want) {
			t.Errorf("the provider's default tags are %v, want %v", tags, want)
		}
		for _, r := range g.awsResources() {
			for key := range stringMap(r.input("tags")) {
				if _, same := want[key]; same {
					t.Errorf("%s sets the default tag %s itself, so each update would find a change", r, key)
				}
			}
		}
		// The provider's default tags do not reach what EC2 creates with an instance, or what the load balancer controller creates.
		for _, r := range g.ofType(resource.LaunchTemplate) {
			var kinds []string
			specifications, _ := r.input("tagSpecifications").([]any)
			for _, s := range specifications {
				kind, _ := resource.At(s, "resourceType").(string)
				kinds = append(kinds, kind)
				got := stringMap(resource.At(s, "tags"))
				if !strings.HasPrefix(got["Name"], g.clusterName()+"-") {
					t.Errorf("%s gives its %ss the name %q", r, kind, got["Name"])
				}
				delete(got, "Name")
				if !maps.Equal(got, want) {
					t.Errorf("%s tags its %ss with %v, want %v", r, kind, got, want)
				}
			}
			if !slices.Equal(sorted(kinds), []string{"instance", "network-interface", "volume"}) {
				t.Errorf("%s tags %v, want instances, network interfaces and volumes", r, kinds)
			}
		}
		if got := stringMap(g.loadBalancerRelease(t).input("values", "defaultTags")); !maps.Equal(got, want) {
			t.Errorf("load balancers get the tags %v, want %v", got, want)
		}
	})
}

func TestEveryURNIsUnique(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		seen := map[string]bool{}
		for _, r := range g.resources {
			if seen[r.urn] {
				t.Errorf("two resources have the URN %s", r.urn)
			}
			seen[r.urn] = true
		}
	})
}
