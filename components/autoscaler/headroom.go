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
	// headroomPriority is the lowest that the autoscaler makes room for: what is below its cutoff
	// (--expendable-pods-priority-cutoff, -10 by default) it leaves without a place. Pods have 0 unless they say
	// otherwise, so any of them takes the headroom's place.
	headroomPriority = -10
	// pauseImage does nothing, for as long as it is let.
	pauseImage = "registry.k8s.io/pause:3.10"
	// pauseUser is the user of that image.
	pauseUser = 65535
)

// Headroom is room kept free: pods that do nothing and give way to any other. One that lost its place waits for another,
// for which the autoscaler adds a node before anybody else needs it.
type Headroom struct {
	Pods      int
	Resources workload.Resources // of each
}

func newHeadroom(ctx *pulumi.Context, name string, room *Headroom, opts ...pulumi.ResourceOption) error {
	id := workload.Identity{Component: HeadroomComponent, Name: "pause", Instance: name}
	inCluster := func() *metav1.ObjectMetaArgs {
		return &metav1.ObjectMetaArgs{Name: pulumi.String(HeadroomComponent), Labels: id.Labels()}
	}
	class, err := schedulingv1.NewPriorityClass(ctx, name+"-"+HeadroomComponent, &schedulingv1.PriorityClassArgs{
		Metadata:    inCluster(),
		Value:       pulumi.Int(headroomPriority),
		Description: pulumi.String("Pods that keep room free and give way to any other."),
		// It takes nobody's place, not even that of what is still less important.
		PreemptionPolicy: pulumi.String("Never"),
	}, opts...)
	if err != nil {
		return err
	}
	// A namespace of their own holds them to Pod Security level restricted. kube-system is held to none, and its pods
	// count as the system's wherever nodes are drained.
	meta := inCluster()
	labels := id.Labels()
	for _, mode := range []string{"enforce", "warn", "audit"} {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
	}
	meta.Labels = labels
	namespace, err := corev1.NewNamespace(ctx, name+"-"+HeadroomComponent, &corev1.NamespaceArgs{Metadata: meta}, opts...)
	if err != nil {
		return err
	}
	_, err = appsv1.NewDeployment(ctx, name+"-"+HeadroomComponent, &appsv1.DeploymentArgs{
		// It is not waited for: to have lost its place, or to wait for a node, is what it is there for.
		Metadata: workload.WithoutWaiting(workload.ObjectMeta(HeadroomComponent, namespace.Metadata.Name().Elem(), id)),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(room.Pods),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy: &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")}, // no room beyond what was asked for
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels(), Annotations: pulumi.StringMap{safeToEvict: pulumi.String("true")}},
				Spec: &corev1.PodSpecArgs{
					AutomountServiceAccountToken:  pulumi.Bool(false),
					EnableServiceLinks:            pulumi.Bool(false),
					PriorityClassName:             class.Metadata.Name().Elem(),
					SecurityContext:               workload.PodSecurity(pauseUser),
					TerminationGracePeriodSeconds: pulumi.Int(0), // who takes its place need not wait
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
