package network

import (
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// httpsPort is the only one on which AWS services answer at an interface endpoint.
const httpsPort = 443

// serviceName is an AWS service as VPC endpoints name it.
func serviceName(region, service string) string { return "com.amazonaws." + region + "." + service }

// newS3Endpoint takes traffic to S3, in which are the layers of every image in ECR, past the NAT gateways. It costs
// nothing.
func newS3Endpoint(ctx *pulumi.Context, name string, args *Args, in *ec2.Vpc, tables []*ec2.RouteTable, opts ...pulumi.ResourceOption) (*ec2.VpcEndpoint, error) {
	var on pulumi.StringArray
	for _, t := range tables {
		on = append(on, t.ID())
	}
	return ec2.NewVpcEndpoint(ctx, name+"-s3", &ec2.VpcEndpointArgs{
		VpcId:           in.ID(),
		ServiceName:     pulumi.String(serviceName(args.Region, "s3")),
		VpcEndpointType: pulumi.String("Gateway"),
		RouteTableIds:   on,
		Tags:            named(name + "-s3"),
	}, opts...)
}

// newInterfaceEndpoints makes an endpoint in each zone for each service that the settings name. Each is paid for by the
// hour, zone and gigabyte.
func newInterfaceEndpoints(ctx *pulumi.Context, name string, args *Args, in *ec2.Vpc, private []*subnet, opts ...pulumi.ResourceOption) error {
	if len(args.InterfaceEndpoints) == 0 {
		return nil
	}
	group, err := newEndpointGroup(ctx, name+"-endpoints", args, in, opts...)
	if err != nil {
		return err
	}
	for _, service := range args.InterfaceEndpoints {
		endpointName := name + "-" + strings.ReplaceAll(service, ".", "-")
		_, err := ec2.NewVpcEndpoint(ctx, endpointName, &ec2.VpcEndpointArgs{
			VpcId:            in.ID(),
			ServiceName:      pulumi.String(serviceName(args.Region, service)),
			VpcEndpointType:  pulumi.String("Interface"),
			SubnetIds:        ids(private),
			SecurityGroupIds: pulumi.StringArray{group},
			// The service's own name then leads to the endpoint: nothing that calls it needs to know.
			PrivateDnsEnabled: pulumi.Bool(true),
			Tags:              named(endpointName),
		}, opts...)
		if err != nil {
			return err
		}
	}
	return nil
}

// newEndpointGroup makes the security group of the interface endpoints, and returns its id, known once its rule is there:
// an endpoint that is open before it admits anyone would only make callers wait. Endpoints answer and never call, so no
// rule lets them out.
func newEndpointGroup(ctx *pulumi.Context, name string, args *Args, in *ec2.Vpc, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	group, err := ec2.NewSecurityGroup(ctx, name, &ec2.SecurityGroupArgs{
		VpcId:       in.ID(),
		Description: pulumi.String("Interface endpoints of " + args.ClusterName + ": HTTPS from the VPC"),
		Tags:        named(name),
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
		Tags:            named(name),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return pulumi.OutputWithDependencies(ctx.Context(), group.ID().ToStringOutput(), rule).(pulumi.StringOutput), nil
}
