package network

import "testing"

func TestPrivateSubnetsReachTheInternetThroughNAT(t *testing.T) {
	for name, c := range map[string]struct {
		graph *graph
		via   map[string]string // NAT gateway by zone
	}{
		"per zone": {mustRegister(t), map[string]string{
			"eu-west-1a": "net-nat-eu-west-1a", "eu-west-1b": "net-nat-eu-west-1b", "eu-west-1c": "net-nat-eu-west-1c",
		}},
		"single": {mustRegister(t, singleNAT), map[string]string{
			"eu-west-1a": "net-nat-eu-west-1a", "eu-west-1b": "net-nat-eu-west-1a", "eu-west-1c": "net-nat-eu-west-1a",
		}},
	} {
		g := c.graph
		gateways := map[string]bool{}
		for zone, via := range c.via {
			gateways[via] = true
			subnet := "net-private-" + zone
			route := g.inputs(t, routeType, subnet)
			if route["natGatewayId"] != id(natType, via) || route["destinationCidrBlock"] != "0.0.0.0/0" || route["gatewayId"] != nil {
				t.Errorf("%s: the default route of %s is %v, want one through %s", name, subnet, route, via)
			}
			association := g.inputs(t, associationType, subnet)
			if association["subnetId"] != id(subnetType, subnet) || association["routeTableId"] != route["routeTableId"] ||
				route["routeTableId"] != id(tableType, subnet) {
				t.Errorf("%s: %s has route table %v, and its route is in %v; want a table of its own", name, association["subnetId"], association["routeTableId"], route["routeTableId"])
			}
		}
		if got := g.names(natType); len(got) != len(gateways) {
			t.Errorf("%s: the NAT gateways are %v, want %v", name, got, gateways)
		}
	}
}

func TestEachNATGatewayIsInItsZonesPublicSubnetWithItsOwnAddress(t *testing.T) {
	g := mustRegister(t)
	for _, zone := range allOptions().Zones {
		name := "net-nat-" + zone
		nat := g.inputs(t, natType, name)
		if nat["subnetId"] != id(subnetType, "net-public-"+zone) || nat["allocationId"] != id(eipType, name) {
			t.Errorf("NAT gateway %s is in subnet %v with address %v", name, nat["subnetId"], nat["allocationId"])
		}
		if got := g.inputs(t, eipType, name)["domain"]; got != "vpc" {
			t.Errorf("the domain of address %s is %v", name, got)
		}
		if !g.DependsOn(g.Get(t, natType, name), g.Get(t, gatewayType, "net")) {
			t.Errorf("NAT gateway %s does not wait for the internet gateway; AWS refuses to detach the gateway while the VPC has a public address", name)
		}
	}
}

func TestPublicSubnetsReachTheInternetThroughTheInternetGateway(t *testing.T) {
	g := mustRegister(t)
	route := g.inputs(t, routeType, "net-public")
	if route["gatewayId"] != id(gatewayType, "net") || route["destinationCidrBlock"] != "0.0.0.0/0" {
		t.Errorf("the default route is %v", route)
	}
	for _, zone := range allOptions().Zones {
		name := "net-public-" + zone
		association := g.inputs(t, associationType, name)
		if association["subnetId"] != id(subnetType, name) || association["routeTableId"] != route["routeTableId"] {
			t.Errorf("%v has route table %v, want that of the route, %v", association["subnetId"], association["routeTableId"], route["routeTableId"])
		}
	}
	if got := g.inputs(t, gatewayType, "net")["vpcId"]; got != id(vpcType, "net") {
		t.Errorf("the gateway is attached to VPC %v", got)
	}
	// The provider removes a Route resource from a table that also lists routes inline.
	for _, name := range g.names(tableType) {
		if routes := g.inputs(t, tableType, name)["routes"]; routes != nil {
			t.Errorf("table %s has inline routes: %v", name, routes)
		}
	}
	g.wantNames(t, routeType, "net-private-eu-west-1a", "net-private-eu-west-1b", "net-private-eu-west-1c", "net-public")
}
