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

var pace = Pace{ScanInterval: 10 * time.Second, ScaleDownUnneededTime: 10 * time.Minute, ScaleDownDelayAfterAdd: 10 * time.Minute, NodeStart: 5 * time.Minute}

func TestTheAutoscalerFindsTheGroupsOfItsClusterAndHasTheIntervalsOfTheSettings(t *testing.T) {
	c := mockengine.ObjectOf[*appsv1.Deployment](t, deploy(t, Args{Pace: pace}), cluster).Spec.Template.Spec.Containers[0]
	want := append([]string{
		"--cloud-provider=aws",
		"--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/tfserving-test",
		"--namespace=kube-system", "--leader-elect=true", "--leader-elect-resource-name=cluster-autoscaler",
	}, Flags(pace)...)
	for _, arg := range want {
		if !slices.Contains(c.Args, arg) {
			t.Errorf("argument %s is missing: %v", arg, c.Args)
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
	// Arguments alone would replace the image's own command.
	if !slices.Equal(c.Command, []string{"/cluster-autoscaler"}) {
		t.Errorf("the command is %v", c.Command)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	if env["AWS_REGION"] != "eu-central-1" || env["AWS_EC2_METADATA_DISABLED"] != "true" {
		t.Errorf("the environment is %v; pods cannot read the region from the metadata service", env)
	}
}

func TestAnImageOfAnotherVersionIsRefusedBeforeAnyResourceIsRegistered(t *testing.T) {
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
			t.Errorf("%s %s is registered", r.TypeToken, r.Name)
		}
	}
}

func TestEveryPodMeetsPodSecurityLevelRestricted(t *testing.T) {
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
				t.Errorf("%s: container %s can write to its root filesystem", name, c.Name)
			}
			for _, resource := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				_, requested := c.Resources.Requests[resource]
				if _, limited := c.Resources.Limits[resource]; !requested || !limited {
					t.Errorf("%s: container %s lacks a request or a limit of %s", name, c.Name, resource)
				}
			}
		}
		if token := pod.Spec.AutomountServiceAccountToken; token == nil || *token != (name == cluster) {
			t.Errorf("%s: the service account's token is mounted: %v; only the autoscaler calls the API", name, token)
		}
	}
	if account := mockengine.ObjectOf[*corev1.ServiceAccount](t, engine, object); account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		t.Error("the service account mounts its token into every pod")
	}
}

func TestTheAutoscalersPodHasASystemPriorityAndOthersMayDrainIt(t *testing.T) {
	engine := deploy(t, Args{})
	d := mockengine.ObjectOf[*appsv1.Deployment](t, engine, cluster)
	if got := d.Spec.Template.Spec.PriorityClassName; got != "system-cluster-critical" {
		t.Errorf("the priority class is %q", got)
	}
	if got := d.Spec.Template.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"]; got != "false" {
		t.Errorf("the autoscaler may evict its own pod: %q", got)
	}
	budget := mockengine.ObjectOf[*policyv1.PodDisruptionBudget](t, engine, cluster)
	if budget.Spec.MinAvailable != nil || budget.Spec.MaxUnavailable.IntValue() < int(*d.Spec.Replicas) {
		t.Errorf("the disruption budget blocks a drain for ever: %+v", budget.Spec)
	}
	for key, value := range budget.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value {
			t.Errorf("the disruption budget selects pods with %s=%s, which the pod lacks", key, value)
		}
	}
}

func TestTheOldAutoscalerWorksUntilTheNewOneIsReady(t *testing.T) {
	d := mockengine.ObjectOf[*appsv1.Deployment](t, deploy(t, Args{}), cluster)
	if s := d.Spec.Strategy; s.Type != appsv1.RollingUpdateDeploymentStrategyType || s.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("a rollout removes the old pod before the new one is ready: %+v", s)
	}
	c := d.Spec.Template.Spec.Containers[0]
	for name, probe := range map[string]*corev1.Probe{"readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet.Path != "/health-check" || probe.HTTPGet.Port.String() != c.Ports[0].Name || c.Ports[0].ContainerPort != 8085 {
			t.Errorf("the %s probe is not /health-check on port 8085: %+v", name, probe)
		}
	}
	// Until it holds the lease, the autoscaler reports that it is healthy, even if it lacks permissions.
	if c.ReadinessProbe.InitialDelaySeconds < 15 {
		t.Errorf("the first readiness probe is after %d s; a lost lease can be taken over only after 15 s", c.ReadinessProbe.InitialDelaySeconds)
	}
}

func TestTheAutoscalersPodComesAfterItsNodesItsRoleAndItsRights(t *testing.T) {
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

func TestHeadroomGivesWayToAnyPodAndStillGetsNodes(t *testing.T) {
	engine := deploy(t, withHeadroom())
	class := mockengine.ObjectOf[*schedulingv1.PriorityClass](t, engine, cluster+"-headroom")
	const cutoff = -10 // the autoscaler adds no node for a pod of lower priority
	if class.Value != cutoff || class.GlobalDefault {
		t.Errorf("the priority is %d (default of all pods: %v), want %d: below 0 and not below the autoscaler's cutoff", class.Value, class.GlobalDefault, cutoff)
	}
	if class.PreemptionPolicy == nil || *class.PreemptionPolicy != corev1.PreemptNever {
		t.Errorf("pods of the headroom preempt others: %v", class.PreemptionPolicy)
	}
	d := mockengine.ObjectOf[*appsv1.Deployment](t, engine, cluster+"-headroom")
	pod := d.Spec.Template.Spec
	if pod.PriorityClassName != class.Name || *d.Spec.Replicas != 2 || pod.Containers[0].Resources.Requests.Cpu().String() != "1" {
		t.Errorf("the headroom has %d pods of %v and priority class %q", *d.Spec.Replicas, pod.Containers[0].Resources.Requests, pod.PriorityClassName)
	}
	if *pod.TerminationGracePeriodSeconds != 0 {
		t.Errorf("a pod that preempts the headroom waits for %d s", *pod.TerminationGracePeriodSeconds)
	}
	// A pending pod of the headroom must not delay an `up`.
	if d.Annotations["pulumi.com/skipAwait"] != "true" {
		t.Error("an `up` waits until the headroom's pods run")
	}
	namespace := mockengine.ObjectOf[*corev1.Namespace](t, engine, cluster+"-headroom")
	if d.Namespace != namespace.Name || namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the headroom is in namespace %s; namespace %s has the labels %v", d.Namespace, namespace.Name, namespace.Labels)
	}
}

func TestNoHeadroomMeansNoObjectsOfIt(t *testing.T) {
	for _, r := range deploy(t, Args{}).Resources {
		if strings.Contains(r.Name, "headroom") {
			t.Errorf("%s %s is registered", r.TypeToken, r.Name)
		}
	}
}
