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
	"testing"

	pulumiaws "github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/autoscaler"
	ekscluster "tfserving/components/cluster"
	"tfserving/components/delivery"
	"tfserving/components/loadbalancer"
	"tfserving/components/monitoring"
	"tfserving/components/network"
	"tfserving/components/repositories"
	"tfserving/internal/mockengine"
	"tfserving/test/emulated"
)

// The cluster of the stack under test, another cluster, and their account.
const (
	region       = emulated.Region
	account      = emulated.AccountID
	ownCluster   = "tfserving-dev"
	otherCluster = "tfserving-prod"
)

// The roles of the stack.
const (
	nodeRole       = ownCluster + "-node"
	flowLogRole    = ownCluster + "-flow-logs"
	networkingRole = ownCluster + "-vpc-cni"
	autoscalerRole = ownCluster + "-cluster-autoscaler"
	balancerRole   = ownCluster + "-aws-load-balancer-controller"
)

// The roles of GitHub's workflows, which belong to no stack.
const (
	previewRole = "github-preview"
	deployRole  = "github-deploy-dev"
)

// awsComponents are the packages of components/ that make resources in AWS. gather runs all of them.
var awsComponents = []string{"autoscaler", "cluster", "delivery", "loadbalancer", "monitoring", "network", "podidentity", "repositories"}

// role is an IAM role with all its policies.
type role struct {
	trust   string
	inline  map[string]string // by the resource's name
	managed []string          // ARNs of AWS-managed policies, and until gather ends of the stack's own
	// namespace and serviceAccount name the pods that get the role. They are empty for other roles.
	namespace, serviceAccount string
}

func roleARN(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

func clusterARN(name string) string {
	return fmt.Sprintf("arn:aws:eks:%s:%s:cluster/%s", region, account, name)
}

// policies are all policy documents that a stack registers.
type policies struct {
	roles map[string]*role
	own   map[string]string // policies of the stack that are attached to roles, by ARN
	// elsewhere are documents that are not policies of roles, by "type name property".
	elsewhere map[string]string
}

// checkedElsewhere are the documents that say which services of AWS may use a resource. The tests of components/monitoring and of
// program check them.
var checkedElsewhere = []string{
	"aws:kms/key:Key " + ownCluster + "-alerts policy", "aws:sns/topicPolicy:TopicPolicy " + ownCluster + " policy",
}

// role returns a role by its name, and adds it if it is new.
func (s *policies) role(name string) *role {
	if s.roles[name] == nil {
		s.roles[name] = &role{inline: map[string]string{}}
	}
	return s.roles[name]
}

// add reads the policy documents of a registered resource.
func (s *policies) add(r pulumi.MockResourceArgs) {
	text := func(key resource.PropertyKey) string {
		if v := r.Inputs[key]; v.IsString() {
			return v.StringValue()
		}
		return ""
	}
	switch r.TypeToken {
	case "aws:iam/role:Role":
		s.role(r.Name).trust = text("assumeRolePolicy")
	case "aws:iam/rolePolicy:RolePolicy":
		s.role(text("role")).inline[r.Name] = text("policy")
	case "aws:iam/policy:Policy":
		s.own["arn:aws:iam::"+account+":policy/"+r.Name] = text("policy")
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
		owner := s.role(text("role"))
		owner.managed = append(owner.managed, text("policyArn"))
	case "aws:eks/podIdentityAssociation:PodIdentityAssociation":
		owner := s.role(strings.TrimPrefix(text("roleArn"), roleARN("")))
		owner.namespace, owner.serviceAccount = text("namespace"), text("serviceAccount")
	default:
		for key := range r.Inputs {
			var document struct{ Statement any }
			if json.Unmarshal([]byte(text(key)), &document) == nil && document.Statement != nil {
				s.elsewhere[fmt.Sprintf("%s %s %s", r.TypeToken, r.Name, key)] = text(key)
			}
		}
	}
}

// gather runs the components of an EKS stack on the mock engine, with every option that a setting can turn on, and returns their
// policies.
func gather(t *testing.T) *policies {
	t.Helper()
	engine := mockengine.New(region)
	engine.Outputs = func(r pulumi.MockResourceArgs, outputs resource.PropertyMap) {
		if r.TypeToken == "aws:iam/role:Role" { // AWS adds a random suffix to the names of some; the tables of this test have none
			outputs["name"], outputs["arn"] = resource.NewProperty(r.Name), resource.NewProperty(roleARN(r.Name))
		}
	}
	err := engine.Run(func(ctx *pulumi.Context) error {
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
			LogTypes: catalog.LogTypes(), LogRetentionDays: 1, PrefixDelegation: true, SSMAccess: true,
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
		_, err = monitoring.NewMonitoring(ctx, ownCluster, &monitoring.Args{
			ClusterName: ownCluster, ClusterARN: eks.ARN, Region: region, Ready: eks.Ready, SubnetIDs: net.PrivateSubnetIDs,
			NATGatewayIDs: net.NATGatewayIDs, Notify: []string{"oncall@example.com"}, Kubernetes: onEKS,
			LoadBalancer: monitoring.LoadBalancer{Application: true, Object: pulumi.String("tfserving/gateway")},
		}, onAWS)
		if err != nil {
			return err
		}
		_, err = delivery.NewDelivery(ctx, "github", deliveryArgs(), onAWS)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &policies{roles: map[string]*role{}, own: map[string]string{}, elsewhere: map[string]string{}}
	for _, r := range engine.Resources {
		s.add(r)
	}
	for _, r := range s.roles {
		r.managed = slices.DeleteFunc(r.managed, func(arn string) bool {
			text, own := s.own[arn]
			if own {
				r.inline[arn] = text
			}
			return own
		})
	}
	return s
}

// covered fails the test if the stack makes a policy or a role that the test does not check.
func (s *policies) covered(t *testing.T) {
	want := []string{autoscalerRole, balancerRole, flowLogRole, networkingRole, nodeRole, previewRole, deployRole}
	if got := slices.Sorted(maps.Keys(s.roles)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("the stack has roles %v; this test has requests for %v", got, want)
	}
	for name, r := range s.roles {
		if r.trust == "" || len(r.inline)+len(r.managed) == 0 {
			t.Errorf("role %s lacks a trust policy or permissions: %+v", name, r)
		}
	}
	for where := range s.elsewhere {
		if slices.Contains(checkedElsewhere, where) {
			continue
		}
		t.Errorf("%s is a policy document that this test does not check", where)
	}
	// A new component that makes resources in AWS must be added to gather.
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
		if !slices.Contains(awsComponents, name) {
			t.Errorf("components/%s makes resources in AWS: add it to gather and awsComponents", name)
		}
	}
}
