package autoscaler

import (
	"fmt"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

const (
	// program is the autoscaler's path in its image. Arguments alone would replace the image's own command.
	program = "/cluster-autoscaler"
	// user is the user nobody, as in the example of the autoscaler's AWS provider.
	user = 65534
	// port serves /health-check and /metrics (the autoscaler's default).
	port = 8085
	// verbosity 4 logs why the autoscaler adds, keeps or removes a node, as in the example of its AWS provider.
	verbosity = 4
	// replicas is the number of pods. Only the pod that holds the lease works. A second pod would save little time: the
	// lease of a lost pod ends after 15 s, and a replacement starts not much later.
	replicas = 1
	// safeToEvict is the annotation that says whether the autoscaler may evict a pod to empty its node.
	safeToEvict = "cluster-autoscaler.kubernetes.io/safe-to-evict"
)

// resources are those of the example of the autoscaler's AWS provider. For some hundred nodes and more, its documentation
// recommends a whole core.
var resources = workload.Resources{CPU: "100m", Memory: "600Mi", CPULimit: "100m"}

// Times of the autoscaler's probes.
const (
	// readinessDelay is the time to take the lease and to list the groups in AWS. The autoscaler exits if it cannot list
	// them, so a deployment with missing permissions never becomes ready.
	readinessDelay    = 15 * time.Second
	readinessPeriod   = 5 * time.Second
	readinessFailures = 3 // consecutive; the pod is then unready
	// livenessPeriod and livenessFailures restart the autoscaler 30 s after it reports that it is unhealthy. It does so
	// when its loop has made no progress for 10 min (--max-inactivity).
	livenessPeriod   = 10 * time.Second
	livenessFailures = 3 // consecutive
	// probeTimeout is the longest time to wait for an answer.
	probeTimeout = 3 * time.Second
)

// arguments are the autoscaler's arguments on EKS.
func arguments(cluster string, args *Args) []string {
	all := append([]string{
		"--cloud-provider=aws",
		fmt.Sprintf("--node-group-auto-discovery=asg:tag=%s,%s%s", tagEnabled, tagClusterPrefix, cluster),
		"--namespace=" + catalog.SystemNamespace,
		// A rollout runs two pods for a moment.
		"--leader-elect=true",
		"--leader-elect-resource-name=" + lease,
		fmt.Sprintf("--v=%d", verbosity),
	}, Flags(args.Pace)...)
	if args.NodeGroupMetrics {
		all = append(all, "--emit-per-nodegroup-metrics=true")
	}
	return all
}

func newDeployment(ctx *pulumi.Context, name, image string, ready pulumi.StringInput, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) error {
	// The arguments use the cluster's name from ready, so the Deployment waits for ready. A preview shows unknown arguments as
	// an update; it would show an unknown namespace as a replacement.
	all := ready.ToStringOutput().ApplyT(func(cluster string) []string { return arguments(cluster, args) }).(pulumi.StringArrayOutput)
	_, err := appsv1.NewDeployment(ctx, name, &appsv1.DeploymentArgs{
		Metadata: workload.ObjectMeta(object, namespace, id),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(replicas),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			// The old pod stays until the new pod is ready, so after an update to a bad image the old autoscaler still works.
			// Only the pod that holds the lease works.
			Strategy: workload.RollingUpdate(),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels(), Annotations: pulumi.StringMap{
					// If the autoscaler evicted its own pod, it would stop before the node is empty. Other drains may evict the pod.
					safeToEvict: pulumi.String("false"), "prometheus.io/scrape": pulumi.String("true"), "prometheus.io/port": pulumi.String(fmt.Sprint(port)),
				}},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:           account.Metadata.Name().Elem(),
					AutomountServiceAccountToken: pulumi.Bool(true), // the autoscaler calls the Kubernetes API
					EnableServiceLinks:           pulumi.Bool(false),
					// Without the autoscaler, pending pods get no nodes. Its pod may preempt any other.
					PriorityClassName: pulumi.String("system-cluster-critical"),
					SecurityContext:   workload.PodSecurity(user),
					Containers:        corev1.ContainerArray{container(image, all, args.Region)},
				},
			},
		},
	}, opts...)
	return err
}

func container(image string, args pulumi.StringArrayInput, region string) *corev1.ContainerArgs {
	readiness := workload.Probe("http", "/health-check", readinessPeriod, readinessFailures, probeTimeout)
	readiness.InitialDelaySeconds = pulumi.Int(int(readinessDelay / time.Second))
	return &corev1.ContainerArgs{
		Name:    pulumi.String(object),
		Image:   pulumi.String(image),
		Command: pulumi.ToStringArray([]string{program}),
		Args:    args,
		Env: workload.Environment(map[string]string{
			"AWS_REGION": region,
			// The node's metadata service does not answer pods. Without this variable, a pod that lacks credentials waits
			// for it until a timeout.
			"AWS_EC2_METADATA_DISABLED": "true",
		}),
		Resources:       resources.Requirements(),
		SecurityContext: workload.ContainerSecurity(),
		Ports:           corev1.ContainerPortArray{&corev1.ContainerPortArgs{Name: pulumi.String("http"), ContainerPort: pulumi.Int(port)}},
		ReadinessProbe:  readiness,
		LivenessProbe:   workload.Probe("http", "/health-check", livenessPeriod, livenessFailures, probeTimeout),
	}
}
