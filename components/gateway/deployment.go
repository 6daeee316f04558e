package gateway

import (
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Times of a gateway's pod. Its drain time is a setting.
const (
	// startupPeriod and startupFailures give the gateway a minute to import its libraries and listen.
	startupPeriod   = time.Second
	startupFailures = 60 // consecutive
	// readinessPeriod and readinessFailures remove a gateway that does not answer from the Service within 15 s.
	readinessPeriod   = 5 * time.Second
	readinessFailures = 3 // consecutive
	// livenessPeriod and livenessFailures restart a gateway that hangs for a minute, and not one that is only busy.
	livenessPeriod   = 10 * time.Second
	livenessFailures = 6 // consecutive
	// probeTimeout is the longest time to wait for an answer.
	probeTimeout = 3 * time.Second
	// finishTime is the time for requests that still run after the drain: gunicorn's graceful timeout (30 s) and a margin.
	finishTime = 35 * time.Second
)

func newDeployment(ctx *pulumi.Context, object string, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) (*appsv1.Deployment, error) {
	env := append(workload.Environment(args.Environment), &corev1.EnvVarArgs{
		Name: pulumi.String("TF_SERVING_HOST"), Value: args.ModelEndpoint,
	})
	return appsv1.NewDeployment(ctx, object, &appsv1.DeploymentArgs{
		Metadata: workload.ObjectMeta(object, args.Namespace, id),
		Spec: &appsv1.DeploymentSpecArgs{
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy: workload.RollingUpdate(),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels()},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:            account.Metadata.Name(),
					AutomountServiceAccountToken:  pulumi.Bool(false),
					EnableServiceLinks:            pulumi.Bool(false),
					SecurityContext:               workload.PodSecurity(args.RunAsUser),
					TerminationGracePeriodSeconds: pulumi.Int(int((args.DrainTime + finishTime) / time.Second)),
					TopologySpreadConstraints:     workload.Spread(id.Selector()),
					Volumes:                       corev1.VolumeArray{workload.ScratchVolume()},
					Containers: corev1.ContainerArray{&corev1.ContainerArgs{
						Name:            pulumi.String("gateway"),
						Image:           args.Image,
						Env:             env,
						Resources:       args.Resources.Requirements(),
						SecurityContext: workload.ContainerSecurity(),
						VolumeMounts:    corev1.VolumeMountArray{workload.ScratchMount()},
						Ports: corev1.ContainerPortArray{
							&corev1.ContainerPortArgs{Name: pulumi.String("http"), ContainerPort: pulumi.Int(args.Port)},
						},
						StartupProbe:   workload.Probe("http", args.HealthPath, startupPeriod, startupFailures, probeTimeout),
						ReadinessProbe: workload.Probe("http", args.HealthPath, readinessPeriod, readinessFailures, probeTimeout),
						LivenessProbe:  workload.Probe("http", args.HealthPath, livenessPeriod, livenessFailures, probeTimeout),
						Lifecycle:      workload.DrainSleep(int(args.DrainTime / time.Second)),
					}},
				},
			},
		},
	}, opts...)
}
