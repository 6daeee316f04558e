package loadbalancer

import (
	"fmt"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

const (
	region          = "eu-central-1"
	cluster         = "tfserving-test"
	clusterARN      = "arn:aws:eks:" + region + ":" + mockengine.Account + ":cluster/" + cluster
	role            = cluster + "-aws-load-balancer-controller"
	nodesType       = "test:index:Nodes"
	ingressType     = "test:index:Ingress"
	classType       = "kubernetes:networking.k8s.io/v1:IngressClass"
	associationType = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
)

// install runs NewController with args, which it completes, and registers a stand-in for an Ingress that uses its class.
func install(t *testing.T, args Args) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New(region)
	if err := engine.Run(func(ctx *pulumi.Context) error {
		var nodes, ingress pulumi.CustomResourceState
		if err := ctx.RegisterResource(nodesType, "nodes", nil, &nodes); err != nil {
			return err
		}
		args.ClusterName, args.Region, args.Replicas = cluster, region, 2
		args.ClusterARN, args.VPCID = pulumi.String(clusterARN), pulumi.String("vpc-0123456789abcdef0")
		args.Ready = pulumi.OutputWithDependencies(ctx.Context(), pulumi.String(cluster).ToStringOutput(), &nodes).(pulumi.StringOutput)
		c, err := NewController(ctx, cluster, &args)
		if err != nil {
			return err
		}
		return ctx.RegisterResource(ingressType, "ingress", pulumi.Map{"class": c.IngressClass}, &ingress)
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

// valuesOf returns the values with which the chart is installed.
func valuesOf(t *testing.T, engine *mockengine.Engine) map[string]any {
	t.Helper()
	return engine.Get(t, releaseType, cluster).Inputs.Mappable()["values"].(map[string]any)
}

var chart = Args{Chart: "aws-load-balancer-controller", Repository: "https://aws.github.io/eks-charts", Version: "3.5.0"}

func TestIngressesComeAfterTheControllerAndTheControllerAfterItsRoleAndItsNodes(t *testing.T) {
	engine := install(t, chart)
	chain := []pulumi.MockResourceArgs{
		engine.Get(t, ingressType, "ingress"), engine.Get(t, classType, cluster), engine.Get(t, releaseType, cluster), engine.Get(t, associationType, role),
		engine.Get(t, "aws:iam/rolePolicy:RolePolicy", role),
	}
	// A destroy deletes in the reverse order.
	for i := 1; i < len(chain); i++ {
		if !engine.DependsOn(chain[i-1], chain[i]) {
			t.Errorf("%s does not wait for %s", chain[i-1].TypeToken, chain[i].TypeToken)
		}
	}
	nodes := engine.Get(t, nodesType, "nodes")
	if !engine.DependsOn(engine.Get(t, releaseType, cluster), nodes) {
		t.Error("the release does not wait for nodes")
	}
	if engine.DependsOn(chain[3], nodes) {
		t.Error("the role waits for nodes, which it does not need")
	}
}

func TestTheChartComesFromARepositoryOrFromAPath(t *testing.T) {
	for name, c := range map[string]struct {
		args                Args
		repository, version any
	}{
		"repository": {chart, map[string]any{"repo": "https://aws.github.io/eks-charts"}, "3.5.0"},
		"path":       {Args{Chart: "./charts/controller", Version: "3.5.0"}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := install(t, c.args).Get(t, releaseType, cluster).Inputs.Mappable()
			if in["chart"] != c.args.Chart || in["version"] != c.version || fmt.Sprint(in["repositoryOpts"]) != fmt.Sprint(c.repository) {
				t.Errorf("chart %v, version %v, repository %v", in["chart"], in["version"], in["repositoryOpts"])
			}
			if in["name"] != "aws-load-balancer-controller" || in["namespace"] != "kube-system" {
				t.Errorf("the release is %v in namespace %v", in["name"], in["namespace"])
			}
		})
	}
}

func TestAnUpWaitsForTheReleaseAndAFailedInstallationIsRemoved(t *testing.T) {
	in := install(t, chart).Get(t, releaseType, cluster).Inputs.Mappable()
	if in["atomic"] != true || in["cleanupOnFail"] != true || in["timeout"] != 300.0 {
		t.Errorf("atomic %v, cleanupOnFail %v, timeout %v s", in["atomic"], in["cleanupOnFail"], in["timeout"])
	}
	if in["skipAwait"] != nil || in["disableWebhooks"] != nil {
		t.Errorf("an `up` does not wait for the release: %v", in)
	}
}

func TestTheControllersServiceAccountHasTheAWSRole(t *testing.T) {
	engine := install(t, chart)
	v := valuesOf(t, engine)
	association := engine.Get(t, associationType, role).Inputs.Mappable()
	if resource.At(v, "serviceAccount", "create") != true || resource.At(v, "serviceAccount", "name") != association["serviceAccount"] {
		t.Errorf("the service account is %v; the role is for %v", v["serviceAccount"], association["serviceAccount"])
	}
	if association["namespace"] != "kube-system" || association["clusterName"] != cluster {
		t.Errorf("the role is for namespace %v of cluster %v", association["namespace"], association["clusterName"])
	}
}

func TestTheControllerNeedsNoMetadataServiceToFindItsClusterAndVPC(t *testing.T) {
	v := valuesOf(t, install(t, chart))
	for key, want := range map[string]any{"clusterName": cluster, "region": "eu-central-1", "vpcId": "vpc-0123456789abcdef0", "replicaCount": 2.0} {
		if v[key] != want {
			t.Errorf("%s is %v, want %v", key, v[key], want)
		}
	}
}

func TestAnUpgradeKeepsTheWebhooksCertificate(t *testing.T) {
	if v := valuesOf(t, install(t, chart)); v["keepTLSSecret"] != true {
		t.Error("an upgrade makes a new certificate, which the running pods do not have")
	}
}

func TestServicesCanBeCreatedWhileNoControllerAnswers(t *testing.T) {
	v := valuesOf(t, install(t, chart))
	if v["enableServiceMutatorWebhook"] != false {
		t.Error("the Service webhook is on: while no controller answers, no Service of the cluster can be created")
	}
}

func TestTheProgramAndNotTheChartCreatesTheIngressClass(t *testing.T) {
	engine := install(t, chart)
	v := valuesOf(t, engine)
	if v["createIngressClassResource"] != false || resource.At(v, "ingressClassParams", "create") != false {
		t.Error("the chart creates the class, too")
	}
	class := engine.Get(t, classType, cluster).Inputs.Mappable()
	if resource.At(class, "metadata", "name") != v["ingressClass"] || resource.At(class, "spec", "controller") != "ingress.k8s.aws/alb" {
		t.Errorf("the class is %v; the controller serves %v", class, v["ingressClass"])
	}
	labels := resource.At(class, "metadata", "labels").(map[string]any)
	for key, want := range map[string]string{
		"part-of": "tfserving", "component": "load-balancer-controller", "name": "aws-load-balancer-controller", "instance": cluster, "managed-by": "pulumi",
	} {
		if labels["app.kubernetes.io/"+key] != want {
			t.Errorf("label %s of the class is %v, want %s", key, labels["app.kubernetes.io/"+key], want)
		}
	}
	if class := engine.Get(t, ingressType, "ingress").Inputs["class"].StringValue(); class != "alb" {
		t.Errorf("output IngressClass is %s", class)
	}
}

func TestControllerPodsAreRestrictedLimitedAndSpreadOverZones(t *testing.T) {
	v := valuesOf(t, install(t, chart))
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"podSecurityContext", "runAsNonRoot"}, true},
		{[]any{"podSecurityContext", "seccompProfile", "type"}, "RuntimeDefault"},
		{[]any{"securityContext", "allowPrivilegeEscalation"}, false},
		{[]any{"securityContext", "readOnlyRootFilesystem"}, true},
		{[]any{"securityContext", "capabilities", "drop"}, []any{"ALL"}},
		{[]any{"resources", "requests", "memory"}, "256Mi"},
		{[]any{"resources", "limits", "memory"}, "256Mi"},
		{[]any{"podDisruptionBudget", "maxUnavailable"}, 1.0},
		{[]any{"podLabels", "app.kubernetes.io/component"}, "load-balancer-controller"},
		{[]any{"additionalLabels", "app.kubernetes.io/part-of"}, "tfserving"},
	} {
		if got := resource.At(v, c.path...); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	spread := v["topologySpreadConstraints"].([]any)[0].(map[string]any)
	if spread["whenUnsatisfiable"] != "ScheduleAnyway" || spread["topologyKey"] != "topology.kubernetes.io/zone" {
		t.Errorf("controller pods spread by %v", spread)
	}
	for key, value := range resource.At(spread, "labelSelector", "matchLabels").(map[string]any) {
		if resource.At(v, "podLabels", key) != value {
			t.Errorf("controller pods spread among pods with label %s=%v, which they lack", key, value)
		}
	}
}

func TestTheControllersLoadBalancersHaveTheStacksTags(t *testing.T) {
	withTags := chart
	withTags.Tags = map[string]string{"stack": "test", "owner": "ml-platform"}
	v := valuesOf(t, install(t, withTags))
	if got := fmt.Sprint(v["defaultTags"]); got != fmt.Sprint(map[string]any{"stack": "test", "owner": "ml-platform"}) {
		t.Errorf("the tags are %v", got)
	}
	v = valuesOf(t, install(t, chart))
	if _, there := v["defaultTags"]; there {
		t.Error("value defaultTags is set although there are no tags")
	}
}

func TestTheRoleHasThePolicyOfItsCluster(t *testing.T) {
	want, err := awsPolicy(clusterARN)
	if err != nil {
		t.Fatal(err)
	}
	if got := install(t, chart).Get(t, "aws:iam/rolePolicy:RolePolicy", role).Inputs["policy"].StringValue(); got != want {
		t.Errorf("the role's policy is %s", got)
	}
}
