// Package network makes the VPC of an EKS cluster: a public and a private subnet in each zone, the ways out of them, and
// what watches and shuts the rest.
package network

import (
	"fmt"
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Args shape a network.
type Args struct {
	ClusterName string   // of the EKS cluster that the subnets are tagged for
	Region      string   // in which the zones are, such as eu-west-1
	CIDR        string   // private IPv4, /16 to /20
	Zones       []string // names of 2 or 3; a further one goes last, since subnets keep to their place in the list
	NATPerZone  bool     // a NAT gateway in each zone, and not one for all
	// InterfaceEndpoints are AWS services reached without NAT, as endpoint names have them: ecr.api, sts, logs.
	InterfaceEndpoints   []string
	FlowLogRetentionDays int  // 0 keeps no flow logs
	Protect              bool // refuse to delete the VPC
}

// Network is the VPC of an EKS cluster.
type Network struct {
	pulumi.ResourceState

	VPCID           pulumi.StringOutput
	PublicSubnetIDs pulumi.StringArrayOutput // for load balancers
	// PrivateSubnetIDs are known as soon as the subnets exist: a control plane need not wait for a way out.
	PrivateSubnetIDs pulumi.StringArrayOutput
	// NodeSubnetIDs are the private subnets for what needs a way out, as nodes do to join: a resource that uses them
	// comes after NAT, routes and S3 endpoint, and goes before them.
	NodeSubnetIDs pulumi.StringArrayOutput
	// Layout is how the addresses are divided.
	Layout *Layout
}

// NewNetwork makes a network. It is an error, before anything is made, if the range or the number of zones does not fit.
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
	out, err := newWayOut(ctx, name, args, vpc, public, private, child)
	if err != nil {
		return nil, err
	}
	if err := newInterfaceEndpoints(ctx, name, args, vpc, private, child); err != nil {
		return nil, err
	}
	if err := newFlowLogs(ctx, name, args, vpc, child); err != nil {
		return nil, err
	}
	n.VPCID = vpc.ID().ToStringOutput()
	n.PublicSubnetIDs, n.PrivateSubnetIDs = ids(public), ids(private)
	// A dependency, not a value computed from NAT and routes: a preview that changes those would no longer know the
	// subnets, and would show every node group replaced.
	n.NodeSubnetIDs = pulumi.OutputWithDependencies(ctx.Context(), n.PrivateSubnetIDs, out...).(pulumi.StringArrayOutput)
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
		Tags:               named(name),
	}, append(opts, pulumi.Protect(args.Protect))...)
	if err != nil {
		return nil, err
	}
	// What is started without a security group gets the default one: emptied, it can neither call nor be called. Empty
	// lists say so; left out, the provider would take whatever rules it finds later for wanted (pulumi/pulumi#2675).
	_, err = ec2.NewDefaultSecurityGroup(ctx, name, &ec2.DefaultSecurityGroupArgs{
		VpcId:   vpc.ID(),
		Ingress: ec2.DefaultSecurityGroupIngressArray{},
		Egress:  ec2.DefaultSecurityGroupEgressArray{},
		Tags:    named(name + "-default-unused"),
	}, opts...)
	return vpc, err
}

// named are the tags of a resource that the AWS console shows by name.
func named(name string) pulumi.StringMap { return pulumi.StringMap{"Name": pulumi.String(name)} }
