package network

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
)

const (
	componentType   = "tfserving:network:Network"
	vpcType         = "aws:ec2/vpc:Vpc"
	defaultType     = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
	subnetType      = "aws:ec2/subnet:Subnet"
	gatewayType     = "aws:ec2/internetGateway:InternetGateway"
	eipType         = "aws:ec2/eip:Eip"
	natType         = "aws:ec2/natGateway:NatGateway"
	tableType       = "aws:ec2/routeTable:RouteTable"
	routeType       = "aws:ec2/route:Route"
	associationType = "aws:ec2/routeTableAssociation:RouteTableAssociation"
	endpointType    = "aws:ec2/vpcEndpoint:VpcEndpoint"
	groupType       = "aws:ec2/securityGroup:SecurityGroup"
	ruleType        = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	logGroupType    = "aws:cloudwatch/logGroup:LogGroup"
	roleType        = "aws:iam/role:Role"
	policyType      = "aws:iam/rolePolicy:RolePolicy"
	flowLogType     = "aws:ec2/flowLog:FlowLog"
)

// consumerType is the type of the resources that stand for users of the network: a control plane, nodes and load balancers.
const consumerType = "aws:ec2/placementGroup:PlacementGroup"

const logGroupARN = "arn:aws-cn:logs:cn-north-1:" + mockengine.Account + ":log-group:net-flow-logs-0123456"

// id is the id that the engine gives a resource.
func id(token, name string) string {
	return mockengine.ID(pulumi.MockResourceArgs{TypeToken: token, Name: name})
}

// idsInZones are the ids of the resources of one type for three zones, as an input.
func idsInZones(token, prefix string) (all []any) {
	for _, zone := range allOptions().Zones {
		all = append(all, id(token, prefix+zone))
	}
	return all
}

// graph is a network, and the engine that recorded its resources.
type graph struct {
	*mockengine.Engine
	network *Network
}

// allOptions are the arguments of a network of three zones with every option.
func allOptions() *Args {
	return &Args{
		ClusterName: "production", Region: "eu-west-1", CIDR: "10.0.0.0/16",
		Zones:              []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"},
		NATPerZone:         true,
		InterfaceEndpoints: []string{"ecr.api", "sts"}, FlowLogRetentionDays: 14,
	}
}

// register registers network "net" and three consumers of its outputs.
func register(args *Args) (*graph, error) {
	g := &graph{Engine: mockengine.New(args.Region)}
	g.Outputs = func(args pulumi.MockResourceArgs, outputs resource.PropertyMap) {
		if args.TypeToken == logGroupType {
			outputs["arn"] = resource.NewProperty(logGroupARN)
		}
	}
	err := g.Run(func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{})
		if err != nil {
			return err
		}
		if g.network, err = NewNetwork(ctx, "net", args, pulumi.Provider(provider)); err != nil {
			return err
		}
		for consumer, subnets := range map[string]pulumi.StringArrayOutput{
			"control-plane": g.network.PrivateSubnetIDs, "nodes": g.network.NodeSubnetIDs, "balancers": g.network.PublicSubnetIDs,
		} {
			_, err := ec2.NewPlacementGroup(ctx, consumer, &ec2.PlacementGroupArgs{
				Strategy: pulumi.String("spread"), Tags: pulumi.StringMap{"vpc": g.network.VPCID, "subnets": joined(subnets)},
			}, pulumi.Provider(provider))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return g, err
}

func joined(texts pulumi.StringArrayOutput) pulumi.StringOutput {
	return texts.ApplyT(func(all []string) string { return strings.Join(all, " ") }).(pulumi.StringOutput)
}

// mustRegister registers a network with all options, changed by the functions.
func mustRegister(t *testing.T, changes ...func(*Args)) *graph {
	t.Helper()
	args := allOptions()
	for _, change := range changes {
		change(args)
	}
	g, err := register(args)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func singleNAT(a *Args) { a.NATPerZone = false }

func (g *graph) inputs(t *testing.T, token, name string) map[string]any {
	t.Helper()
	return g.Get(t, token, name).Inputs.Mappable()
}

// names are the names of the resources of one type, sorted.
func (g *graph) names(token string) (all []string) {
	for _, r := range g.OfType(token) {
		all = append(all, r.Name)
	}
	return all
}

func (g *graph) wantNames(t *testing.T, token string, want ...string) {
	t.Helper()
	if got := g.names(token); !slices.Equal(got, want) {
		t.Errorf("of %s there are %v, want %v", token, got, want)
	}
}

// networkResources are the AWS resources of the network itself.
func (g *graph) networkResources() []pulumi.MockResourceArgs {
	return slices.DeleteFunc(slices.Clone(g.Resources), func(r pulumi.MockResourceArgs) bool {
		return !strings.HasPrefix(r.TypeToken, "aws:") || r.TypeToken == consumerType
	})
}
