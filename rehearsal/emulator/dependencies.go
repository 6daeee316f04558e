package emulator

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// dependencies refuses to delete a subnet or a security group in use, or a VPC with security groups. AWS refuses that, too.
// moto deletes them, so it would hide a wrong order of deletions.
func (a *AWS) dependencies(ctx context.Context, c *call) *refusal {
	if c.service != "ec2" {
		return nil
	}
	var users []string
	var err error
	switch c.action {
	case "DeleteSubnet":
		users, err = a.usersOf(ctx, "subnet-id", c.params["SubnetId"])
	case "DeleteSecurityGroup":
		users, err = a.usersOf(ctx, "group-id", c.params["GroupId"])
	case "DeleteVpc":
		users, err = a.groupsIn(ctx, c.params["VpcId"])
	}
	if err != nil {
		return &refusal{http.StatusInternalServerError, "InternalError", "the emulator could not list what depends on it: " + err.Error()}
	}
	if len(users) > 0 {
		return &refusal{http.StatusBadRequest, "DependencyViolation", fmt.Sprintf("resource %s%s%s has a dependent object: %v",
			c.params["SubnetId"], c.params["GroupId"], c.params["VpcId"], users)}
	}
	return nil
}

// usersOf are the instances, network interfaces, NAT gateways and load balancers that use a subnet or a security group.
func (a *AWS) usersOf(ctx context.Context, filter, id string) (users []string, err error) {
	if id == "" {
		return nil, nil
	}
	by := []ec2types.Filter{{Name: &filter, Values: []string{id}}}
	interfaces, err := a.clients.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: by})
	if err != nil {
		return nil, err
	}
	for _, i := range interfaces.NetworkInterfaces {
		// moto keeps the network interfaces of terminated instances and deleted NAT gateways. Existing instances and
		// gateways are added below.
		ofInstance := i.Attachment != nil && aws.ToString(i.Attachment.InstanceId) != ""
		ofNAT := i.Attachment == nil && aws.ToString(i.Description) == ""
		if !ofInstance && !ofNAT {
			users = append(users, fmt.Sprintf("network interface %s (%s)", aws.ToString(i.NetworkInterfaceId), aws.ToString(i.Description)))
		}
	}
	if filter == "subnet-id" {
		nats, err := a.clients.ec2.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{Filter: by})
		if err != nil {
			return nil, err
		}
		for _, n := range nats.NatGateways {
			if n.State != ec2types.NatGatewayStateDeleted && n.State != ec2types.NatGatewayStateDeleting {
				users = append(users, "NAT gateway "+aws.ToString(n.NatGatewayId))
			}
		}
	}
	a.eks.mu.Lock()
	for _, s := range a.eks.prometheus.scrapers {
		if slices.Contains(s.Source.EKS.SubnetIDs, id) || slices.Contains(s.Source.EKS.SecurityGroupIDs, id) {
			users = append(users, "network interface of collector "+s.Alias)
		}
	}
	a.eks.mu.Unlock()
	if filter == "group-id" {
		by[0].Name = aws.String("instance.group-id")
	}
	instances, err := a.instances(ctx, by...)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		users = append(users, "instance "+aws.ToString(i.InstanceId))
	}
	balancers, err := a.clients.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{})
	if err != nil {
		return nil, err
	}
	for _, b := range balancers.LoadBalancers {
		uses := slices.Contains(b.SecurityGroups, id)
		for _, zone := range b.AvailabilityZones {
			uses = uses || aws.ToString(zone.SubnetId) == id
		}
		if uses {
			users = append(users, "load balancer "+aws.ToString(b.LoadBalancerName))
		}
	}
	return users, nil
}

// instances are the instances that are not terminated.
func (a *AWS) instances(ctx context.Context, filters ...ec2types.Filter) (all []ec2types.Instance, err error) {
	filters = append(filters, ec2types.Filter{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "shutting-down", "stopping", "stopped"}})
	pages := ec2.NewDescribeInstancesPaginator(a.clients.ec2, &ec2.DescribeInstancesInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all, nil
}

func (a *AWS) groupsIn(ctx context.Context, vpc string) (groups []string, err error) {
	found, err := a.clients.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}},
	})
	if err != nil {
		return nil, err
	}
	for _, g := range found.SecurityGroups {
		if aws.ToString(g.GroupName) != "default" {
			groups = append(groups, fmt.Sprintf("security group %s (%s)", aws.ToString(g.GroupId), aws.ToString(g.GroupName)))
		}
	}
	return groups, nil
}
