package podidentity

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
)

const (
	clusterARN = "arn:aws-cn:eks:cn-north-1:" + mockengine.Account + ":cluster/production"
	policy     = `{"Version":"2012-10-17","Statement":[]}`
	managed    = "arn:aws-cn:iam::aws:policy/AmazonEKS_CNI_Policy"
)

// newTestRole registers role "app" in China's partition, a key that stands for the cluster, and a policy "user" that uses
// the role's output Ready. It returns the engine on which they are.
func newTestRole(t *testing.T, args *Args) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New("cn-north-1")
	engine.Partition = "aws-cn"
	// IAM names a role with a random ending.
	engine.Outputs = func(r pulumi.MockResourceArgs, outputs resource.PropertyMap) {
		if r.TypeToken == roleType {
			outputs["name"] = resource.NewProperty(r.Name + "-0123456")
		}
	}
	if err := engine.Run(func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{})
		if err != nil {
			return err
		}
		cluster, err := kms.NewKey(ctx, "cluster", nil, pulumi.Provider(provider))
		if err != nil {
			return err
		}
		args.ClusterExists = pulumi.OutputWithDependencies(ctx.Context(), args.ClusterName.ToStringOutput(), cluster).(pulumi.StringOutput)
		role, err := NewRole(ctx, "app", args, pulumi.Provider(provider))
		if err != nil {
			return err
		}
		_, err = iam.NewRolePolicy(ctx, "user", &iam.RolePolicyArgs{Role: role.Ready, Policy: pulumi.String(policy)}, pulumi.Provider(provider))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

// argsWithBothPolicies describe a role with an inline policy and a managed one.
func argsWithBothPolicies() *Args {
	return &Args{
		ClusterName: pulumi.String("production"), Namespace: "kube-system", ServiceAccount: "app",
		Policy: pulumi.String(policy), ManagedPolicyARNs: []string{managed},
	}
}

const (
	roleType        = "aws:iam/role:Role"
	policyType      = "aws:iam/rolePolicy:RolePolicy"
	attachmentType  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	associationType = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
	attachmentName  = "app-AmazonEKS_CNI_Policy"
)

func TestOnlyOneServiceAccountOfOneClusterTakesTheRole(t *testing.T) {
	engine := newTestRole(t, argsWithBothPolicies())
	var got Document
	if err := json.Unmarshal([]byte(engine.Get(t, roleType, "app").Inputs["assumeRolePolicy"].StringValue()), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Statement) != 1 || got.Version != "2012-10-17" {
		t.Fatalf("the trust policy is %+v, want one statement of 2012-10-17", got)
	}
	s := got.Statement[0]
	if !maps.Equal(s.Principal, map[string]string{"Service": "pods.eks.amazonaws.com"}) || s.Effect != "Allow" {
		t.Errorf("the statement is %s for %v, want Allow for EKS Pod Identity alone", s.Effect, s.Principal)
	}
	if !slices.Equal(s.Action, []string{"sts:AssumeRole", "sts:TagSession"}) {
		t.Errorf("actions are %v; EKS Pod Identity needs AssumeRole and TagSession, and nothing else", s.Action)
	}
	want := map[string]string{
		"aws:RequestTag/eks-cluster-arn":            clusterARN,
		"aws:RequestTag/kubernetes-namespace":       "kube-system",
		"aws:RequestTag/kubernetes-service-account": "app",
	}
	if len(s.Condition) != 1 || !maps.Equal(s.Condition["StringEquals"], want) {
		t.Errorf("conditions are %v, want StringEquals %v", s.Condition, want)
	}
}

func TestTheRoleIsAssociatedOnceItIsCompleteAndTheClusterExists(t *testing.T) {
	engine := newTestRole(t, argsWithBothPolicies())
	role, inline, attachment := engine.Get(t, roleType, "app"), engine.Get(t, policyType, "app"), engine.Get(t, attachmentType, attachmentName)
	association, cluster := engine.Get(t, associationType, "app"), engine.Get(t, "aws:kms/key:Key", "cluster")
	for _, earlier := range []pulumi.MockResourceArgs{role, inline, attachment, cluster} {
		if !engine.DependsOn(association, earlier) {
			t.Errorf("the association does not wait for %s %s", earlier.TypeToken, earlier.Name)
		}
	}
	if !engine.DependsOn(engine.Get(t, policyType, "user"), association) {
		t.Error("a resource that uses Ready does not wait for the association")
	}
	for _, independent := range []pulumi.MockResourceArgs{role, inline, attachment} {
		if engine.DependsOn(independent, cluster) {
			t.Errorf("%s %s waits for the cluster, which it does not need", independent.TypeToken, independent.Name)
		}
	}
	want := map[string]any{
		"clusterName": "production", "namespace": "kube-system", "serviceAccount": "app",
		"roleArn": "arn:aws-cn:iam::" + mockengine.Account + ":role/app",
	}
	if got := association.Inputs.Mappable(); !maps.Equal(got, want) {
		t.Errorf("the association is %v, want %v", got, want)
	}
}

func TestTheRoleHasThePermissionsOfItsArguments(t *testing.T) {
	for name, c := range map[string]struct {
		change          func(*Args)
		inline, managed bool
	}{
		"inline and managed": {func(*Args) {}, true, true},
		"inline":             {func(a *Args) { a.ManagedPolicyARNs = nil }, true, false},
		"managed":            {func(a *Args) { a.Policy = nil }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			args := argsWithBothPolicies()
			c.change(args)
			engine := newTestRole(t, args)
			inline, hasInline := engine.Find(policyType, "app")
			attachment, hasManaged := engine.Find(attachmentType, attachmentName)
			if hasInline != c.inline || hasManaged != c.managed {
				t.Errorf("inline policy: %v, managed policy: %v, want %v and %v", hasInline, hasManaged, c.inline, c.managed)
			}
			for _, r := range []pulumi.MockResourceArgs{inline, attachment} {
				if r.Name != "" && r.Inputs["role"].StringValue() != "app-0123456" {
					t.Errorf("%s %s is on role %v", r.TypeToken, r.Name, r.Inputs["role"])
				}
			}
		})
	}
}

func TestARoleWithoutPermissionsIsRefused(t *testing.T) {
	args := argsWithBothPolicies()
	args.Policy, args.ManagedPolicyARNs = nil, nil
	if _, err := NewRole(nil, "app", args); err == nil || !strings.Contains(err.Error(), "kube-system/app") {
		t.Errorf("error is %v, want one that names the service account", err)
	}
}

func TestEveryResourceUsesTheGivenProvider(t *testing.T) {
	engine := newTestRole(t, argsWithBothPolicies())
	if len(engine.Invokes) == 0 {
		t.Fatal("the role invokes no AWS function")
	}
	for _, problem := range engine.ViaOtherProvider("aws") {
		t.Error(problem)
	}
}
