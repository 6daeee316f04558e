package network

import "testing"

func TestPrivateSubnetsGoOutThroughNAT(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Args)
		via    map[string]string // NAT gateway by zone
	}{
		"per zone": {asIs, map[string]string{
			"eu-west-1a": "net-nat-eu-west-1a", "eu-west-1b": "net-nat-eu-west-1b", "eu-west-1c": "net-nat-eu-west-1c",
		}},
		"single": {func(a *Args) { a.NATPerZone = false }, map[string]string{
			"eu-west-1a": "net-nat-eu-west-1a", "eu-west-1b": "net-nat-eu-west-1a", "eu-west-1c": "net-nat-eu-west-1a",
		}},
	} {
		g := made(t, c.change)
		gateways := map[string]bool{}
		for zone, via := range c.via {
			gateways[via] = true
			subnet := "net-private-" + zone
			route := g.inputs(t, routeType+" "+subnet)
			if route["natGatewayId"] != idOf(natType, via) || route["destinationCidrBlock"] != "0.0.0.0/0" || route["gatewayId"] != nil {
				t.Errorf("%s: default route of %s is %v, want one through %s", name, subnet, route, via)
			}
			association := g.inputs(t, associationType+" "+subnet)
			if association["subnetId"] != idOf(subnetType, subnet) || association["routeTableId"] != route["routeTableId"] ||
				route["routeTableId"] != idOf(tableType, subnet) {
				t.Errorf("%s: %s is under table %v, and its route is in %v; want a table of its own", name, association["subnetId"], association["routeTableId"], route["routeTableId"])
			}
		}
		if got := g.names(natType); len(got) != len(gateways) {
			t.Errorf("%s: the NAT gateways are %v, want %v", name, got, gateways)
		}
	}
}

func TestEachNATGatewayIsInItsZonesPublicSubnetWithItsOwnAddress(t *testing.T) {
	g := made(t, asIs)
	for _, zone := range typical().Zones {
		name := "net-nat-" + zone
		nat := g.inputs(t, natType+" "+name)
		if nat["subnetId"] != idOf(subnetType, "net-public-"+zone) || nat["allocationId"] != idOf(eipType, name) {
			t.Errorf("NAT gateway %s is in %v with address %v", name, nat["subnetId"], nat["allocationId"])
		}
		if got := g.inputs(t, eipType+" "+name)["domain"]; got != "vpc" {
			t.Errorf("address %s is of domain %v", name, got)
		}
		if !g.waits(t, natType+" "+name, gatewayType+" net") {
			t.Errorf("NAT gateway %s does not wait for the internet gateway, which AWS keeps for as long as its address is there", name)
		}
	}
}

func TestPublicSubnetsGoOutThroughTheInternetGateway(t *testing.T) {
	g := made(t, asIs)
	route := g.inputs(t, routeType+" net-public")
	if route["gatewayId"] != idOf(gatewayType, "net") || route["destinationCidrBlock"] != "0.0.0.0/0" {
		t.Errorf("the default route is %v", route)
	}
	for _, zone := range typical().Zones {
		name := "net-public-" + zone
		association := g.inputs(t, associationType+" "+name)
		if association["subnetId"] != idOf(subnetType, name) || association["routeTableId"] != route["routeTableId"] {
			t.Errorf("%v is under table %v, want that of the route, %v", association["subnetId"], association["routeTableId"], route["routeTableId"])
		}
	}
	if got := g.inputs(t, gatewayType+" net")["vpcId"]; got != idOf(vpcType, "net") {
		t.Errorf("the gateway is of VPC %v", got)
	}
	// No table has more routes than these: a route in line and one of its own would undo each other.
	for _, name := range g.names(tableType) {
		if routes := g.inputs(t, tableType+" "+name)["routes"]; routes != nil {
			t.Errorf("table %s has routes of its own: %v", name, routes)
		}
	}
	g.wantNames(t, routeType, "net-private-eu-west-1a", "net-private-eu-west-1b", "net-private-eu-west-1c", "net-public")
}
