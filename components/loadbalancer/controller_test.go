package loadbalancer

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	project, stack  = "tfserving", "test"
	cluster         = "tfserving-test"
	role            = "tfserving-test-aws-load-balancer-controller"
	nodesType       = "test:index:Nodes"
	ingressType     = "test:index:Ingress"
	classType       = "kubernetes:networking.k8s.io/v1:IngressClass"
	associationType = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
)

// graph stands in for the engine: it notes what is registered and answers as AWS and the cluster would.
type graph struct {
	mu   sync.Mutex
	seen []pulumi.MockResourceArgs
}

func (g *graph) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, args)
	outputs := args.Inputs.Copy()
	if args.TypeToken == "aws:iam/role:Role" {
		outputs["arn"] = resource.NewProperty("arn:aws:iam::123456789012:role/of-the-test")
	}
	return args.Name + "-id", outputs, nil
}

func (g *graph) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	switch args.Token {
	case "aws:index/getPartition:getPartition":
		return resource.PropertyMap{"partition": resource.NewProperty("aws")}, nil
	case "aws:index/getRegion:getRegion":
		return resource.PropertyMap{"name": resource.NewProperty("eu-central-1")}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return resource.PropertyMap{"accountId": resource.NewProperty("123456789012")}, nil
	}
	return nil, fmt.Errorf("the component calls %s, which nothing here answers", args.Token)
}

// install runs NewController with args, which it completes, and registers something that uses its class, as an Ingress
// does.
func install(t *testing.T, args Args) *graph {
	t.Helper()
	g := &graph{}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		var nodes, ingress pulumi.CustomResourceState
		if err := ctx.RegisterResource(nodesType, "nodes", nil, &nodes); err != nil {
			return err
		}
		args.ClusterName, args.Region, args.Replicas = cluster, "eu-central-1", 2
		args.ClusterARN, args.VPCID = pulumi.String(clusterARN), pulumi.String("vpc-0123456789abcdef0")
		args.Ready = pulumi.OutputWithDependencies(ctx.Context(), pulumi.String(cluster).ToStringOutput(), &nodes).(pulumi.StringOutput)
		c, err := NewController(ctx, cluster, &args)
		if err != nil {
			return err
		}
		return ctx.RegisterResource(ingressType, "ingress", pulumi.Map{"class": c.IngressClass}, &ingress)
	}, pulumi.WithMocks(project, stack, g))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *graph) find(t *testing.T, token, name string) pulumi.MockResourceArgs {
	t.Helper()
	for _, r := range g.seen {
		if r.TypeToken == token && r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no %s %s", token, name)
	return pulumi.MockResourceArgs{}
}

func urn(r pulumi.MockResourceArgs) string {
	parent := tokens.Type("")
	if u := resource.URN(r.RegisterRPC.GetParent()); u != "" && u.QualifiedType() != resource.RootStackType {
		parent = u.QualifiedType()
	}
	return string(resource.NewURN(stack, project, parent, tokens.Type(r.TypeToken), r.Name))
}

// comesAfter says whether one resource waits for another, by way of others too.
func (g *graph) comesAfter(later, earlier pulumi.MockResourceArgs) bool {
	if slices.Contains(later.RegisterRPC.GetDependencies(), urn(earlier)) {
		return true
	}
	for _, r := range g.seen {
		if urn(r) != urn(later) && slices.Contains(later.RegisterRPC.GetDependencies(), urn(r)) && g.comesAfter(r, earlier) {
			return true
		}
	}
	return false
}

var chart = Args{Chart: "aws-load-balancer-controller", Repository: "https://aws.github.io/eks-charts", Version: "1.13.4"}

// at returns what a path of keys leads to.
func at(t *testing.T, in map[string]any, path ...string) any {
	t.Helper()
	var v any = in
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("%v leads nowhere in %v", path, in)
		}
		v = m[key]
	}
	return v
}

