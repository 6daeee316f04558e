package privilege

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	pulumiaws "github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/autoscaler"
	ekscluster "tfserving/components/cluster"
	"tfserving/components/delivery"
	"tfserving/components/loadbalancer"
	"tfserving/components/network"
	"tfserving/components/repositories"
	"tfserving/test/emulated"
)

// What the proven stack is called, and where it is.
const (
	region       = emulated.Region
	account      = emulated.AccountID
	ownCluster   = "tfserving-dev"
	otherCluster = "tfserving-prod"
)

// Names that the stack gives to its roles.
const (
	nodeRole       = ownCluster + "-node"
	flowLogRole    = ownCluster + "-flow-logs"
	networkingRole = ownCluster + "-vpc-cni"
	autoscalerRole = ownCluster + "-cluster-autoscaler"
	balancerRole   = ownCluster + "-aws-load-balancer-controller"
)

// Names of the roles that GitHub's workflows take, which are no part of a stack.
const (
	previewRole = "github-preview"
	deployRole  = "github-deploy-dev"
)

// makers are the component packages that make resources in AWS; all of them are run here.
var makers = []string{"autoscaler", "cluster", "delivery", "loadbalancer", "network", "podidentity", "repositories"}

// grantee is a role with all its policies.
type grantee struct {
	trust   string
	inline  map[string]string // by the resource's name
	managed []string          // ARNs of policies that AWS keeps
	// namespace and serviceAccount are whose pods get the role; none do where they are empty.
	namespace, serviceAccount string
}

func roleARN(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

func clusterARN(name string) string {
	return fmt.Sprintf("arn:aws:eks:%s:%s:cluster/%s", region, account, name)
}

// role is a grantee by name; it is made when something of it is first seen.
func (s *policies) role(name string) *grantee {
	if s.roles[name] == nil {
		s.roles[name] = &grantee{inline: map[string]string{}}
	}
	return s.roles[name]
}

// policies are all policy documents of a stack, as the engine gets them.
type policies struct {
	mu    sync.Mutex
	roles map[string]*grantee
	// elsewhere are documents on anything but roles, by "type name property".
	elsewhere map[string]string
}

func (s *policies) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	outputs := args.Inputs.Copy()
	text := func(key string) string {
		if v, there := args.Inputs[resource.PropertyKey(key)]; there && v.IsString() {
			return v.StringValue()
		}
		return ""
	}
	switch args.TypeToken {
	case "aws:iam/role:Role":
		s.role(args.Name).trust = text("assumeRolePolicy")
		outputs["name"] = resource.NewProperty(args.Name)
		outputs["arn"] = resource.NewProperty(roleARN(args.Name))
	case "aws:iam/rolePolicy:RolePolicy":
		s.role(text("role")).inline[args.Name] = text("policy")
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		r := s.role(text("role"))
		r.managed = append(r.managed, text("policyArn"))
	case "aws:eks/podIdentityAssociation:PodIdentityAssociation":
		r := s.role(strings.TrimPrefix(text("roleArn"), roleARN("")))
		r.namespace, r.serviceAccount = text("namespace"), text("serviceAccount")
	default:
		for key := range args.Inputs {
			var document struct{ Statement any }
			if json.Unmarshal([]byte(text(string(key))), &document) == nil && document.Statement != nil {
				s.elsewhere[fmt.Sprintf("%s %s %s", args.TypeToken, args.Name, key)] = text(string(key))
			}
		}
	}
	switch args.TypeToken {
	case "aws:cloudwatch/logGroup:LogGroup":
		outputs["arn"] = resource.NewProperty(fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", region, account, args.Name))
	case "eks:index:Cluster":
		outputs["kubeconfigJson"] = resource.NewProperty(`{"clusters":[{"cluster":{}}],"users":[{"user":{"exec":{}}}],"contexts":[{}]}`)
	}
	return args.Name + "-id", outputs, nil
}

func (s *policies) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	answers := map[string]resource.PropertyMap{
		"aws:index/getPartition:getPartition":           {"partition": resource.NewProperty("aws")},
		"aws:index/getRegion:getRegion":                 {"name": resource.NewProperty(region)},
		"aws:index/getCallerIdentity:getCallerIdentity": {"accountId": resource.NewProperty(account)},
		"aws:eks/getAddonVersion:getAddonVersion":       {"version": resource.NewProperty("v1")},
	}
	answer, there := answers[args.Token]
	if !there {
		return nil, fmt.Errorf("nothing answers %s", args.Token)
	}
	return answer, nil
}

