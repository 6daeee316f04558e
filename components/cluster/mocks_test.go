package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// kubeconfigText is as pulumi-eks makes it, shortened.
const kubeconfigText = `{"apiVersion":"v1","kind":"Config","current-context":"aws",
 "clusters":[{"name":"kubernetes","cluster":{"server":"https://api.example.net","certificate-authority-data":"Q0E="}}],
 "contexts":[{"name":"aws","context":{"cluster":"kubernetes","user":"aws"}}],
 "users":[{"name":"aws","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1beta1","command":"aws","args":["eks","get-token","--cluster-name","dev"],"env":null}}}]}`

// Keys of the resources of the cluster that the tests make, "type name".
const (
	controlPlane    = "eks:index:Cluster tfserving"
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

// example is a cluster with two node groups, the second of which keeps ordinary pods off.
func example() *Args {
	return &Args{
		Name: "dev", Version: "1.34", Region: "eu-west-1",
		VPCID:             pulumi.String("vpc-1"),
		SubnetIDs:         pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}),
		PublicAccessCIDRs: []string{"192.0.2.0/24"},
		Administrators:    []string{"arn:aws:iam::111122223333:role/admins/Platform"},
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

// recorder stands in for the engine, the plugins and AWS.
type recorder struct {
	mu   sync.Mutex
	seen map[string]pulumi.MockResourceArgs
	asks map[string]string // provider of each invoke, by what was asked
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[args.TypeToken+" "+args.Name] = args
	outputs := args.Inputs.Copy()
	outputs["arn"] = resource.NewProperty("arn:of:" + args.Name)
	switch args.TypeToken {
	case "eks:index:Cluster":
		outputs["kubeconfigJson"] = resource.NewProperty(kubeconfigText)
	case "aws:ec2/launchTemplate:LaunchTemplate":
		outputs["latestVersion"] = resource.NewProperty(7.0)
	case "aws:iam/role:Role":
		outputs["name"] = resource.NewProperty(args.Name + "-0123456")
	}
	return args.Name + "-id", outputs, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := func(key, value string) (resource.PropertyMap, error) {
		r.asks[args.Token+" "+args.Args["addonName"].String()] = args.Provider
		return resource.PropertyMap{resource.PropertyKey(key): resource.NewProperty(value)}, nil
	}
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return text("partition", "aws")
	case "aws:index/getRegion:getRegion":
		return text("name", "eu-west-1")
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return text("accountId", "111122223333")
	case "aws:eks/getAddonVersion:getAddonVersion":
		if args.Args["mostRecent"].BoolValue() {
			return nil, fmt.Errorf("the newest version was asked for; the default is the one that EKS has proven")
		}
		return text("version", "default-of-"+args.Args["addonName"].StringValue()+"-for-"+args.Args["kubernetesVersion"].StringValue())
	}
	return nil, fmt.Errorf("nothing answers %s", args.Token)
}

// made is the graph of the example, changed, with two policies that use the cluster's outputs. The subnets of the nodes
// are known only after a gateway exists, as the network has it.
func made(t *testing.T, changes ...func(*Args)) *recorder {
	t.Helper()
	r, err := graph(changes...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func graph(changes ...func(*Args)) (*recorder, error) {
	r := &recorder{seen: map[string]pulumi.MockResourceArgs{}, asks: map[string]string{}}
	return r, pulumi.RunErr(func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{})
		if err != nil {
			return err
		}
		through := pulumi.Provider(provider)
		gateway, err := ec2.NewNatGateway(ctx, "gateway", &ec2.NatGatewayArgs{SubnetId: pulumi.String("subnet-p")}, through)
		if err != nil {
			return err
		}
		args := example()
		args.NodeSubnetIDs = pulumi.OutputWithDependencies(ctx.Context(), pulumi.ToStringArray([]string{"subnet-a", "subnet-b"}).ToStringArrayOutput(), gateway).(pulumi.StringArrayOutput)
		for _, change := range changes {
			change(args)
		}
		c, err := NewCluster(ctx, "tfserving", args, through)
		if err != nil {
			return err
		}
		for name, output := range map[string]pulumi.StringOutput{"user-of-name": c.Name, "user-of-ready": c.Ready, "user-of-arn": c.ARN, "user-of-kubeconfig": c.Kubeconfig} {
			if _, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{Role: output, Policy: pulumi.String("{}")}, through); err != nil {
				return err
			}
		}
		return nil
	}, pulumi.WithMocks("tfserving", "test", r))
}

func (r *recorder) get(t *testing.T, key string) pulumi.MockResourceArgs {
	t.Helper()
	args, ok := r.seen[key]
	if !ok {
		t.Fatalf("there is no %s; there are %v", key, slices.Sorted(maps.Keys(r.seen)))
	}
	return args
}

// inputs are a resource's inputs as plain values.
func (r *recorder) inputs(t *testing.T, key string) map[string]any {
	t.Helper()
	return r.get(t, key).Inputs.Mappable()
}

// after tells whether a resource comes after another, at first or second hand.
func (r *recorder) after(t *testing.T, key, before string) bool {
	t.Helper()
	for _, urn := range r.get(t, key).RegisterRPC.GetDependencies() {
		u := resource.URN(urn)
		direct := string(u.Type()) + " " + u.Name()
		if direct == before || r.after(t, direct, before) {
			return true
		}
	}
	return false
}

func TestEverythingUsesTheProviderGiven(t *testing.T) {
	r := made(t)
	isIt := func(provider string) bool { return strings.HasSuffix(provider, "::aws::aws-id") }
	for key, args := range r.seen {
		if args.Custom && !strings.HasPrefix(key, "pulumi:providers:") && !isIt(args.Provider) {
			t.Errorf("%s uses provider %q", key, args.Provider)
		}
	}
	// The engine hands a component's providers down to the components below it, pulumi-eks's among them.
	if p := r.get(t, "tfserving:cluster:Cluster tfserving").RegisterRPC.GetProviders()["aws"]; !isIt(p) {
		t.Errorf("the component has provider %q for AWS to hand down", p)
	}
	if p := r.get(t, controlPlane).RegisterRPC; !strings.HasSuffix(p.GetParent(), "tfserving:cluster:Cluster::tfserving") || p.GetProvider() != "" {
		t.Errorf("pulumi-eks's component has parent %q and provider %q", p.GetParent(), p.GetProvider())
	}
	if len(r.asks) < 5 {
		t.Errorf("AWS was asked for %v only", r.asks)
	}
	for what, provider := range r.asks {
		if !isIt(provider) {
			t.Errorf("%s is asked through provider %q", what, provider)
		}
	}
}
