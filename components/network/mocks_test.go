package network

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Types of the resources, by the words used for them here.
const (
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

// Stand-ins for what uses the network.
const (
	controlPlane  = groupType + " control-plane"
	nodes         = groupType + " nodes"
	balancers     = groupType + " balancers"
	logGroupARN   = "arn:aws-cn:logs:cn-north-1:111122223333:log-group:net-flow-logs-0123456"
	componentType = "tfserving:network:Network"
)

// graph is what a network registers, by "type name".
type graph struct {
	mu      sync.Mutex
	seen    map[string]pulumi.MockResourceArgs
	network *Network
}

func (g *graph) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[args.TypeToken+" "+args.Name] = args
	outputs := args.Inputs.Copy()
	switch args.TypeToken {
	case logGroupType:
		outputs["arn"] = resource.NewProperty(logGroupARN)
	case roleType:
		outputs["arn"] = resource.NewProperty("arn:of:" + args.Name)
		outputs["name"] = resource.NewProperty(args.Name)
	}
	return idOf(args.TypeToken, args.Name), outputs, nil
}

func (g *graph) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("nothing answers %s", args.Token)
}

// idOf is the id that the mock gives a resource, which says of which kind it is.
func idOf(kind, name string) string { return kind[strings.LastIndex(kind, ":")+1:] + "/" + name }

// typical is a network of three zones with everything that can be asked for.
func typical() *Args {
	return &Args{
		ClusterName: "production", Region: "eu-west-1", CIDR: "10.0.0.0/16",
		Zones:              []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"},
		NATPerZone:         true,
		InterfaceEndpoints: []string{"ecr.api", "sts"}, FlowLogRetentionDays: 14,
	}
}

// build registers network "net" and three that use its outputs.
func build(args *Args) (*graph, error) {
	g := &graph{seen: map[string]pulumi.MockResourceArgs{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{})
		if err != nil {
			return err
		}
		if g.network, err = NewNetwork(ctx, "net", args, pulumi.Provider(provider)); err != nil {
			return err
		}
		for user, uses := range map[string]pulumi.StringArrayOutput{
			controlPlane: g.network.PrivateSubnetIDs, nodes: g.network.NodeSubnetIDs, balancers: g.network.PublicSubnetIDs,
		} {
			_, err := ec2.NewSecurityGroup(ctx, strings.Fields(user)[1], &ec2.SecurityGroupArgs{
				VpcId: g.network.VPCID, Tags: pulumi.StringMap{"uses": joined(uses)},
			}, pulumi.Provider(provider))
			if err != nil {
				return err
			}
		}
		return nil
	}, pulumi.WithMocks("tfserving", "test", g))
	return g, err
}

func joined(of pulumi.StringArrayOutput) pulumi.StringOutput {
	return of.ApplyT(func(all []string) string { return strings.Join(all, " ") }).(pulumi.StringOutput)
}

// made is the graph of a network that there must be, with a change made to the typical one.
func made(t *testing.T, change func(*Args)) *graph {
	t.Helper()
	args := typical()
	change(args)
	g, err := build(args)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func asIs(*Args) {}

func (g *graph) get(t *testing.T, key string) pulumi.MockResourceArgs {
	t.Helper()
	args, ok := g.seen[key]
	if !ok {
		t.Fatalf("there is no %s; there are %v", key, slices.Sorted(maps.Keys(g.seen)))
	}
	return args
}

func (g *graph) inputs(t *testing.T, key string) map[string]any {
	t.Helper()
	return g.get(t, key).Inputs.Mappable()
}

// names are those of the network's resources of one type, in order.
func (g *graph) names(kind string) []string {
	var all []string
	for key, args := range g.seen {
		if args.TypeToken == kind && !slices.Contains([]string{controlPlane, nodes, balancers}, key) {
			all = append(all, args.Name)
		}
	}
	slices.Sort(all)
	return all
}

func (g *graph) wantNames(t *testing.T, kind string, want ...string) {
	t.Helper()
	if got := g.names(kind); !slices.Equal(got, want) {
		t.Errorf("of %s there are %v, want %v", kind, got, want)
	}
}

// waits tells whether a resource comes after another, by way of others too.
func (g *graph) waits(t *testing.T, later, earlier string) bool {
	t.Helper()
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(key string) bool {
		for _, urn := range g.get(t, key).RegisterRPC.GetDependencies() {
			u := resource.URN(urn)
			next := string(u.Type()) + " " + u.Name()
			if next == earlier {
				return true
			}
			if !seen[next] {
				seen[next] = true
				if visit(next) {
					return true
				}
			}
		}
		return false
	}
	return visit(later)
}
