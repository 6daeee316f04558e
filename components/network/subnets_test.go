package network

import (
	"maps"
	"slices"
	"testing"
)

func TestSubnetsSpreadOverTheZonesAsPlanned(t *testing.T) {
	g := made(t, asIs)
	for i, zone := range typical().Zones {
		for kind, want := range map[string]string{
			"private": g.network.Layout.Private[i].String(), "public": g.network.Layout.Public[i].String(),
		} {
			got := g.inputs(t, subnetType+" net-"+kind+"-"+zone)
			if got["availabilityZone"] != zone || got["cidrBlock"] != want || got["vpcId"] != idOf(vpcType, "net") {
				t.Errorf("%s subnet of %s is %v in %v of VPC %v, want %s", kind, zone, got["cidrBlock"], got["availabilityZone"], got["vpcId"], want)
			}
		}
	}
	g.wantNames(t, subnetType,
		"net-private-eu-west-1a", "net-private-eu-west-1b", "net-private-eu-west-1c",
		"net-public-eu-west-1a", "net-public-eu-west-1b", "net-public-eu-west-1c")
}

func TestLoadBalancersFindTheirSubnetsByTag(t *testing.T) {
	g := made(t, asIs)
	for kind, role := range map[string]string{"public": "kubernetes.io/role/elb", "private": "kubernetes.io/role/internal-elb"} {
		for _, zone := range typical().Zones {
			name := "net-" + kind + "-" + zone
			tags := g.inputs(t, subnetType+" "+name)["tags"].(map[string]any)
			if want := map[string]any{"Name": name, role: "1", "kubernetes.io/cluster/production": "shared"}; !maps.Equal(tags, want) {
				t.Errorf("tags of %s are %v, want %v", name, tags, want)
			}
		}
	}
}

func TestNoSubnetGivesPublicAddresses(t *testing.T) {
	g := made(t, asIs)
	for _, name := range g.names(subnetType) {
		for _, key := range []string{"mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"} {
			if got := g.inputs(t, subnetType+" "+name)[key]; got != nil && got != false {
				t.Errorf("subnet %s has %s %v", name, key, got)
			}
		}
	}
}

func TestOutputsAreTheSubnetsOfTheirKind(t *testing.T) {
	g := made(t, asIs)
	private := "Subnet/net-private-eu-west-1a Subnet/net-private-eu-west-1b Subnet/net-private-eu-west-1c"
	public := "Subnet/net-public-eu-west-1a Subnet/net-public-eu-west-1b Subnet/net-public-eu-west-1c"
	for user, want := range map[string]string{controlPlane: private, nodes: private, balancers: public} {
		if got := g.inputs(t, user)["tags"].(map[string]any)["uses"]; got != want {
			t.Errorf("%s get %v, want %s", user, got, want)
		}
	}
}

// wayOut are the types of what an instance in a private subnet needs to reach anything.
var wayOut = []string{natType, eipType, gatewayType, routeType, associationType, tableType}

func TestNodesWaitForTheirWayOut(t *testing.T) {
	for name, change := range map[string]func(*Args){"per zone": asIs, "single": func(a *Args) { a.NATPerZone = false }} {
		g := made(t, change)
		for _, kind := range wayOut {
			names := g.names(kind)
			if len(names) == 0 {
				t.Errorf("%s: there is no %s", name, kind)
			}
			for _, n := range names {
				if !g.waits(t, nodes, kind+" "+n) {
					t.Errorf("%s: nodes do not wait for %s %s", name, kind, n)
				}
			}
		}
		if !g.waits(t, nodes, endpointType+" net-s3") {
			t.Errorf("%s: nodes do not wait for the S3 endpoint", name)
		}
	}
}

func TestNothingWaitsForWhatItDoesNotNeed(t *testing.T) {
	g := made(t, asIs)
	var unneeded []string
	for _, kind := range append(slices.Clone(wayOut), endpointType, defaultType, flowLogType, logGroupType) {
		for _, name := range g.names(kind) {
			unneeded = append(unneeded, kind+" "+name)
		}
	}
	for _, key := range unneeded {
		if g.waits(t, controlPlane, key) {
			t.Errorf("the control plane waits for %s", key)
		}
	}
	// NAT takes two minutes; nodes can do without these until they are there.
	for _, key := range []string{endpointType + " net-ecr-api", endpointType + " net-sts", flowLogType + " net-flow-logs", defaultType + " net"} {
		if g.waits(t, nodes, key) {
			t.Errorf("nodes wait for %s", key)
		}
	}
	for _, kind := range []string{endpointType, associationType} {
		for _, name := range g.names(kind) {
			for _, nat := range g.names(natType) {
				if g.waits(t, kind+" "+name, natType+" "+nat) {
					t.Errorf("%s %s waits for NAT gateway %s", kind, name, nat)
				}
			}
		}
	}
}