// gather runs the components of an EKS stack, with everything on that a setting can turn on, and keeps their policies.
func gather(t *testing.T) *policies {
	t.Helper()
	s := &policies{roles: map[string]*grantee{}, elsewhere: map[string]string{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		provider, err := pulumiaws.NewProvider(ctx, "aws", &pulumiaws.ProviderArgs{Region: pulumi.String(region)})
		if err != nil {
			return err
		}
		onAWS := pulumi.Provider(provider)
		_, err = repositories.NewRepositories(ctx, ownCluster, &repositories.Args{
			Prefix: ownCluster, Names: []string{"gateway"}, KeepImages: 1,
		}, onAWS)
		if err != nil {
			return err
		}
		net, err := network.NewNetwork(ctx, ownCluster, &network.Args{
			ClusterName: ownCluster, Region: region, CIDR: "10.0.0.0/16", Zones: []string{region + "a", region + "b"},
			InterfaceEndpoints: []string{"sts"}, FlowLogRetentionDays: 1,
		}, onAWS)
		if err != nil {
			return err
		}
		eks, err := ekscluster.NewCluster(ctx, ownCluster, &ekscluster.Args{
			Name: ownCluster, Version: "1.34", Region: region,
			VPCID: net.VPCID, SubnetIDs: net.PrivateSubnetIDs, NodeSubnetIDs: net.NodeSubnetIDs,
			LogRetentionDays: 1, PrefixDelegation: true, SSMAccess: true,
			NodeGroups: []ekscluster.NodeGroup{{
				Name: "general", InstanceTypes: []string{"m7i.large"}, Architecture: "amd64", Max: 1, Desired: 1, DiskGiB: 20,
			}},
		}, onAWS)
		if err != nil {
			return err
		}
		onEKS, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: eks.Kubeconfig})
		if err != nil {
			return err
		}
		both := pulumi.Providers(provider, onEKS)
		_, err = autoscaler.NewAutoscaler(ctx, ownCluster, &autoscaler.Args{
			ClusterName: ownCluster, ClusterARN: eks.ARN, ClusterVersion: "1.34", Region: region, Ready: eks.Ready,
		}, both)
		if err != nil {
			return err
		}
		_, err = loadbalancer.NewController(ctx, ownCluster, &loadbalancer.Args{
			ClusterName: ownCluster, ClusterARN: eks.ARN, Ready: eks.Ready, VPCID: net.VPCID, Region: region,
			Chart: "rehearsal/chart", Replicas: 1,
		}, both)
		if err != nil {
			return err
		}
		_, err = delivery.NewDelivery(ctx, "github", deliveryArgs(), onAWS)
		return err
	}, pulumi.WithMocks("tfserving", "dev", s))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// provenWhole fails where the stack makes a policy or a role that nothing here proves.
func (s *policies) provenWhole(t *testing.T) {
	want := []string{autoscalerRole, balancerRole, flowLogRole, networkingRole, nodeRole, previewRole, deployRole}
	if got := slices.Sorted(maps.Keys(s.roles)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("the roles are %v, and the requests here are of %v", got, want)
	}
	for name, r := range s.roles {
		if r.trust == "" || len(r.inline)+len(r.managed) == 0 {
			t.Errorf("role %s lacks a trust policy or permissions: %+v", name, r)
		}
	}
	for where := range s.elsewhere {
		t.Errorf("%s is a policy document of a kind that nothing here looks at", where)
	}
	// Whoever makes resources in AWS by a further package comes by here.
	var found []string
	err := filepath.WalkDir("../../components", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil && strings.HasPrefix(name, "github.com/pulumi/pulumi-aws/") {
				found = append(found, filepath.Base(filepath.Dir(path)))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(found))) {
		if !slices.Contains(makers, name) {
			t.Errorf("components/%s makes resources in AWS, and its policies are not gathered here", name)
		}
	}
}
