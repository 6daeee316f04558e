package network

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// anywhere is the destination of a default route.
const anywhere = "0.0.0.0/0"

// newInternetAccess gives public subnets an internet gateway, and private subnets NAT and a gateway endpoint for S3. It
// returns all resources that an instance in a private subnet needs to reach the internet, and the NAT gateways' identifiers by zone.
func newInternetAccess(ctx *pulumi.Context, name string, args *Args, vpc *ec2.Vpc, public, private []*subnet, opts ...pulumi.ResourceOption) ([]pulumi.Resource, map[string]pulumi.StringInput, error) {
	gateway, needed, err := newInternetGateway(ctx, name, vpc, public, opts...)
	if err != nil {
		return nil, nil, err
	}
	nats, err := newNATGateways(ctx, name, args, gateway, public, opts...)
	if err != nil {
		return nil, nil, err
	}
	ids := map[string]pulumi.StringInput{}
	for i, nat := range nats {
		needed = append(needed, nat)
		ids[public[i].zone] = nat.ID().ToStringOutput()
	}
	var tables []*ec2.RouteTable
	for i, s := range private {
		// Each subnet has its own table, even if all share a NAT gateway. A change to a gateway in each zone, or back, then
		// changes routes in place, and no subnet, table or association.
		table, associations, err := newRouteTable(ctx, s.name, vpc, []*subnet{s}, opts...)
		if err != nil {
			return nil, nil, err
		}
		route, err := ec2.NewRoute(ctx, s.name, &ec2.RouteArgs{
			RouteTableId:         table.ID(),
			DestinationCidrBlock: pulumi.String(anywhere),
			NatGatewayId:         nats[i%len(nats)].ID(),
		}, opts...)
		if err != nil {
			return nil, nil, err
		}
		tables = append(tables, table)
		needed = append(append(needed, associations...), route)
	}
	s3, err := newS3Endpoint(ctx, name, args, vpc, tables, opts...)
	if err != nil {
		return nil, nil, err
	}
	return append(needed, s3), ids, nil
}

// newInternetGateway makes the gateway and the public subnets' route table. It returns the gateway, and the route with its
// associations.
func newInternetGateway(ctx *pulumi.Context, name string, vpc *ec2.Vpc, public []*subnet, opts ...pulumi.ResourceOption) (*ec2.InternetGateway, []pulumi.Resource, error) {
	gateway, err := ec2.NewInternetGateway(ctx, name, &ec2.InternetGatewayArgs{VpcId: vpc.ID(), Tags: nameTag(name)}, opts...)
	if err != nil {
		return nil, nil, err
	}
	table, associations, err := newRouteTable(ctx, name+"-public", vpc, public, opts...)
	if err != nil {
		return nil, nil, err
	}
	route, err := ec2.NewRoute(ctx, name+"-public", &ec2.RouteArgs{
		RouteTableId:         table.ID(),
		DestinationCidrBlock: pulumi.String(anywhere),
		GatewayId:            gateway.ID(),
	}, opts...)
	return gateway, append(associations, route), err
}

// newNATGateways makes a NAT gateway in each zone, or in the first zone only. The first zone's is the same in both cases.
func newNATGateways(ctx *pulumi.Context, name string, args *Args, gateway *ec2.InternetGateway, public []*subnet, opts ...pulumi.ResourceOption) ([]*ec2.NatGateway, error) {
	if !args.NATPerZone {
		public = public[:1]
	}
	var nats []*ec2.NatGateway
	for _, s := range public {
		natName := name + "-nat-" + s.zone
		address, err := ec2.NewEip(ctx, natName, &ec2.EipArgs{Domain: pulumi.String("vpc"), Tags: nameTag(natName)}, opts...)
		if err != nil {
			return nil, err
		}
		nat, err := ec2.NewNatGateway(ctx, natName, &ec2.NatGatewayArgs{
			SubnetId:     s.ID(),
			AllocationId: address.ID(),
			Tags:         nameTag(natName),
			// AWS refuses a public address in a VPC without an internet gateway, and refuses to detach the gateway while
			// the VPC has a public address.
		}, append(opts, pulumi.DependsOn([]pulumi.Resource{gateway}))...)
		if err != nil {
			return nil, err
		}
		nats = append(nats, nat)
	}
	return nats, nil
}

// newRouteTable makes a route table and associates subnets with it.
func newRouteTable(ctx *pulumi.Context, name string, vpc *ec2.Vpc, subnets []*subnet, opts ...pulumi.ResourceOption) (*ec2.RouteTable, []pulumi.Resource, error) {
	table, err := ec2.NewRouteTable(ctx, name, &ec2.RouteTableArgs{VpcId: vpc.ID(), Tags: nameTag(name)}, opts...)
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
