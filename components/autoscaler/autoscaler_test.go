package autoscaler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"tfserving/catalog"
	"tfserving/internal/mockengine"
)

const (
	deploymentType  = "kubernetes:apps/v1:Deployment"
	associationType = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
)

var pace = Pace{ScanInterval: 10 * time.Second, ScaleDownUnneededTime: 10 * time.Minute, ScaleDownDelayAfterAdd: 10 * time.Minute}

func TestItFindsThisClustersGroupsAndKeepsThePace(t *testing.T) {
	c := mockengine.ObjectOf[*appsv1.Deployment](t, deploy(t, Args{Pace: pace}), cluster).Spec.Template.Spec.Containers[0]
	want := append([]string{
		"--cloud-provider=aws",
		"--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/tfserving-test",
		"--namespace=kube-system", "--leader-elect=true", "--leader-elect-resource-name=cluster-autoscaler",
	}, Flags(pace)...)
	for _, arg := range want {
		if !slices.Contains(c.Args, arg) {
			t.Errorf("it runs without %s: %v", arg, c.Args)
		}
	}
	names := map[string]bool{}
	for _, arg := range c.Args {
		name, _, _ := strings.Cut(arg, "=")
		if names[name] {
			t.Errorf("%s is given twice", name)
		}
		names[name] = true
	}
	// The image's own command is the program; arguments alone would take its place.
	if !slices.Equal(c.Command, []string{"/cluster-autoscaler"}) {
		t.Errorf("its command is %v", c.Command)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	if env["AWS_REGION"] != "eu-central-1" || env["AWS_EC2_METADATA_DISABLED"] != "true" {
		t.Errorf("its environment is %v; pods cannot ask the metadata service for the region", env)
	}
}

func TestAnImageOfAnotherVersionIsRefusedBeforeAnythingIsMade(t *testing.T) {
	engine := mockengine.New(region)
	err := engine.Run(func(ctx *pulumi.Context) error {
		_, err := NewAutoscaler(ctx, cluster, &Args{
			ClusterName: cluster, ClusterVersion: "1.35", Image: catalog.AutoscalerImage("1.34"),
			ClusterARN: pulumi.String(clusterARN), Ready: pulumi.String(cluster),
		})
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "minor versions must be the same") {
		t.Errorf("got %v", err)
	}
	for _, r := range engine.Resources {
		if r.TypeToken != "pulumi:pulumi:Stack" {
			t.Errorf("%s %s is made all the same", r.TypeToken, r.Name)
		}
	}
}

func TestEveryPodIsRestrictedAndMountsNothingOfItsNode(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	engine := deploy(t, withHeadroom())
	for _, name := range []string{cluster, cluster + "-headroom"} {
		pod := mockengine.ObjectOf[*appsv1.Deployment](t, engine, name).Spec.Template
		level := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
		if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
			t.Errorf("%s: %s", name, result.ForbiddenDetail())
		}
		for _, c := range pod.Spec.Containers {
			if c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
				t.Errorf("%s: container %s can write to its root", name, c.Name)
			}
			for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				_, requested := c.Resources.Requests[resource]
				if _, limited := c.Resources.Limits[resource]; !requested || !limited {
					t.Errorf("%s: container %s has no bounds of %s", name, c.Name, resource)
				}
			}
		}
		if token := pod.Spec.AutomountServiceAccountToken; token == nil || *token != (name == cluster) {
			t.Errorf("%s: the token of its account is mounted: %v; the autoscaler alone calls the API", name, token)
		}
	}
	if account := mockengine.ObjectOf[*corev1.ServiceAccount](t, engine, object); account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		t.Error("any pod of the account would get its token")
	}
}

func TestThePodOutranksTheOthersAndCanBeDrainedButNotByItself(t *testing.T) {
	engine := deploy(t, Args{})
	d := mockengine.ObjectOf[*appsv1.Deployment](t, engine, cluster)
	if got := d.Spec.Template.Spec.PriorityClassName; got != "system-cluster-critical" {
		t.Errorf("its priority is %q", got)
	}
	if got := d.Spec.Template.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"]; got != "false" {
		t.Errorf("it may move itself: %q", got)
	}
	budget := mockengine.ObjectOf[*policyv1.PodDisruptionBudget](t, engine, cluster)
	if budget.Spec.MinAvailable != nil || budget.Spec.MaxUnavailable.IntValue() < int(*d.Spec.Replicas) {
		t.Errorf("its budget blocks a drain for ever: %+v", budget.Spec)
	}
	for key, value := range budget.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value {
			t.Errorf("its budget is for pods with %s=%s", key, value)
		}
	}
}

