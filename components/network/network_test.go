package network

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestVPCResolvesNames(t *testing.T) {
	got := made(t, asIs).inputs(t, vpcType+" net")
	for _, key := range []string{"enableDnsSupport", "enableDnsHostnames"} {
		if got[key] != true {
			t.Errorf("%s is %v: a private cluster endpoint and private endpoint names need it", key, got[key])
		}
	}
	if got["cidrBlock"] != "10.0.0.0/16" {
		t.Errorf("the VPC's range is %v", got["cidrBlock"])
	}
}

func TestDefaultSecurityGroupIsEmpty(t *testing.T) {
	got := made(t, asIs).inputs(t, defaultType+" net")
	for _, key := range []string{"ingress", "egress"} {
		// Left out is not the same: the provider then takes the rules that it finds for wanted.
		if rules, ok := got[key].([]any); !ok || len(rules) != 0 {
			t.Errorf("%s is %v, want an empty list", key, got[key])
		}
	}
	if got["vpcId"] != idOf(vpcType, "net") {
		t.Errorf("it is of VPC %v", got["vpcId"])
	}
}

func TestOnlyTheVPCIsProtectedAndOnlyWhenAsked(t *testing.T) {
	for _, protect := range []bool{false, true} {
		g := made(t, func(a *Args) { a.Protect = protect })
		for key, args := range g.seen {
			if want := protect && key == vpcType+" net"; args.RegisterRPC.GetProtect() != want {
				t.Errorf("protect %v: %s is protected: %v", protect, key, args.RegisterRPC.GetProtect())
			}
		}
	}
}

func TestEverythingIsTheComponentsAndUsesTheProviderGiven(t *testing.T) {
	for key, args := range made(t, asIs).seen {
		if !args.Custom || strings.HasPrefix(key, "pulumi:providers:") || slices.Contains([]string{controlPlane, nodes, balancers}, key) {
			continue
		}
		if !strings.HasSuffix(args.RegisterRPC.GetParent(), componentType+"::net") {
			t.Errorf("%s is a child of %q", key, args.RegisterRPC.GetParent())
		}
		if !strings.HasSuffix(args.Provider, "::aws::"+idOf("pulumi:providers:aws", "aws")) {
			t.Errorf("%s uses provider %q", key, args.Provider)
		}
	}
}

func TestWhatTakesTagsHasAName(t *testing.T) {
	// These take no tags, or hold permissions that nobody looks for by name.
	untagged := []string{routeType, associationType, roleType, policyType}
	for key, args := range made(t, asIs).seen {
		if !strings.HasPrefix(args.TypeToken, "aws:") || slices.Contains(untagged, args.TypeToken) ||
			slices.Contains([]string{controlPlane, nodes, balancers}, key) {
			continue
		}
		tags, _ := args.Inputs.Mappable()["tags"].(map[string]any)
		if name, _ := tags["Name"].(string); !strings.HasPrefix(name, "net") {
			t.Errorf("%s has tags %v, without a Name", key, tags)
		}
	}
}

func TestArgumentsThatCannotBeAreRefusedBeforeAnythingIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Args)
		want   string
	}{
		"no range":       {func(a *Args) { a.CIDR = "10.0.0.0" }, `"10.0.0.0"`},
		"a narrow range": {func(a *Args) { a.CIDR = "10.0.0.0/24" }, "/16 to /20"},
		"one zone":       {func(a *Args) { a.Zones = a.Zones[:1] }, "1 zones"},
	} {
		args := typical()
		c.change(args)
		g, err := build(args)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %s", name, err, c.want)
		}
		for key := range g.seen {
			if strings.HasPrefix(key, "aws:") {
				t.Errorf("%s: %s is made all the same", name, key)
			}
		}
	}
}

// differences are the keys of resources that are in both graphs, and differ.
func differences(a, b *graph) []string {
	var keys []string
	for key, was := range a.seen {
		if is, ok := b.seen[key]; ok && !reflect.DeepEqual(was.Inputs.Mappable(), is.Inputs.Mappable()) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// missing are the keys of the first graph that the second lacks.
func missing(a, b *graph) []string {
	return slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		for key := range a.seen {
			if _, ok := b.seen[key]; !ok && !yield(key, true) {
				return
			}
		}
	})))
}

func TestChangingNATChangesRoutesAlone(t *testing.T) {
	perZone, single := made(t, asIs), made(t, func(a *Args) { a.NATPerZone = false })
	if got, want := differences(single, perZone), []string{
		routeType + " net-private-eu-west-1b", routeType + " net-private-eu-west-1c",
	}; !slices.Equal(got, want) {
		t.Errorf("changed are %v, want %v", got, want)
	}
	if got := missing(single, perZone); len(got) > 0 {
		t.Errorf("a NAT gateway for each zone takes away %v", got)
	}
	if got, want := missing(perZone, single), []string{
		eipType + " net-nat-eu-west-1b", eipType + " net-nat-eu-west-1c",
		natType + " net-nat-eu-west-1b", natType + " net-nat-eu-west-1c",
	}; !slices.Equal(got, want) {
		t.Errorf("a single NAT gateway takes away %v, want %v", got, want)
	}
	for _, zone := range typical().Zones {
		before, after := single.inputs(t, routeType+" net-private-"+zone), perZone.inputs(t, routeType+" net-private-"+zone)
		before["natGatewayId"], after["natGatewayId"] = nil, nil
		if !reflect.DeepEqual(before, after) {
			t.Errorf("the route of %s changes in more than its gateway, from %v to %v", zone, before, after)
		}
	}
}

func TestAThirdZoneLeavesTheFirstTwoAlone(t *testing.T) {
	two, three := made(t, func(a *Args) { a.Zones = a.Zones[:2] }), made(t, asIs)
	if got := missing(two, three); len(got) > 0 {
		t.Errorf("a third zone takes away %v", got)
	}
	// Endpoints gain the zone's subnet or table, which AWS changes in place; users gain a subnet.
	want := []string{
		balancers, controlPlane, nodes,
		endpointType + " net-ecr-api", endpointType + " net-s3", endpointType + " net-sts",
	}
	if got := differences(two, three); !slices.Equal(slices.Sorted(slices.Values(want)), got) {
		t.Errorf("changed are %v, want %v", got, want)
	}
}