func TestIngressesComeAfterTheControllerAndTheControllerAfterItsRoleAndNodes(t *testing.T) {
	g := install(t, chart)
	chain := []pulumi.MockResourceArgs{
		g.find(t, ingressType, "ingress"), g.find(t, classType, cluster), g.find(t, releaseType, cluster), g.find(t, associationType, role),
		g.find(t, "aws:iam/rolePolicy:RolePolicy", role),
	}
	// What comes after goes before, so the same holds of a destroy.
	for i := 1; i < len(chain); i++ {
		if !g.comesAfter(chain[i-1], chain[i]) {
			t.Errorf("%s does not wait for %s", chain[i-1].TypeToken, chain[i].TypeToken)
		}
	}
	nodes := g.find(t, nodesType, "nodes")
	if !g.comesAfter(g.find(t, releaseType, cluster), nodes) {
		t.Error("the release does not wait for nodes")
	}
	if g.comesAfter(chain[3], nodes) {
		t.Error("the role waits for nodes, which it does not need")
	}
}

func TestAChartComesFromItsRepositoryOrFromAPathTheSameWay(t *testing.T) {
	for name, c := range map[string]struct {
		args       Args
		repository any
		version    any
	}{
		"repository": {chart, map[string]any{"repo": "https://aws.github.io/eks-charts"}, "1.13.4"},
		"path":       {Args{Chart: "./charts/controller", Version: "1.13.4"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := install(t, c.args).find(t, releaseType, cluster).Inputs.Mappable()
			if in["chart"] != c.args.Chart || in["version"] != c.version || fmt.Sprint(in["repositoryOpts"]) != fmt.Sprint(c.repository) {
				t.Errorf("chart %v, version %v, repository %v", in["chart"], in["version"], in["repositoryOpts"])
			}
			if in["name"] != "aws-load-balancer-controller" || in["namespace"] != "kube-system" {
				t.Errorf("it is release %v in %v", in["name"], in["namespace"])
			}
		})
	}
}

func TestAReleaseIsWaitedForAndNothingHalfIsLeft(t *testing.T) {
	in := install(t, chart).find(t, releaseType, cluster).Inputs.Mappable()
	if in["atomic"] != true || in["cleanupOnFail"] != true || in["timeout"] != 300.0 {
		t.Errorf("atomic %v, cleanupOnFail %v, timeout %v s", in["atomic"], in["cleanupOnFail"], in["timeout"])
	}
	if in["skipAwait"] != nil || in["disableWebhooks"] != nil {
		t.Errorf("it is not waited for: %v", in)
	}
}

