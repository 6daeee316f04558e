package podidentity

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	clusterARN = "arn:aws-cn:eks:cn-north-1:111122223333:cluster/production"
	policy     = `{"Version":"2012-10-17","Statement":[]}`
	managed    = "arn:aws-cn:iam::aws:policy/AmazonEKS_CNI_Policy"
)

// recorder stands in for the engine and AWS.
type recorder struct {
	mu   sync.Mutex
	seen map[string]pulumi.MockResourceArgs // by "type name"
	asks []string                           // providers of the invokes
}

func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[args.TypeToken+" "+args.Name] = args
	outputs := args.Inputs.Copy()
	outputs["arn"] = resource.NewProperty("arn:of:" + args.Name)
	outputs["name"] = resource.NewProperty(args.Name + "-0123456")
	return args.Name + "-id", outputs, nil
}

func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asks = append(r.asks, args.Provider)
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return resource.PropertyMap{"partition": resource.NewProperty("aws-cn")}, nil
	case "aws:index/getRegion:getRegion":
		return resource.PropertyMap{"name": resource.NewProperty("cn-north-1")}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return resource.PropertyMap{"accountId": resource.NewProperty("111122223333")}, nil
	}
	return nil, fmt.Errorf("nothing answers %s", args.Token)
}

// made is the graph of a role "app", of a key that stands for the cluster, and of a policy "user" that uses the role.
func made(t *testing.T, args *Args) *recorder {
	t.Helper()
	r := &recorder{seen: map[string]pulumi.MockResourceArgs{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
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
	}, pulumi.WithMocks("tfserving", "test", r))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *recorder) get(t *testing.T, key string) pulumi.MockResourceArgs {
	t.Helper()
	args, ok := r.seen[key]
	if !ok {
		t.Fatalf("there is no %s; there are %v", key, slices.Sorted(maps.Keys(r.seen)))
	}
	return args
}

// waits tells whether a resource comes after another, named by type and name.
func (r *recorder) waits(t *testing.T, key, before string) bool {
	t.Helper()
	kind, name, _ := strings.Cut(before, " ")
	return slices.ContainsFunc(r.get(t, key).RegisterRPC.GetDependencies(), func(urn string) bool {
		u := resource.URN(urn)
		return string(u.Type()) == kind && u.Name() == name
	})
}

func both() *Args {
	return &Args{
		ClusterName: pulumi.String("production"), Namespace: "kube-system", ServiceAccount: "app",
		Policy: pulumi.String(policy), ManagedPolicyARNs: []string{managed},
	}
}

const (
	role        = "aws:iam/role:Role app"
	inline      = "aws:iam/rolePolicy:RolePolicy app"
	attachment  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment app-AmazonEKS_CNI_Policy"
	association = "aws:eks/podIdentityAssociation:PodIdentityAssociation app"
	user        = "aws:iam/rolePolicy:RolePolicy user"
	cluster     = "aws:kms/key:Key cluster"
)

func TestOnlyOneServiceAccountOfOneClusterTakesTheRole(t *testing.T) {
	r := made(t, both())
	var got document
	if err := json.Unmarshal([]byte(r.get(t, role).Inputs["assumeRolePolicy"].StringValue()), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Statement) != 1 || got.Version != "2012-10-17" {
		t.Fatalf("the trust policy is %+v, want one statement of 2012-10-17", got)
	}
	s := got.Statement[0]
	if !maps.Equal(s.Principal, map[string]string{"Service": "pods.eks.amazonaws.com"}) || s.Effect != "Allow" {
		t.Errorf("%s of %v, want Allow of EKS Pod Identity alone", s.Effect, s.Principal)
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

func TestRoleIsAssociatedOnceItIsWholeAndTheClusterExists(t *testing.T) {
	r := made(t, both())
	for _, before := range []string{role, inline, attachment, cluster} {
		if !r.waits(t, association, before) {
			t.Errorf("the association does not wait for %s", before)
		}
	}
	if !r.waits(t, user, association) {
		t.Error("what uses Ready does not wait for the association")
	}
	for _, beside := range []string{role, inline, attachment} {
		if r.waits(t, beside, cluster) {
			t.Errorf("%s waits for the cluster, which it does not need", beside)
		}
	}
	inputs := r.get(t, association).Inputs.Mappable()
	want := map[string]any{"clusterName": "production", "namespace": "kube-system", "serviceAccount": "app", "roleArn": "arn:of:app"}
	if !maps.Equal(inputs, want) {
		t.Errorf("the association is %v, want %v", inputs, want)
	}
}

func TestRoleHasThePermissionsAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Args)
		want   []string
	}{
		"inline and managed": {func(*Args) {}, []string{inline, attachment}},
		"inline":             {func(a *Args) { a.ManagedPolicyARNs = nil }, []string{inline}},
		"managed":            {func(a *Args) { a.Policy = nil }, []string{attachment}},
	} {
		t.Run(name, func(t *testing.T) {
			args := both()
			c.change(args)
			r := made(t, args)
			var got []string
			for _, key := range []string{inline, attachment} {
				if a, ok := r.seen[key]; ok {
					got = append(got, key)
					if on := a.Inputs["role"].StringValue(); on != "app-0123456" {
						t.Errorf("%s is on role %s", key, on)
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("policies are %v, want %v", got, c.want)
			}
		})
	}
}

func TestRoleWithoutPermissionsIsRefused(t *testing.T) {
	args := both()
	args.Policy, args.ManagedPolicyARNs = nil, nil
	if _, err := NewRole(nil, "app", args); err == nil || !strings.Contains(err.Error(), "kube-system/app") {
		t.Errorf("error is %v, want one that names the service account", err)
	}
}

func TestEverythingUsesTheProviderGiven(t *testing.T) {
	r := made(t, both())
	for key, args := range r.seen {
		if args.Custom && !strings.HasPrefix(key, "pulumi:providers:") && !strings.Contains(args.Provider, "::aws::aws-id") {
			t.Errorf("%s uses provider %q", key, args.Provider)
		}
	}
	if len(r.asks) == 0 {
		t.Fatal("AWS was asked nothing")
	}
	for _, provider := range r.asks {
		if !strings.Contains(provider, "::aws::aws-id") {
			t.Errorf("AWS is asked through provider %q", provider)
		}
	}
}
