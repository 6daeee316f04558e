package network

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestVPCResolvesNames(t *testing.T) {
	got := mustRegister(t).inputs(t, vpcType, "net")
	for _, key := range []string{"enableDnsSupport", "enableDnsHostnames"} {
		if got[key] != true {
			t.Errorf("%s is %v; a private cluster endpoint and the private names of endpoints need it", key, got[key])
		}
	}
	if got["cidrBlock"] != "10.0.0.0/16" {
		t.Errorf("the VPC's range is %v", got["cidrBlock"])
	}
}

func TestDefaultSecurityGroupHasNoRules(t *testing.T) {
	got := mustRegister(t).inputs(t, defaultType, "net")
	for _, key := range []string{"ingress", "egress"} {
		// Without a list, the provider would keep all rules that it finds in AWS.
		if rules, isList := got[key].([]any); !isList || len(rules) != 0 {
			t.Errorf("%s is %v, want an empty list", key, got[key])
		}
	}
	if got["vpcId"] != id(vpcType, "net") {
		t.Errorf("it belongs to VPC %v", got["vpcId"])
	}
}

func TestOnlyTheVPCIsProtectedAndOnlyIfTheArgumentsSaySo(t *testing.T) {
	for _, protect := range []bool{false, true} {
		for _, r := range mustRegister(t, func(a *Args) { a.Protect = protect }).Resources {
			if got, want := r.RegisterRPC.GetProtect(), protect && r.TypeToken == vpcType; got != want {
				t.Errorf("protect %v: protection of %s %s is %v", protect, r.TypeToken, r.Name, got)
			}
		}
	}
}

func TestEveryResourceIsAChildOfTheComponentAndUsesItsProvider(t *testing.T) {
	for _, r := range mustRegister(t).networkResources() {
		if !strings.HasSuffix(r.RegisterRPC.GetParent(), componentType+"::net") {
			t.Errorf("%s %s is a child of %q", r.TypeToken, r.Name, r.RegisterRPC.GetParent())
		}
		if !strings.HasSuffix(r.Provider, "::aws::"+id("pulumi:providers:aws", "aws")) {
			t.Errorf("%s %s uses provider %q", r.TypeToken, r.Name, r.Provider)
		}
	}
}

func TestEveryTaggedResourceHasAName(t *testing.T) {
	// Routes and associations take no tags. Roles and their policies have names of their own.
	untagged := []string{routeType, associationType, roleType, policyType}
	for _, r := range mustRegister(t).networkResources() {
		if slices.Contains(untagged, r.TypeToken) {
			continue
		}
		tags, _ := r.Inputs.Mappable()["tags"].(map[string]any)
		if name, _ := tags["Name"].(string); !strings.HasPrefix(name, "net") {
			t.Errorf("%s %s has tags %v, without a Name", r.TypeToken, r.Name, tags)
		}
	}
}

func TestImpossibleArgumentsAreRefusedBeforeAnyResourceIsRegistered(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Args)
		want   string
	}{
		"no range":       {func(a *Args) { a.CIDR = "10.0.0.0" }, `"10.0.0.0"`},
		"a narrow range": {func(a *Args) { a.CIDR = "10.0.0.0/24" }, "/16 to /20"},
		"one zone":       {func(a *Args) { a.Zones = a.Zones[:1] }, "1 zones"},
	} {
		args := allOptions()
		c.change(args)
		g, err := register(args)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %s", name, err, c.want)
		}
		for _, r := range g.networkResources() {
			t.Errorf("%s: %s %s is registered", name, r.TypeToken, r.Name)
		}
	}
}

func key(r pulumi.MockResourceArgs) string { return r.TypeToken + " " + r.Name }

// difference returns the types and names of the resources that are in both graphs and differ, and of those that are in the
// first graph only, both sorted.
func difference(before, after *graph) (changed, removed []string) {
	for _, was := range before.Resources {
		if is, found := after.Find(was.TypeToken, was.Name); !found {
			removed = append(removed, key(was))
		} else if !reflect.DeepEqual(was.Inputs.Mappable(), is.Inputs.Mappable()) {
			changed = append(changed, key(was))
		}
	}
	slices.Sort(changed)
	slices.Sort(removed)
	return changed, removed
}

func TestAChangeOfNATGatewaysChangesRoutesOnly(t *testing.T) {
	perZone, single := mustRegister(t), mustRegister(t, singleNAT)
	changed, removed := difference(single, perZone)
	if want := []string{routeType + " net-private-eu-west-1b", routeType + " net-private-eu-west-1c"}; !slices.Equal(changed, want) {
		t.Errorf("the changed resources are %v, want %v", changed, want)
	}
	if len(removed) > 0 {
		t.Errorf("a NAT gateway in each zone removes %v", removed)
	}
	want := []string{
		eipType + " net-nat-eu-west-1b", eipType + " net-nat-eu-west-1c", natType + " net-nat-eu-west-1b", natType + " net-nat-eu-west-1c",
	}
	if _, got := difference(perZone, single); !slices.Equal(got, want) {
		t.Errorf("a single NAT gateway removes %v, want %v", got, want)
	}
	for _, zone := range allOptions().Zones {
		before, after := single.inputs(t, routeType, "net-private-"+zone), perZone.inputs(t, routeType, "net-private-"+zone)
		before["natGatewayId"], after["natGatewayId"] = nil, nil
		if !reflect.DeepEqual(before, after) {
			t.Errorf("the route of %s changes in more than its gateway, from %v to %v", zone, before, after)
		}
	}
}

func TestAThirdZoneDoesNotChangeTheFirstTwo(t *testing.T) {
	two, three := mustRegister(t, func(a *Args) { a.Zones = a.Zones[:2] }), mustRegister(t)
	changed, removed := difference(two, three)
	if len(removed) > 0 {
		t.Errorf("a third zone removes %v", removed)
	}
	// Endpoints gain the zone's subnet or route table, which AWS changes in place. Consumers gain a subnet.
	want := []string{
		consumerType + " balancers", consumerType + " control-plane", consumerType + " nodes",
		endpointType + " net-ecr-api", endpointType + " net-s3", endpointType + " net-sts",
	}
	if !slices.Equal(want, changed) {
		t.Errorf("the changed resources are %v, want %v", changed, want)
	}
}
