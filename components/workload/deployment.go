package workload

import (
	"slices"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
)

// Nodes has the times that pods wait for nodes.
type Nodes struct {
	Start   time.Duration // the longest time until a pod has a node with its image
	Failure time.Duration // how long a pod stays on a node that does not answer
}

// Rollout has the times of a rollout. Its deadlines follow from them.
type Rollout struct {
	NodeStart time.Duration // the longest time until a pod has a node with its image
	Start     time.Duration // the longest time from the start of a pod's container until the pod is ready
	MinReady  time.Duration // how long a new pod must stay ready before an old pod ends
	Drain     time.Duration // the longest time until a pod that ends is gone
}

const (
	// rolloutMargin is the time that controllers, the scheduler and the kubelet take besides the times of a Rollout.
	rolloutMargin = time.Minute
	// deleteMargin is how long Pulumi's Kubernetes plugin waits for a deletion by default.
	deleteMargin = 10 * time.Minute
)

// progressDeadline is the longest time between two events of a rollout: another new pod has become available, or an old pod
// has begun to end. On nodes without room, a new pod waits for a new node, or for an old pod to be gone if the node group is
// at its maximum.
func (r Rollout) progressDeadline() time.Duration {
	return r.NodeStart + r.Drain + r.Start + r.MinReady + rolloutMargin
}

// Timeout is the longest time that a rollout takes with scaling s. The pods are replaced in waves, each a surge of the
// Deployment's pods. Only the first wave needs further nodes: each later wave has the room of the pods that it replaces.
func (r Rollout) Timeout(s Scaling) time.Duration {
	waves := min(s.Max, 100/catalog.RolloutSurgePercent)
	return r.NodeStart + time.Duration(waves)*(r.Drain+r.Start+r.MinReady) + rolloutMargin
}

// DeploymentArgs describe a Deployment that an autoscaler scales.
type DeploymentArgs struct {
	Namespace pulumi.StringInput
	// InitialReplicas is the number of pods of a new Deployment. Afterwards only the autoscaler sets the number.
	InitialReplicas pulumi.IntInput
	Scaling         Scaling
	Rollout         Rollout
	NodeFailure     time.Duration       // how long a pod stays on a node that does not answer
	Pod             *corev1.PodSpecArgs // NewDeployment adds what all Deployments have in common
}

// NewDeployment registers a Deployment. An `up` waits for it until its rollout has ended, or for Rollout.Timeout.
//
// The Deployment states its replicas only when it is created. Pulumi ignores later differences, and its Kubernetes plugin
// leaves the field out of an update once another manager has set it, as the autoscaler does.
func NewDeployment(ctx *pulumi.Context, name string, id Identity, args *DeploymentArgs, opts ...pulumi.ResourceOption) (*appsv1.Deployment, error) {
	pod, rollout := args.Pod, args.Rollout
	pod.AutomountServiceAccountToken = pulumi.Bool(false)
	pod.EnableServiceLinks = pulumi.Bool(false)
	pod.TerminationGracePeriodSeconds = seconds(rollout.Drain)
	pod.TopologySpreadConstraints = Spread(id.Selector())
	pod.Tolerations = tolerateFailedNode(args.NodeFailure)
	timeout := rollout.Timeout(args.Scaling).String()
	return appsv1.NewDeployment(ctx, name, &appsv1.DeploymentArgs{
		Metadata: ObjectMeta(name, args.Namespace, id),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas:                args.InitialReplicas,
			Selector:                &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy:                RollingUpdate(),
			MinReadySeconds:         seconds(rollout.MinReady),
			ProgressDeadlineSeconds: seconds(rollout.progressDeadline()),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels()},
				Spec:     pod,
			},
		},
	}, append(slices.Clone(opts),
		pulumi.IgnoreChanges([]string{"spec.replicas"}),
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: timeout, Update: timeout, Delete: (rollout.Drain + deleteMargin).String()}))...)
}

// tolerateFailedNode replaces the tolerations of 300 s that Kubernetes gives every pod (admission plugin
// DefaultTolerationSeconds).
func tolerateFailedNode(limit time.Duration) corev1.TolerationArray {
	var all corev1.TolerationArray
	for _, key := range []string{taintNotReady, taintUnreachable} {
		all = append(all, &corev1.TolerationArgs{
			Key: pulumi.String(key), Operator: pulumi.String("Exists"), Effect: pulumi.String("NoExecute"), TolerationSeconds: seconds(limit),
		})
	}
	return all
}

// Taints of a node that does not answer, or that says itself that it is not ready (Kubernetes' well-known taints).
const (
	taintNotReady    = "node.kubernetes.io/not-ready"
	taintUnreachable = "node.kubernetes.io/unreachable"
)

func seconds(d time.Duration) pulumi.Int { return pulumi.Int(int(d / time.Second)) }
