package cluster

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
)

// Keys of resources that the tests register, "type name".
const (
	controlPlane    = mockengine.Cluster + " tfserving"
	logGroup        = "aws:cloudwatch/logGroup:LogGroup tfserving"
	secretsKey      = "aws:kms/key:Key tfserving"
	cniAssociation  = "aws:eks/podIdentityAssociation:PodIdentityAssociation tfserving-vpc-cni"
	general         = "aws:eks/nodeGroup:NodeGroup tfserving-general"
	spot            = "aws:eks/nodeGroup:NodeGroup tfserving-spot"
	generalTemplate = "aws:ec2/launchTemplate:LaunchTemplate tfserving-general"
	nodeRole        = "aws:iam/role:Role tfserving-node"
	userOfName      = "aws:iam/rolePolicy:RolePolicy user-of-name"
	userOfARN       = "aws:iam/rolePolicy:RolePolicy user-of-arn"
	userOfReady     = "aws:iam/rolePolicy:RolePolicy user-of-ready"
)

func addonKey(name string) string { return "aws:eks/addon:Addon tfserving-" + name }

// exampleArgs describe a cluster with two node groups. The second has a taint that keeps ordinary pods off.
func exampleArgs() *Args {
	return &Args{
		Name: "dev", Version: "1.35", NodeVersion: "1.34", Region: "eu-west-1", NodeRepair: true, ZonalShift: true,
		VPCID:             pulumi.String("vpc-1"),
		SubnetIDs:         pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		PublicAccessCIDRs: []string{"192.0.2.0/24"},
		Administrators:    []string{"arn:aws:iam::111122223333:role/admins/Platform"},
		LogTypes:          []string{"api", "audit"},
		LogRetentionDays:  30,
		NodeGroups: []NodeGroup{
			{Name: "general", InstanceTypes: []string{"m7i.large", "m6i.large"}, Architecture: "amd64", Min: 1, Max: 4, Desired: 2, DiskGiB: 40},
			{Name: "spot", InstanceTypes: []string{"m7g.large"}, Architecture: "arm64", Spot: true, Max: 8, DiskGiB: 50,
				Labels: map[string]string{"pool": "spot"}, Taints: []Taint{{Key: "spot", Effect: "NoSchedule"}}},
		},
		Tags:    map[string]string{"owner": "platform"},
		Protect: true,
	}
}

// graph is what NewCluster registers.
type graph struct{ *mockengine.Engine }

// newGraph registers the example cluster with changes, and fails the test if that is refused.
func newGraph(t *testing.T, changes ...func(*Args)) graph {
	t.Helper()
	g, err := register(changes...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// register registers the example cluster with changes, and four policies that each use an output of the cluster. The
// subnets of the nodes are known only after a NAT gateway exists, as in package network.
func register(changes ...func(*Args)) (graph, error) {
	engine := mockengine.New("eu-west-1")
	engine.Outputs = func(r pulumi.MockResourceArgs, outputs resource.PropertyMap) {
		if r.TypeToken == "aws:ec2/launchTemplate:LaunchTemplate" {
			outputs["latestVersion"] = resource.NewProperty(7.0)
		}
	}
	engine.Answers = func(call pulumi.MockCallArgs, answer resource.PropertyMap) {
		if call.Token == "aws:eks/getAddonVersion:getAddonVersion" {
			answer["version"] = resource.NewProperty("default-of-" + call.Args["addonName"].StringValue() + "-for-" + call.Args["kubernetesVersion"].StringValue())
		}
	}
	return graph{engine}, engine.Run(func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{})
		if err != nil {
			return err
		}
		onAWS := pulumi.Provider(provider)
		gateway, err := ec2.NewNatGateway(ctx, "gateway", &ec2.NatGatewayArgs{SubnetId: pulumi.String("subnet-p")}, onAWS)
		if err != nil {
			return err
		}
		args := exampleArgs()
		args.NodeSubnetIDs = pulumi.OutputWithDependencies(ctx.Context(), pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}).ToStringArrayOutput(), gateway).(pulumi.StringArrayOutput)
		for _, change := range changes {
			change(args)
		}
		c, err := NewCluster(ctx, "tfserving", args, onAWS)
		if err != nil {
			return err
		}
		for name, output := range map[string]pulumi.StringOutput{"user-of-name": c.Name, "user-of-ready": c.Ready, "user-of-arn": c.ARN, "user-of-kubeconfig": c.Kubeconfig} {
			if _, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: output, Policy: pulumi.String("{}")}, onAWS); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g graph) get(t *testing.T, key string) pulumi.MockResourceArgs {
	t.Helper()
	token, name, _ := strings.Cut(key, " ")
	return g.Get(t, token, name)
}

// inputs are a resource's inputs as plain values.
func (g graph) inputs(t *testing.T, key string) map[string]any {
	t.Helper()
	return g.get(t, key).Inputs.Mappable()
}

// comesAfter says whether one resource waits for another, directly or through others.
func (g graph) comesAfter(t *testing.T, later, earlier string) bool {
	t.Helper()
	return g.DependsOn(g.get(t, later), g.get(t, earlier))
}

func TestEveryResourceUsesTheGivenProvider(t *testing.T) {
	g := newGraph(t)
	for _, problem := range g.ViaOtherProvider("aws") {
		t.Error(problem)
	}
	// The engine hands a component's providers down to the components below it, pulumi-eks's among them.
	if p := g.get(t, "tfserving:cluster:Cluster tfserving").RegisterRPC.GetProviders()["aws"]; !strings.HasSuffix(p, "::aws::aws-id") {
		t.Errorf("the component has provider %q for AWS to hand down", p)
	}
	if p := g.get(t, controlPlane).RegisterRPC; !strings.HasSuffix(p.GetParent(), "tfserving:cluster:Cluster::tfserving") || p.GetProvider() != "" {
		t.Errorf("pulumi-eks's component has parent %q and provider %q", p.GetParent(), p.GetProvider())
	}
	invoked := map[string]bool{}
	for _, call := range g.Invokes {
		invoked[call.Token+" "+call.Args["addonName"].String()] = true
	}
	if len(invoked) < 5 {
		t.Errorf("the cluster invokes only %v", invoked)
	}
}