func TestTheControllerRunsAsTheAccountThatHasTheRole(t *testing.T) {
	g := install(t, chart)
	v := at(t, g.find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	association := g.find(t, associationType, role).Inputs.Mappable()
	if at(t, v, "serviceAccount", "create") != true || at(t, v, "serviceAccount", "name") != association["serviceAccount"] {
		t.Errorf("the account is %v, and the role is for %v", v["serviceAccount"], association["serviceAccount"])
	}
	if association["namespace"] != "kube-system" || association["clusterName"] != cluster {
		t.Errorf("the role is for %v of %v", association["namespace"], association["clusterName"])
	}
}

func TestValuesSayWhatThePodCannotAskTheMetadataServiceFor(t *testing.T) {
	v := at(t, install(t, chart).find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	for key, want := range map[string]any{"clusterName": cluster, "region": "eu-central-1", "vpcId": "vpc-0123456789abcdef0", "replicaCount": 2.0} {
		if v[key] != want {
			t.Errorf("%s is %v, want %v", key, v[key], want)
		}
	}
}

func TestNoWebhookStandsInTheWayOfEveryService(t *testing.T) {
	v := at(t, install(t, chart).find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	if v["enableServiceMutatorWebhook"] != false {
		t.Error("while no controller answers, no Service of the cluster can be made")
	}
}

func TestTheClassIsTheProgramsOwn(t *testing.T) {
	g := install(t, chart)
	v := at(t, g.find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	if v["createIngressClassResource"] != false || at(t, v, "ingressClassParams", "create") != false {
		t.Error("the chart makes the class, too")
	}
	class := g.find(t, classType, cluster).Inputs.Mappable()
	if at(t, class, "metadata", "name") != v["ingressClass"] || at(t, class, "spec", "controller") != "ingress.k8s.aws/alb" {
		t.Errorf("the class is %v, and the controller serves %v", class, v["ingressClass"])
	}
	labels := at(t, class, "metadata", "labels").(map[string]any)
	for key, want := range map[string]string{
		"part-of": "tfserving", "component": "load-balancer-controller", "name": "aws-load-balancer-controller", "instance": cluster, "managed-by": "pulumi",
	} {
		if labels["app.kubernetes.io/"+key] != want {
			t.Errorf("label %s of the class is %v, want %s", key, labels["app.kubernetes.io/"+key], want)
		}
	}
	if user := g.find(t, ingressType, "ingress").Inputs.Mappable(); user["class"] != "alb" {
		t.Errorf("an Ingress is of class %v", user["class"])
	}
}

func TestPodsAreRestrictedBoundedAndSpread(t *testing.T) {
	v := at(t, install(t, chart).find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	for _, c := range []struct {
		path []string
		want any
	}{
		{[]string{"podSecurityContext", "runAsNonRoot"}, true},
		{[]string{"podSecurityContext", "seccompProfile", "type"}, "RuntimeDefault"},
		{[]string{"securityContext", "allowPrivilegeEscalation"}, false},
		{[]string{"securityContext", "readOnlyRootFilesystem"}, true},
		{[]string{"securityContext", "capabilities", "drop"}, []any{"ALL"}},
		{[]string{"resources", "requests", "memory"}, "256Mi"},
		{[]string{"resources", "limits", "memory"}, "256Mi"},
		{[]string{"podDisruptionBudget", "maxUnavailable"}, 1.0},
		{[]string{"podLabels", "app.kubernetes.io/component"}, "load-balancer-controller"},
		{[]string{"additionalLabels", "app.kubernetes.io/part-of"}, "tfserving"},
	} {
		if got := at(t, v, c.path...); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	spread := v["topologySpreadConstraints"].([]any)[0].(map[string]any)
	if spread["whenUnsatisfiable"] != "ScheduleAnyway" || spread["topologyKey"] != "topology.kubernetes.io/zone" {
		t.Errorf("controllers spread by %v", spread)
	}
	for key, value := range at(t, spread, "labelSelector", "matchLabels").(map[string]any) {
		if at(t, v, "podLabels", key) != value {
			t.Errorf("controllers spread among pods with %s=%v, which they lack", key, value)
		}
	}
}

func TestWhatTheControllerMakesCarriesTheStacksTags(t *testing.T) {
	withTags := chart
	withTags.Tags = map[string]string{"stack": "test", "owner": "ml-platform"}
	v := at(t, install(t, withTags).find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	if got := fmt.Sprint(v["defaultTags"]); got != fmt.Sprint(map[string]any{"stack": "test", "owner": "ml-platform"}) {
		t.Errorf("the tags are %v", got)
	}
	v = at(t, install(t, chart).find(t, releaseType, cluster).Inputs.Mappable(), "values").(map[string]any)
	if _, there := v["defaultTags"]; there {
		t.Error("without tags it is told of none")
	}
}

func TestTheRoleHasThePublishedPolicyOfThisCluster(t *testing.T) {
	want, err := Policy(clusterARN)
	if err != nil {
		t.Fatal(err)
	}
	if got := install(t, chart).find(t, "aws:iam/rolePolicy:RolePolicy", role).Inputs["policy"].StringValue(); got != want {
		t.Errorf("the role's policy is %s", got)
	}
}