func TestABadImageLeavesTheOldAutoscalerAtWork(t *testing.T) {
	d := mockengine.ObjectOf[*appsv1.Deployment](t, deploy(t, Args{}), cluster)
	if s := d.Spec.Strategy; s.Type != appsv1.RollingUpdateDeploymentStrategyType || s.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("a rollout takes the old pod before the new one is ready: %+v", s)
	}
	c := d.Spec.Template.Spec.Containers[0]
	for name, probe := range map[string]*corev1.Probe{"readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet.Path != "/health-check" || probe.HTTPGet.Port.String() != c.Ports[0].Name || c.Ports[0].ContainerPort != 8085 {
			t.Errorf("%s is not asked of /health-check on 8085: %+v", name, probe)
		}
	}
	// Before it leads it calls itself healthy, whatever it lacks.
	if c.ReadinessProbe.InitialDelaySeconds < 15 {
		t.Errorf("readiness is asked after %d s, before it can have taken over a lease of 15 s", c.ReadinessProbe.InitialDelaySeconds)
	}
}

func TestThePodComesAfterItsNodesItsRoleAndItsRightsAndGoesBeforeThem(t *testing.T) {
	engine := deploy(t, Args{})
	pod := engine.Get(t, deploymentType, cluster)
	for token, name := range map[string]string{
		nodesType:                           "nodes",
		associationType:                     cluster + "-cluster-autoscaler",
		"aws:iam/rolePolicy:RolePolicy":     cluster + "-cluster-autoscaler",
		"kubernetes:core/v1:ServiceAccount": "cluster-autoscaler",
		"kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": cluster,
		"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":        cluster,
		"kubernetes:policy/v1:PodDisruptionBudget":                   cluster,
	} {
		if !engine.DependsOn(pod, engine.Get(t, token, name)) {
			t.Errorf("the autoscaler's pod does not wait for %s %s", token, name)
		}
	}
}

func TestOnlyPodsWaitForNodes(t *testing.T) {
	engine := deploy(t, withHeadroom())
	nodes := engine.Get(t, nodesType, "nodes")
	for _, r := range engine.Resources {
		if r.TypeToken != deploymentType && r.TypeToken != nodesType && engine.DependsOn(r, nodes) {
			t.Errorf("%s %s waits for nodes, which it does not need", r.TypeToken, r.Name)
		}
	}
}

func TestHeadroomGivesWayToAnyPodAndStillMakesNodesGrow(t *testing.T) {
	engine := deploy(t, withHeadroom())
	class := mockengine.ObjectOf[*schedulingv1.PriorityClass](t, engine, cluster+"-headroom")
	const cutoff = -10 // of the autoscaler: pods below it get no node
	if class.Value != cutoff || class.GlobalDefault {
		t.Errorf("its priority is %d (default of all: %v), want %d: below 0 and not below the autoscaler's cutoff", class.Value, class.GlobalDefault, cutoff)
	}
	if class.PreemptionPolicy == nil || *class.PreemptionPolicy != corev1.PreemptNever {
		t.Errorf("it takes the place of others: %v", class.PreemptionPolicy)
	}
	d := mockengine.ObjectOf[*appsv1.Deployment](t, engine, cluster+"-headroom")
	pod := d.Spec.Template.Spec
	if pod.PriorityClassName != class.Name || *d.Spec.Replicas != 2 || pod.Containers[0].Resources.Requests.Cpu().String() != "1" {
		t.Errorf("it is %d pods of %v and priority %q", *d.Spec.Replicas, pod.Containers[0].Resources.Requests, pod.PriorityClassName)
	}
	if *pod.TerminationGracePeriodSeconds != 0 {
		t.Errorf("who takes its place waits for %d s", *pod.TerminationGracePeriodSeconds)
	}
	// A pod of it that waits for a node must not hold up an `up`.
	if d.Annotations["pulumi.com/skipAwait"] != "true" {
		t.Error("the program waits until the headroom has its place")
	}
	namespace := mockengine.ObjectOf[*corev1.Namespace](t, engine, cluster+"-headroom")
	if d.Namespace != namespace.Name || namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("it is in namespace %s; %s has the labels %v", d.Namespace, namespace.Name, namespace.Labels)
	}
}

func TestWithoutHeadroomThereIsNothingOfIt(t *testing.T) {
	for _, r := range deploy(t, Args{}).Resources {
		if strings.Contains(r.Name, "headroom") {
			t.Errorf("there is %s %s", r.TypeToken, r.Name)
		}
	}
}
