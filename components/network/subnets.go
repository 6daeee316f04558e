package network

import (
	"net/netip"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Tags by which the AWS Load Balancer Controller finds subnets (its subnet discovery guide). The role tag is for subnets of
// internet-facing or of internal load balancers; the cluster tag names the cluster.
const (
	clusterTag  = "kubernetes.io/cluster/"
	publicRole  = "kubernetes.io/role/elb"
	privateRole = "kubernetes.io/role/internal-elb"
)

// subnet is a subnet with its name and zone.
type subnet struct {
	*ec2.Subnet
	name string // of the subnet, and of its route table's resources
	zone string
}

// newSubnets makes a subnet in each zone. The subnets assign no public addresses: load balancers and NAT gateways have their
// own, and instances need none.
func newSubnets(ctx *pulumi.Context, name string, args *Args, vpc *ec2.Vpc, kind string, ranges []netip.Prefix, opts ...pulumi.ResourceOption) ([]*subnet, error) {
	role := privateRole
	if kind == "public" {
		role = publicRole
	}
	var all []*subnet
	for i, zone := range args.Zones {
		s := &subnet{name: name + "-" + kind + "-" + zone, zone: zone}
		tags := nameTag(s.name)
		tags[role] = pulumi.String("1")
		tags[clusterTag+args.ClusterName] = pulumi.String("shared")
		var err error
		s.Subnet, err = ec2.NewSubnet(ctx, s.name, &ec2.SubnetArgs{
			VpcId:            vpc.ID(),
			AvailabilityZone: pulumi.String(zone),
			CidrBlock:        pulumi.String(ranges[i].String()),
			Tags:             tags,
		}, opts...)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func ids(subnets []*subnet) pulumi.StringArrayOutput {
	var all pulumi.StringArray
	for _, s := range subnets {
		all = append(all, s.ID())
	}
	return all.ToStringArrayOutput()
}
