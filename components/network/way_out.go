package network

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// anywhere is the destination of a default route.
const anywhere = "0.0.0.0/0"

// newWayOut lets public subnets out through an internet gateway, private ones through NAT and, to S3, through a gateway
// endpoint. It returns all that must be there before something in a private subnet gets out.
func newWayOut(ctx *pulumi.Context, name string, args *Args, vpc *ec2.Vpc, public, private []*subnet, opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	gateway, out, err := newInternetGateway(ctx, name, vpc, public, opts...)
	if err != nil {
		return nil, err
	}
	nats, err := newNATGateways(ctx, name, args, gateway, public, opts...)
	if err != nil {
		return nil, err
	}
	for _, nat := range nats {
		out = append(out, nat)
	}
	var tables []*ec2.RouteTable
	for i, s := range private {
		// A table for each subnet even where all share a NAT gateway: going to one in each zone, and back, then changes
		// a route in place and leaves subnets, tables and associations alone.
		table, association, err := newRouteTable(ctx, s.name, vpc, []*subnet{s}, opts...)
		if err != nil {
			return nil, err
		}
		route, err := ec2.NewRoute(ctx, s.name, &ec2.RouteArgs{
			RouteTableId:         table.ID(),
			DestinationCidrBlock: pulumi.String(anywhere),
			NatGatewayId:         nats[i%len(nats)].ID(),
		}, opts...)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
		out = append(append(out, association...), route)
	}
	s3, err := newS3Endpoint(ctx, name, args, vpc, tables, opts...)
	if err != nil {
		return nil, err
	}
	return append(out, s3), nil
}

// newInternetGateway makes the gateway, and the routes by which public subnets use it.
func newInternetGateway(ctx *pulumi.Context, name string, vpc *ec2.Vpc, public []*subnet, opts ...pulumi.ResourceOption) (*ec2.InternetGateway, []pulumi.Resource, error) {
	gateway, err := ec2.NewInternetGateway(ctx, name, &ec2.InternetGatewayArgs{VpcId: vpc.ID(), Tags: named(name)}, opts...)
	if err != nil {
		return nil, nil, err
	}
	table, out, err := newRouteTable(ctx, name+"-public", vpc, public, opts...)
	if err != nil {
		return nil, nil, err
	}
	route, err := ec2.NewRoute(ctx, name+"-public", &ec2.RouteArgs{
		RouteTableId:         table.ID(),
		DestinationCidrBlock: pulumi.String(anywhere),
		GatewayId:            gateway.ID(),
	}, opts...)
	return gateway, append(out, route), err
}

// newNATGateways makes a NAT gateway in the first zone, or one in each zone. The first is the same either way.
func newNATGateways(ctx *pulumi.Context, name string, args *Args, gateway *ec2.InternetGateway, public []*subnet, opts ...pulumi.ResourceOption) ([]*ec2.NatGateway, error) {
	if !args.NATPerZone {
		public = public[:1]
	}
	var nats []*ec2.NatGateway
	for _, s := range public {
		natName := name + "-nat-" + s.zone
		address, err := ec2.NewEip(ctx, natName, &ec2.EipArgs{Domain: pulumi.String("vpc"), Tags: named(natName)}, opts...)
		if err != nil {
			return nil, err
		}
		nat, err := ec2.NewNatGateway(ctx, natName, &ec2.NatGatewayArgs{
			SubnetId:     s.ID(),
			AllocationId: address.ID(),
			Tags:         named(natName),
			// AWS takes no public address into a VPC without an internet gateway, nor the gateway out of a VPC with one.
		}, append(opts, pulumi.DependsOn([]pulumi.Resource{gateway}))...)
		if err != nil {
			return nil, err
		}
		nats = append(nats, nat)
	}
	return nats, nil
}

// newRouteTable makes a route table and puts subnets under it.
func newRouteTable(ctx *pulumi.Context, name string, vpc *ec2.Vpc, subnets []*subnet, opts ...pulumi.ResourceOption) (*ec2.RouteTable, []pulumi.Resource, error) {
	table, err := ec2.NewRouteTable(ctx, name, &ec2.RouteTableArgs{VpcId: vpc.ID(), Tags: named(name)}, opts...)
	if err != nil {
		return nil, nil, err
	}
	var associations []pulumi.Resource
	for _, s := range subnets {
		association, err := ec2.NewRouteTableAssociation(ctx, s.name, &ec2.RouteTableAssociationArgs{
			SubnetId:     s.ID(),
			RouteTableId: table.ID(),
		}, opts...)
		if err != nil {
			return nil, nil, err
		}
		associations = append(associations, association)
	}
	return table, associations, nil
}
