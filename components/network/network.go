// Package network makes the VPC of an EKS cluster: a public and a private subnet in each zone, internet access, endpoints of
// AWS services, and flow logs.
package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args are the arguments of NewNetwork.
type Args struct {
	ClusterName string   // of the EKS cluster that the subnets are tagged for
	Region      string   // of the zones, such as eu-west-1
	CIDR        string   // private IPv4, /16 to /20
	Zones       []string // names of 2 or 3 zones. Add a zone at the end: the place in the list decides a subnet's range
	NATPerZone  bool     // a NAT gateway in each zone instead of one for all zones
	// InterfaceEndpoints are AWS services to reach without NAT, as in the names of endpoints: ecr.api, sts, logs.
	InterfaceEndpoints   []string
	FlowLogRetentionDays int  // 0 makes no flow logs
	Protect              bool // makes Pulumi refuse to delete the VPC
}

// Network is the VPC of an EKS cluster.
type Network struct {
	pulumi.ResourceState

	VPCID           pulumi.StringOutput
	PublicSubnetIDs pulumi.StringArrayOutput // for load balancers
	// PrivateSubnetIDs are known as soon as the subnets exist. A control plane needs no internet access.
	PrivateSubnetIDs pulumi.StringArrayOutput
	// NodeSubnetIDs are the private subnets for resources that need internet access, such as nodes that join a cluster. A
	// resource that uses them is made after NAT, routes and S3 endpoint, and deleted before them.
	NodeSubnetIDs pulumi.StringArrayOutput
	// NATGatewayIDs are the NAT gateways by zone.
	NATGatewayIDs map[string]pulumi.StringInput
	Layout        *Layout
}

// NewNetwork makes a network. It fails, before it registers a resource, if Plan refuses the range or the number of zones.
func NewNetwork(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Network, error) {
	cidr, err := netip.ParsePrefix(args.CIDR)
	if err != nil {
		return nil, fmt.Errorf("VPC range %q: %w", args.CIDR, err)
	}
	layout, err := Plan(cidr, len(args.Zones))
	if err != nil {
		return nil, err
	}
	n := &Network{Layout: layout}
	if err := ctx.RegisterComponentResource("tfserving:network:Network", name, n, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(n)
	vpc, err := newVPC(ctx, name, args, child)
	if err != nil {
		return nil, err
	}
	public, err := newSubnets(ctx, name, args, vpc, "public", layout.Public, child)
	if err != nil {
		return nil, err
	}
	private, err := newSubnets(ctx, name, args, vpc, "private", layout.Private, child)
	if err != nil {
		return nil, err
	}
	internetAccess, nats, err := newInternetAccess(ctx, name, args, vpc, public, private, child)
	if err != nil {
		return nil, err
	}
	if err := newInterfaceEndpoints(ctx, name, args, vpc, private, child); err != nil {
		return nil, err
	}
	if err := newFlowLogs(ctx, name, args, vpc, child); err != nil {
		return nil, err
	}
	n.VPCID, n.NATGatewayIDs = vpc.ID().ToStringOutput(), nats
	n.PublicSubnetIDs, n.PrivateSubnetIDs = ids(public), ids(private)
	// The subnets only depend on NAT and routes. If their ids were computed from them, a preview that changes NAT or routes
	// would not know the ids, and would show a replacement of every node group.
	n.NodeSubnetIDs = pulumi.OutputWithDependencies(ctx.Context(), n.PrivateSubnetIDs, internetAccess...).(pulumi.StringArrayOutput)
	return n, ctx.RegisterResourceOutputs(n, pulumi.Map{
		"vpcId":            n.VPCID,
		"publicSubnetIds":  n.PublicSubnetIDs,
		"privateSubnetIds": n.PrivateSubnetIDs,
		"podsPerSubnet":    pulumi.Int(layout.Pods()),
	})
}

func newVPC(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*ec2.Vpc, error) {
	vpc, err := ec2.NewVpc(ctx, name, &ec2.VpcArgs{
		CidrBlock: pulumi.String(args.CIDR),
		// A private cluster endpoint and the private names of interface endpoints need both.
		EnableDnsSupport:   pulumi.Bool(true),
		EnableDnsHostnames: pulumi.Bool(true),
		Tags:               nameTag(name),
	}, append(opts, pulumi.Protect(args.Protect))...)
	if err != nil {
		return nil, err
	}
	// An instance without a security group gets the VPC's default group. Without rules, that group allows no connection.
	// The lists must be empty, not nil: with nil the provider keeps the rules that it finds (pulumi/pulumi#2675).
	_, err = ec2.NewDefaultSecurityGroup(ctx, name, &ec2.DefaultSecurityGroupArgs{
		VpcId:   vpc.ID(),
		Ingress: ec2.DefaultSecurityGroupIngressArray{},
		Egress:  ec2.DefaultSecurityGroupEgressArray{},
		Tags:    nameTag(name + "-default-unused"),
	}, opts...)
	return vpc, err
}

// nameTag is the tag Name, which the AWS console shows.
func nameTag(name string) pulumi.StringMap { return pulumi.StringMap{"Name": pulumi.String(name)} }
