package network

import (
	"maps"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestEachZoneHasAPrivateAndAPublicSubnetOfTheLayout(t *testing.T) {
	g := mustRegister(t)
	for i, zone := range allOptions().Zones {
		for kind, want := range map[string]string{
			"private": g.network.Layout.Private[i].String(), "public": g.network.Layout.Public[i].String(),
		} {
			got := g.inputs(t, subnetType, "net-"+kind+"-"+zone)
			if got["availabilityZone"] != zone || got["cidrBlock"] != want || got["vpcId"] != id(vpcType, "net") {
				t.Errorf("%s subnet of %s: range %v in zone %v of VPC %v, want range %s", kind, zone, got["cidrBlock"], got["availabilityZone"], got["vpcId"], want)
			}
		}
	}
	g.wantNames(t, subnetType,
		"net-private-eu-west-1a", "net-private-eu-west-1b", "net-private-eu-west-1c",
		"net-public-eu-west-1a", "net-public-eu-west-1b", "net-public-eu-west-1c")
}

func TestLoadBalancersFindTheirSubnetsByTag(t *testing.T) {
	g := mustRegister(t)
	for kind, role := range map[string]string{"public": "kubernetes.io/role/elb", "private": "kubernetes.io/role/internal-elb"} {
		for _, zone := range allOptions().Zones {
			name := "net-" + kind + "-" + zone
			tags := g.inputs(t, subnetType, name)["tags"].(map[string]any)
			if want := map[string]any{"Name": name, role: "1", "kubernetes.io/cluster/production": "shared"}; !maps.Equal(tags, want) {
				t.Errorf("tags of %s are %v, want %v", name, tags, want)
			}
		}
	}
}

func TestNoSubnetAssignsPublicAddresses(t *testing.T) {
	g := mustRegister(t)
	for _, name := range g.names(subnetType) {
		for _, key := range []string{"mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"} {
			if got := g.inputs(t, subnetType, name)[key]; got != nil && got != false {
				t.Errorf("subnet %s has %s %v", name, key, got)
			}
		}
	}
}

func TestOutputsAreTheSubnetsOfTheirKind(t *testing.T) {
	g := mustRegister(t)
	private := "subnet/net-private-eu-west-1a subnet/net-private-eu-west-1b subnet/net-private-eu-west-1c"
	public := "subnet/net-public-eu-west-1a subnet/net-public-eu-west-1b subnet/net-public-eu-west-1c"
	for consumer, want := range map[string]string{"control-plane": private, "nodes": private, "balancers": public} {
		if got := g.inputs(t, consumerType, consumer)["tags"].(map[string]any)["subnets"]; got != want {
			t.Errorf("%s get %v, want %s", consumer, got, want)
		}
	}
}

// internetAccessTypes are the types of the resources that an instance in a private subnet needs to reach the internet.
var internetAccessTypes = []string{natType, eipType, gatewayType, routeType, associationType, tableType}

func TestNodesWaitForInternetAccess(t *testing.T) {
	for name, g := range map[string]*graph{"per zone": mustRegister(t), "single": mustRegister(t, singleNAT)} {
		nodes := g.Get(t, consumerType, "nodes")
		for _, token := range internetAccessTypes {
			resources := g.OfType(token)
			if len(resources) == 0 {
				t.Errorf("%s: there is no %s", name, token)
			}
			for _, r := range resources {
				if !g.DependsOn(nodes, r) {
					t.Errorf("%s: nodes do not wait for %s", name, key(r))
				}
			}
		}
		if !g.DependsOn(nodes, g.Get(t, endpointType, "net-s3")) {
			t.Errorf("%s: nodes do not wait for the S3 endpoint", name)
		}
	}
}

func TestResourcesWaitOnlyForWhatTheyNeed(t *testing.T) {
	g := mustRegister(t)
	wantIndependent := func(later, earlier pulumi.MockResourceArgs) {
		t.Helper()
		if g.DependsOn(later, earlier) {
			t.Errorf("%s waits for %s", key(later), key(earlier))
		}
	}
	for _, token := range append(slices.Clone(internetAccessTypes), endpointType, defaultType, flowLogType, logGroupType) {
		for _, r := range g.OfType(token) {
			wantIndependent(g.Get(t, consumerType, "control-plane"), r)
		}
	}
	// Nodes join without these.
	for _, r := range []pulumi.MockResourceArgs{
		g.Get(t, endpointType, "net-ecr-api"), g.Get(t, endpointType, "net-sts"), g.Get(t, flowLogType, "net-flow-logs"), g.Get(t, defaultType, "net"),
	} {
		wantIndependent(g.Get(t, consumerType, "nodes"), r)
	}
	// A NAT gateway takes two minutes.
	for _, r := range append(g.OfType(endpointType), g.OfType(associationType)...) {
		for _, nat := range g.OfType(natType) {
			wantIndependent(r, nat)
		}
	}
}
