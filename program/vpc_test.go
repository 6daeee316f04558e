package program

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"tfserving/components/network"
	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// publicSubnets returns the names of the subnets with a route to an internet gateway.
func (g *graph) publicSubnets() map[string]bool {
	tables := map[string]bool{}
	for _, route := range g.ofType(resource.Route) {
		if route.text("gatewayId") != "" {
			tables[route.text("routeTableId")] = true
		}
	}
	subnets := map[string]bool{}
	for _, a := range g.ofType("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		if tables[a.text("routeTableId")] {
			subnets[nameFromID(a.input("subnetId"))] = true
		}
	}
	return subnets
}

func TestSecurityGroupsAdmitOnlyTheVPC(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		vpcRange := netip.MustParsePrefix(g.settings.Network.CIDR)
		for _, r := range g.awsResources() {
			switch r.TypeToken {
			case resource.SecurityGroupIngressRule:
				from, err := netip.ParsePrefix(r.text("cidrIpv4"))
				if err != nil || !vpcRange.Contains(from.Addr()) || from.Bits() < vpcRange.Bits() {
					t.Errorf("%s admits %q %q %q, want only the VPC's addresses (%s)", r, r.text("cidrIpv4"), r.text("cidrIpv6"), r.text("prefixListId"), vpcRange)
				}
				if r.input("cidrIpv6") != nil || r.input("prefixListId") != nil {
					t.Errorf("%s admits more than an IPv4 range", r)
				}
				if r.text("ipProtocol") == "-1" || r.input("fromPort") == nil {
					t.Errorf("%s admits every protocol or port", r)
				}
			case resource.SecurityGroup:
				if r.input("ingress") != nil || r.input("egress") != nil {
					t.Errorf("%s has inline rules, which this test does not check", r)
				}
			case resource.DefaultSecurityGroup:
				for _, direction := range []string{"ingress", "egress"} {
					if rules, exists := r.input(direction).([]any); !exists || len(rules) > 0 {
						t.Errorf("the default security group's %s is %v, want an empty list: without a list, AWS keeps its own rules", direction, r.input(direction))
					}
				}
			case resource.SecurityGroupRule, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":
				t.Errorf("%s has a type that this test does not check", r)
			}
		}
		g.single(t, resource.DefaultSecurityGroup)
	})
}

func TestNodesAndControlPlaneAreInPrivateSubnets(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		public := g.publicSubnets()
		if len(public) != g.settings.Network.Zones {
			t.Errorf("%d subnets have a route to the internet gateway, want one in each of %d zones", len(public), g.settings.Network.Zones)
		}
		for _, s := range g.ofType(resource.Subnet) {
			if s.input("mapPublicIpOnLaunch") != nil || s.input("assignIpv6AddressOnCreation") != nil {
				t.Errorf("%s gives public addresses to instances", s)
			}
			tags := stringMap(s.input("tags"))
			if tags["kubernetes.io/role/elb"] != "" != public[s.Name] || tags["kubernetes.io/role/internal-elb"] != "" == public[s.Name] {
				t.Errorf("%s is public: %t, but its tags for the load balancer controller are %v", s, public[s.Name], tags)
			}
		}
		checkPrivate := func(r *registration, key string) {
			ids := r.list(key)
			if len(ids) != g.settings.Network.Zones {
				t.Errorf("%s is in subnets %v, want one in each of %d zones", r, ids, g.settings.Network.Zones)
			}
			for _, id := range ids {
				if public[nameFromID(id)] {
					t.Errorf("%s is in %s, which has a route to the internet gateway", r, nameFromID(id))
				}
			}
		}
		checkPrivate(g.single(t, mockengine.Cluster), "subnetIds")
		for _, r := range g.ofType(resource.NodeGroup) {
			checkPrivate(r, "subnetIds")
			if r.input("remoteAccess") != nil {
				t.Errorf("%s opens SSH to nodes", r)
			}
		}
		for _, r := range g.ofType(resource.LaunchTemplate) {
			for _, key := range []string{"networkInterfaces", "vpcSecurityGroupIds", "keyName"} {
				if r.input(key) != nil {
					t.Errorf("%s sets %s, which the subnet and EKS must decide", r, key)
				}
			}
		}
		for _, r := range g.ofType(resource.VPCEndpoint) {
			if r.text("vpcEndpointType") == "Interface" {
				checkPrivate(r, "subnetIds")
			}
		}
		// Only NAT gateways have public addresses. They accept no connections from outside.
		nats := map[string]bool{}
		for _, r := range g.ofType(resource.NATGateway) {
			nats[r.text("allocationId")] = true
		}
		for _, r := range g.ofType(resource.ElasticIP) {
			if !nats[mockengine.ID(r.MockResourceArgs)] {
				t.Errorf("%s is a public address, but not of a NAT gateway", r)
			}
		}
	})
}

// AWS promises no order of zones. Another choice of zones would move the subnets.
func TestSubnetsDoNotDependOnTheOrderInWhichAWSListsZones(t *testing.T) {
	subnets := func(zones ...string) (all []string) {
		account := newFakeAWS()
		account.zones = zones
		g, err := newEKSGraph("dev", "", account)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range g.ofType(resource.Subnet) {
			all = append(all, s.Name+" "+s.text("availabilityZone")+" "+s.text("cidrBlock"))
		}
		return all
	}
	want := subnets("eu-west-1a", "eu-west-1b", "eu-west-1c")
	if got := subnets("eu-west-1c", "eu-west-1b", "eu-west-1a"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("with zones in order the subnets are %v, in another order %v", want, got)
	}
}

func TestZonesWithoutEKSAreNotUsed(t *testing.T) {
	g := checkedInStack(t, "dev")
	for _, a := range g.engine.Invokes {
		if a.Token != "aws:index/getAvailabilityZones:getAvailabilityZones" {
			continue
		}
		args := a.Args.Mappable()
		if got := strings.Join(stringsOf(args["excludeZoneIds"]), " "); got != "use1-az3 usw1-az2 cac1-az3" {
			t.Errorf("the zones without EKS are %s", got)
		}
		if resource.At(args, "filters", 0, "name") != "opt-in-status" || resource.At(args, "filters", 0, "values", 0) != "opt-in-not-required" {
			t.Errorf("the filter lets local zones through: %v", args)
		}
		return
	}
	t.Error("the program does not list the zones")
}

// Package config counts the addresses itself, because it imports no component.
func TestSettingsAndNetworkCountTheSamePodAddresses(t *testing.T) {
	for bits := 16; bits <= 20; bits++ {
		for zones := 2; zones <= 3; zones++ {
			cidr := netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), bits)
			layout, err := network.Plan(cidr, zones)
			if err != nil {
				t.Fatal(err)
			}
			settings := config.Network{CIDR: cidr.String(), Zones: zones}
			if got, want := settings.PodAddresses(), zones*layout.Pods(); got != want {
				t.Errorf("%s over %d zones: the settings count %d pod addresses, the network has %d", cidr, zones, got, want)
			}
		}
	}
}
