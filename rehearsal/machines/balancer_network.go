package machines

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// clusterTagPrefix and a cluster's name are the key of a tag on subnets of that cluster.
const clusterTagPrefix = "kubernetes.io/cluster/"

// subnets are the subnets of a plan's load balancer: in each zone the first one of the VPC that has the scheme's role tag.
func (b *balancers) subnets(ctx context.Context, p *balancerPlan) ([]string, error) {
	byZone := map[string]string{}
	pages := ec2.NewDescribeSubnetsPaginator(b.ec2, &ec2.DescribeSubnetsInput{Filters: []ec2types.Filter{
		filter("vpc-id", b.vpc), filter("tag:"+p.roleTag(), "1", "")}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing subnets: %w", err)
		}
		for _, subnet := range page.Subnets {
			zone, id := aws.ToString(subnet.AvailabilityZone), aws.ToString(subnet.SubnetId)
			if forCluster(subnet.Tags, b.cluster) && (byZone[zone] == "" || id < byZone[zone]) {
				byZone[zone] = id
			}
		}
	}
	if len(byZone) < p.leastZones() {
		return nil, fmt.Errorf("VPC %s has subnets tagged %s for this cluster in %d zones, and %d are needed", b.vpc, p.roleTag(), len(byZone), p.leastZones())
	}
	return slices.Sorted(maps.Values(byZone)), nil
}

// forCluster says whether a cluster may use a subnet with these tags. If a subnet is tagged for clusters, only these may.
func forCluster(tags []ec2types.Tag, cluster string) bool {
	others := false
	for _, t := range tags {
		name, tagged := strings.CutPrefix(aws.ToString(t.Key), clusterTagPrefix)
		if tagged && name == cluster {
			return true
		}
		others = others || tagged
	}
	return !others
}

// securityGroup makes the security group of a plan's load balancer, or updates its rules.
func (b *balancers) securityGroup(ctx context.Context, p *balancerPlan) (string, error) {
	groups, err := b.securityGroups(ctx, p)
	if err != nil {
		return "", err
	}
	have := map[rule]bool{}
	var id string
	if len(groups) > 0 {
		id = aws.ToString(groups[0].GroupId)
		have = rulesOf(groups[0].IpPermissions)
	} else {
		out, err := b.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
			GroupName: aws.String(p.resourceName(b.cluster)), VpcId: &b.vpc,
			Description: aws.String("Load balancer of " + p.id() + " in " + b.cluster),
			TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSecurityGroup,
				Tags: ec2Tags(p.tags(b.cluster, groupResource, b.tags))}}})
		if err != nil {
			return "", fmt.Errorf("making the load balancer's security group: %w", err)
		}
		id = aws.ToString(out.GroupId)
	}
	wanted := p.rules()
	if extra := permissions(have, wanted); len(extra) > 0 {
		if _, err := b.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, IpPermissions: extra}); err != nil {
			return "", fmt.Errorf("closing the load balancer's security group: %w", err)
		}
	}
	if missing := permissions(wanted, have); len(missing) > 0 {
		if _, err := b.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: missing}); err != nil {
			return "", fmt.Errorf("opening the load balancer's security group: %w", err)
		}
	}
	return id, nil
}

func (b *balancers) securityGroups(ctx context.Context, p *balancerPlan) ([]ec2types.SecurityGroup, error) {
	out, err := b.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		filter("vpc-id", b.vpc), filter("tag:"+clusterOwnTag, b.cluster), filter("tag:"+p.stackTag(), p.id())}})
	if err != nil {
		return nil, fmt.Errorf("listing the load balancer's security groups: %w", err)
	}
	return out.SecurityGroups, nil
}

// rule allows traffic from a range of addresses to a port.
type rule struct {
	protocol string
	port     int32
	cidr     string
}

// rules are the rules of the plan's security group.
func (p *balancerPlan) rules() map[rule]bool {
	all := map[rule]bool{}
	for _, l := range p.listeners {
		protocol := "tcp"
		if l.protocol == types.ProtocolEnumUdp {
			protocol = "udp"
		}
		for _, cidr := range p.cidrs {
			all[rule{protocol, l.port, cidr}] = true
		}
	}
	return all
}

func rulesOf(permissions []ec2types.IpPermission) map[rule]bool {
	all := map[rule]bool{}
	for _, p := range permissions {
		for _, r := range p.IpRanges {
			all[rule{aws.ToString(p.IpProtocol), aws.ToInt32(p.FromPort), aws.ToString(r.CidrIp)}] = true
		}
		for _, r := range p.Ipv6Ranges {
			all[rule{aws.ToString(p.IpProtocol), aws.ToInt32(p.FromPort), aws.ToString(r.CidrIpv6)}] = true
		}
	}
	return all
}

// permissions are the rules of one set that are not in another, as EC2's type.
func permissions(rules, except map[rule]bool) (all []ec2types.IpPermission) {
	for r := range rules {
		if except[r] {
			continue
		}
		p := ec2types.IpPermission{IpProtocol: aws.String(r.protocol), FromPort: aws.Int32(r.port), ToPort: aws.Int32(r.port)}
		if strings.Contains(r.cidr, ":") {
			p.Ipv6Ranges = []ec2types.Ipv6Range{{CidrIpv6: aws.String(r.cidr)}}
		} else {
			p.IpRanges = []ec2types.IpRange{{CidrIp: aws.String(r.cidr)}}
		}
		all = append(all, p)
	}
	return all
}

func filter(name string, values ...string) ec2types.Filter {
	return ec2types.Filter{Name: aws.String(name), Values: values}
}
