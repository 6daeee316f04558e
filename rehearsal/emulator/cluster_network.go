package emulator

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// subnets are the properties of a cluster's subnets that EKS uses.
type subnets struct {
	vpc, cidr string
	zones     map[string]bool
}

func (a *AWS) describeSubnets(ctx context.Context, ids []string) (*subnets, error) {
	found := &subnets{zones: map[string]bool{}}
	if len(ids) == 0 {
		return found, nil
	}
	answer, err := a.clients.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: ids})
	var failure smithy.APIError
	if errors.As(err, &failure) {
		return nil, invalid("%s", failure.ErrorMessage())
	} else if err != nil {
		return nil, fmt.Errorf("reading subnets: %w", err)
	}
	for _, s := range answer.Subnets {
		if vpc := aws.ToString(s.VpcId); found.vpc == "" {
			found.vpc = vpc
		} else if found.vpc != vpc {
			return nil, invalid("Subnets belong to different VPCs: %s and %s", found.vpc, vpc)
		}
		found.zones[aws.ToString(s.AvailabilityZone)] = true
	}
	vpcs, err := a.clients.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{found.vpc}})
	if err != nil || len(vpcs.Vpcs) == 0 {
		return nil, fmt.Errorf("reading VPC %s: %w", found.vpc, err)
	}
	found.cidr = aws.ToString(vpcs.Vpcs[0].CidrBlock)
	return found, nil
}

// connect makes the resources that EKS makes in a cluster's VPC: the security group of control plane and nodes, and the network
// interfaces of the control plane.
func (a *AWS) connect(ctx context.Context, one *cluster) error {
	name := fmt.Sprintf("eks-cluster-sg-%s-%s", one.Name, newUUID()[:8])
	made, err := a.clients.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: &name, VpcId: &one.VPC.VPCID,
		Description: aws.String("EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads."),
		TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSecurityGroup, Tags: []ec2types.Tag{
			{Key: aws.String("Name"), Value: &name},
			{Key: aws.String("kubernetes.io/cluster/" + one.Name), Value: aws.String("owned")},
		}}},
	})
	if err != nil {
		return fmt.Errorf("making the cluster security group: %w", err)
	}
	one.VPC.ClusterGroup = aws.ToString(made.GroupId)
	if _, err := a.clients.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: made.GroupId,
		IpPermissions: []ec2types.IpPermission{{IpProtocol: aws.String("-1"),
			UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: made.GroupId}}}},
	}); err != nil {
		return errors.Join(fmt.Errorf("opening the cluster security group to itself: %w", err), a.disconnect(ctx, one))
	}
	for _, subnet := range one.VPC.SubnetIDs {
		i, err := a.clients.ec2.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{
			SubnetId: &subnet, Description: aws.String("Amazon EKS " + one.Name), Groups: append([]string{one.VPC.ClusterGroup}, one.VPC.GroupIDs...),
		})
		if err != nil {
			return errors.Join(fmt.Errorf("making the control plane's network interfaces: %w", err), a.disconnect(ctx, one))
		}
		one.interfaces = append(one.interfaces, aws.ToString(i.NetworkInterface.NetworkInterfaceId))
	}
	return nil
}

// disconnect deletes the resources that connect made.
func (a *AWS) disconnect(ctx context.Context, one *cluster) error {
	var failures []error
	for _, i := range one.interfaces {
		_, err := a.clients.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &i})
		failures = append(failures, err)
	}
	_, err := a.clients.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &one.VPC.ClusterGroup})
	return errors.Join(append(failures, err)...)
}
