package autoscaler

import (
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	schedulingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/scheduling/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

const (
	// HeadroomComponent is the value of the component label of the headroom's objects, and their name.
	HeadroomComponent = "headroom"
	// headroomPriority is the lowest priority for which the autoscaler adds nodes: it ignores pods below its cutoff
	// (--expendable-pods-priority-cutoff, -10 by default). Other pods have priority 0 by default, so they preempt the
	// headroom's pods.
	headroomPriority = -10
	// pauseImage runs a program that only sleeps.
	pauseImage = "registry.k8s.io/pause:3.10"
	// pauseUser is the user of that image.
	pauseUser = 65535
)

// Headroom is reserved room: pods that do nothing and that any other pod preempts. A preempted pod of it is pending, and
// the autoscaler adds a node for it before the next other pod needs one.
type Headroom struct {
	Pods      int
	Resources workload.Resources // of each pod
}

func newHeadroom(ctx *pulumi.Context, name string, room *Headroom, opts ...pulumi.ResourceOption) error {
	id := workload.Identity{Component: HeadroomComponent, Name: "pause", Instance: name}
	class, err := schedulingv1.NewPriorityClass(ctx, name+"-"+HeadroomComponent, &schedulingv1.PriorityClassArgs{
		Metadata:    &metav1.ObjectMetaArgs{Name: pulumi.String(HeadroomComponent), Labels: id.Labels()},
		Value:       pulumi.Int(headroomPriority),
		Description: pulumi.String("Pods that keep room free and give way to any other."),
		// Pods of the headroom preempt no pod, not even one of a still lower priority.
		PreemptionPolicy: pulumi.String("Never"),
	}, opts...)
	if err != nil {
		return err
	}
	// The headroom has a namespace of its own, at Pod Security level restricted. In kube-system no level applies, and drains
	// treat its pods as system pods.
	labels := id.Labels()
	for _, mode := range []string{"enforce", "warn", "audit"} {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
	}
	namespace, err := corev1.NewNamespace(ctx, name+"-"+HeadroomComponent, &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(HeadroomComponent), Labels: labels},
	}, opts...)
	if err != nil {
		return err
	}
	_, err = appsv1.NewDeployment(ctx, name+"-"+HeadroomComponent, &appsv1.DeploymentArgs{
		// An update does not wait for these pods: that they are pending is normal.
		Metadata: workload.WithoutWaiting(workload.ObjectMeta(HeadroomComponent, namespace.Metadata.Name().Elem(), id)),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(room.Pods),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy: &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")}, // a rolling update would need more room than the headroom has
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels(), Annotations: pulumi.StringMap{safeToEvict: pulumi.String("true")}},
				Spec: &corev1.PodSpecArgs{
					AutomountServiceAccountToken:  pulumi.Bool(false),
					EnableServiceLinks:            pulumi.Bool(false),
					PriorityClassName:             class.Metadata.Name().Elem(),
					SecurityContext:               workload.PodSecurity(pauseUser),
					TerminationGracePeriodSeconds: pulumi.Int(0), // the pod that preempts it starts at once
					TopologySpreadConstraints:     workload.Spread(id.Selector()),
					Containers: corev1.ContainerArray{&corev1.ContainerArgs{
						Name:            pulumi.String("pause"),
						Image:           pulumi.String(pauseImage),
						Resources:       room.Resources.Requirements(),
						SecurityContext: workload.ContainerSecurity(),
					}},
				},
			},
		},
	}, opts...)
	return err
}
