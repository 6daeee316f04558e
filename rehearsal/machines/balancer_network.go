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

// clusterTagPrefix, with a cluster's name, marks the subnets that clusters use.
const clusterTagPrefix = "kubernetes.io/cluster/"

// subnets are where a stack's load balancer goes: of each zone the first subnet of the VPC with the scheme's role.
func (b *balancers) subnets(ctx context.Context, s *stack) ([]string, error) {
	byZone := map[string]string{}
	pages := ec2.NewDescribeSubnetsPaginator(b.ec2, &ec2.DescribeSubnetsInput{Filters: []ec2types.Filter{
		filter("vpc-id", b.vpc), filter("tag:"+s.roleTag(), "1", "")}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking for subnets: %w", err)
		}
		for _, subnet := range page.Subnets {
			zone, id := aws.ToString(subnet.AvailabilityZone), aws.ToString(subnet.SubnetId)
			if forCluster(subnet.Tags, b.cluster) && (byZone[zone] == "" || id < byZone[zone]) {
				byZone[zone] = id
			}
		}
	}
	if len(byZone) < s.leastZones() {
		return nil, fmt.Errorf("VPC %s has subnets tagged %s for this cluster in %d zones, and %d are needed", b.vpc, s.roleTag(), len(byZone), s.leastZones())
	}
	return slices.Sorted(maps.Values(byZone)), nil
}

// forCluster says whether a cluster may use a subnet with these tags: one that is tagged for clusters is for those alone.
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

// securityGroup makes the group of a stack's load balancer and brings its rules in step.
func (b *balancers) securityGroup(ctx context.Context, s *stack) (string, error) {
	groups, err := b.securityGroups(ctx, s)
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
			GroupName: aws.String(s.resourceName(b.cluster)), VpcId: &b.vpc,
			Description: aws.String("Load balancer of " + s.id() + " in " + b.cluster),
			TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSecurityGroup,
				Tags: ec2Tags(s.tags(b.cluster, groupResource, b.tags))}}})
		if err != nil {
			return "", fmt.Errorf("making the load balancer's security group: %w", err)
		}
		id = aws.ToString(out.GroupId)
	}
	wanted := s.rules()
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

func (b *balancers) securityGroups(ctx context.Context, s *stack) ([]ec2types.SecurityGroup, error) {
	out, err := b.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		filter("vpc-id", b.vpc), filter("tag:"+clusterOwnTag, b.cluster), filter("tag:"+s.stackTag(), s.id())}})
	if err != nil {
		return nil, fmt.Errorf("looking for the load balancer's security group: %w", err)
	}
	return out.SecurityGroups, nil
}

// rule lets a range of addresses reach a port.
type rule struct {
	protocol string
	port     int32
	cidr     string
}

// rules are those of the stack's security group.
func (s *stack) rules() map[rule]bool {
	all := map[rule]bool{}
	for _, l := range s.listeners {
		protocol := "tcp"
		if l.protocol == types.ProtocolEnumUdp {
			protocol = "udp"
		}
		for _, cidr := range s.cidrs {
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

// permissions are, in EC2's words, the rules of one set that another lacks.
func permissions(of, lacking map[rule]bool) (all []ec2types.IpPermission) {
	for r := range of {
		if lacking[r] {
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
