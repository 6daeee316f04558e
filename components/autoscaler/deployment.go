package autoscaler

import (
	"fmt"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

const (
	// program is the autoscaler in its image, which starts nothing by itself when it is given arguments.
	program = "/cluster-autoscaler"
	// user is the user nobody, as in the example of the autoscaler's AWS provider.
	user = 65534
	// port is where the autoscaler answers /health-check and /metrics; its own default.
	port = 8085
	// verbosity 4 logs why a node was added, kept or taken, as the example of its AWS provider does.
	verbosity = 4
	// replicas is one: only one is at work at a time. A second would wait for the lease, which outlasts a holder that is
	// lost by 15 s, and a new pod is there not much later.
	replicas = 1
	// safeToEvict says to the autoscaler whether it may move a pod to empty a node.
	safeToEvict = "cluster-autoscaler.kubernetes.io/safe-to-evict"
)

// resources of the autoscaler: the example of its AWS provider for a cluster of this size. Its documentation asks for a
// core from some hundred nodes on.
var resources = workload.Resources{CPU: "100m", Memory: "600Mi"}

// The times of the autoscaler's probes, side by side.
const (
	// readinessDelay lets the autoscaler take its lease and ask AWS for its groups, without which it ends. So an `up`
	// does not take one that cannot do its work for ready.
	readinessDelay  = 15 * time.Second
	readinessPeriod = 5 * time.Second
	// livenessPeriod and livenessFailures restart an autoscaler half a minute after it called itself unhealthy, which
	// it does when its loop has stood still for 10 min (--max-inactivity).
	livenessPeriod   = 10 * time.Second
	livenessFailures = 3
	// probeTimeout is how long an answer may take.
	probeTimeout = 3 * time.Second
)

// arguments are the autoscaler's arguments on EKS.
func arguments(cluster string, pace Pace) []string {
	return append([]string{
		"--cloud-provider=aws",
		fmt.Sprintf("--node-group-auto-discovery=asg:tag=%s,%s%s", tagEnabled, tagClusterPrefix, cluster),
		"--namespace=" + Namespace,
		// During a rollout there are two for a moment.
		"--leader-elect=true",
		"--leader-elect-resource-name=" + lease,
		fmt.Sprintf("--v=%d", verbosity),
	}, Flags(pace)...)
}

func newDeployment(ctx *pulumi.Context, name, image string, ready pulumi.StringInput, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) error {
	// The cluster's name comes by way of what the pod waits for. An argument that a preview does not know shows as a
	// change; a namespace would show as another object.
	all := ready.ToStringOutput().ApplyT(func(cluster string) []string { return arguments(cluster, args.Pace) }).(pulumi.StringArrayOutput)
	_, err := appsv1.NewDeployment(ctx, name, &appsv1.DeploymentArgs{
		Metadata: workload.ObjectMeta(object, pulumi.String(Namespace), id),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(replicas),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			// The old autoscaler goes when the new one is ready: a bad image leaves the cluster with the one it had. The
			// lease keeps them from working at once.
			Strategy: workload.RollingUpdate(),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels(), Annotations: annotations()},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:           account.Metadata.Name().Elem(),
					AutomountServiceAccountToken: pulumi.Bool(true), // it lives by the Kubernetes API
					EnableServiceLinks:           pulumi.Bool(false),
					// Without it no pod that lacks a place gets one, so it takes the place of any other.
					PriorityClassName: pulumi.String("system-cluster-critical"),
					SecurityContext:   workload.PodSecurity(user),
					Containers:        corev1.ContainerArray{container(image, all, args.Region)},
				},
			},
		},
	}, opts...)
	return err
}

func annotations() pulumi.StringMap {
	return pulumi.StringMap{
		// An autoscaler that moves itself to empty its node stops half-way. That node stays; drains by others go on.
		safeToEvict:            pulumi.String("false"),
		"prometheus.io/scrape": pulumi.String("true"),
		"prometheus.io/port":   pulumi.String(fmt.Sprint(port)),
	}
}

func container(image string, args pulumi.StringArrayInput, region string) *corev1.ContainerArgs {
	readiness, liveness := probe(readinessPeriod, livenessFailures), probe(livenessPeriod, livenessFailures)
	readiness.InitialDelaySeconds = pulumi.Int(int(readinessDelay / time.Second))
	return &corev1.ContainerArgs{
		Name:    pulumi.String(object),
		Image:   pulumi.String(image),
		Command: pulumi.ToStringArray([]string{program}),
		Args:    args,
		Env: workload.Environment(map[string]string{
			"AWS_REGION": region,
			// The node's metadata service does not answer pods. Asked for credentials that are missing, it would only
			// take its time.
			"AWS_EC2_METADATA_DISABLED": "true",
		}),
		Resources:       resources.Requirements(),
		SecurityContext: workload.ContainerSecurity(),
		Ports:           corev1.ContainerPortArray{&corev1.ContainerPortArgs{Name: pulumi.String("http"), ContainerPort: pulumi.Int(port)}},
		ReadinessProbe:  readiness,
		LivenessProbe:   liveness,
	}
}

func probe(period time.Duration, failures int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          &corev1.HTTPGetActionArgs{Path: pulumi.String("/health-check"), Port: pulumi.String("http")},
		PeriodSeconds:    pulumi.Int(int(period / time.Second)),
		FailureThreshold: pulumi.Int(failures),
		TimeoutSeconds:   pulumi.Int(int(probeTimeout / time.Second)),
	}
}

// newDisruptionBudget lets a drain take the autoscaler's one pod. A budget that kept it would block the drain for ever.
func newDisruptionBudget(ctx *pulumi.Context, name string, id workload.Identity, opts ...pulumi.ResourceOption) (*policyv1.PodDisruptionBudget, error) {
	return policyv1.NewPodDisruptionBudget(ctx, name, &policyv1.PodDisruptionBudgetArgs{
		Metadata: workload.ObjectMeta(object, pulumi.String(Namespace), id),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable:             pulumi.Int(replicas),
			Selector:                   &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, opts...)
}
