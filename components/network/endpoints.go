package network

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// httpsPort is the only port of an interface endpoint.
const httpsPort = 443

// serviceName is the name of an AWS service in a VPC endpoint.
func serviceName(region, service string) string { return "com.amazonaws." + region + "." + service }

// newS3Endpoint routes traffic to S3 past the NAT gateways. ECR stores the layers of images in S3. The endpoint is free of
// charge.
func newS3Endpoint(ctx *pulumi.Context, name string, args *Args, network *ec2.Vpc, tables []*ec2.RouteTable, opts ...pulumi.ResourceOption) (*ec2.VpcEndpoint, error) {
	var tableIDs pulumi.StringArray
	for _, t := range tables {
		tableIDs = append(tableIDs, t.ID())
	}
	return ec2.NewVpcEndpoint(ctx, name+"-s3", &ec2.VpcEndpointArgs{
		VpcId:           network.ID(),
		ServiceName:     pulumi.String(serviceName(args.Region, "s3")),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   tableIDs,
		Tags:            nameTag(name + "-s3"),
	}, opts...)
}

// newInterfaceEndpoints makes an endpoint for each service, in each private subnet. AWS bills each by the hour, the zone and
// the gigabyte.
func newInterfaceEndpoints(ctx *pulumi.Context, name string, args *Args, network *ec2.Vpc, private []*subnet, opts ...pulumi.ResourceOption) error {
	if len(args.InterfaceEndpoints) == 0 {
		return nil
	}
	group, err := newEndpointGroup(ctx, name+"-endpoints", args, network, opts...)
	if err != nil {
		return err
	}
	for _, service := range args.InterfaceEndpoints {
		endpointName := name + "-" + strings.ReplaceAll(service, ".", "-")
		_, err := ec2.NewVpcEndpoint(ctx, endpointName, &ec2.VpcEndpointArgs{
			VpcId:            network.ID(),
			ServiceName:      pulumi.String(serviceName(args.Region, service)),
			VpcEndpointType:  pulumi.String("Interface"),
			SubnetIds:        ids(private),
			SecurityGroupIds: pulumi.StringArray{group},
			// The service's usual DNS name resolves to the endpoint, so its callers need no configuration.
			PrivateDnsEnabled: pulumi.Bool(true),
			Tags:              nameTag(endpointName),
		}, opts...)
		if err != nil {
			return err
		}
	}
	return nil
}

// newEndpointGroup makes the security group of the interface endpoints, and returns its id, which becomes known after its
// rule exists: calls to an endpoint whose group has no rule time out. Endpoints open no connections, so the group has no
// egress rule.
func newEndpointGroup(ctx *pulumi.Context, name string, args *Args, network *ec2.Vpc, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	group, err := ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		VpcId:       network.ID(),
		Description: pulumi.String("Interface endpoints of " + args.ClusterName + ": HTTPS from the VPC"),
		Tags:        nameTag(name),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	rule, err := vpc.NewSecurityGroupIngressRule(ctx, name, &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId: group.ID(),
		Description:     pulumi.String("HTTPS from the VPC"),
		IpProtocol:      pulumi.String("tcp"),
		FromPort:        pulumi.Int(httpsPort),
		ToPort:          pulumi.Int(httpsPort),
		CidrIpv4:        pulumi.String(args.CIDR),
		Tags:            nameTag(name),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return pulumi.OutputWithDependencies(ctx.Context(), group.ID().ToStringOutput(), rule).(pulumi.StringOutput), nil
}
