package modelserver

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Times of a model server's pod.
const (
	// startupPeriod is the time between two probes of a server that loads its model.
	startupPeriod = 2 * time.Second
	// readinessPeriod and readinessFailures remove a server that does not answer from the Service within 15 s.
	readinessPeriod   = 5 * time.Second
	readinessFailures = 3 // consecutive
	// livenessPeriod and livenessFailures restart a server that hangs for a minute. A restart of a server that is only busy
	// would increase the load on the others.
	livenessPeriod   = 10 * time.Second
	livenessFailures = 6 // consecutive
	// probeTimeout is the longest time to wait for an answer. A server that uses all of its cores answers late.
	probeTimeout = 3 * time.Second
	// endpointLag is about how long kube-proxy and load balancers take to stop sending to a pod that ends.
	endpointLag = 5 * time.Second
	// killMargin is the time between the end of the drain and the kill. TF-Serving ignores SIGTERM, so a longer time only
	// delays the kill.
	killMargin = 5 * time.Second
)

// connectionAgeJitter is the part of the maximum age by which gRPC varies the age of connections (gRPC proposal A9).
const connectionAgeJitter = 0.1

// drainTime returns how long a pod that ends still serves: until callers stop sending to it and its oldest connection has
// ended. Whole seconds, rounded up.
func drainTime(maxConnectionAge time.Duration) time.Duration {
	oldest := time.Duration(float64(maxConnectionAge) * (1 + connectionAgeJitter))
	return (endpointLag + oldest + time.Second - 1).Truncate(time.Second)
}

// flags returns the server's arguments. The image's entrypoint adds ports, model name and path before them.
func flags(args *Args) []string {
	all := []string{
		fmt.Sprintf("--grpc_channel_arguments=grpc.max_connection_age_ms=%d", args.MaxConnectionAge.Milliseconds()),
		fmt.Sprintf("--tensorflow_intra_op_parallelism=%d", args.Threads),
		fmt.Sprintf("--tensorflow_inter_op_parallelism=%d", args.Threads),
	}
	if args.Batching != nil {
		all = append(all, "--enable_batching=true", "--batching_parameters_file="+configMount+"/"+batchingFile)
	}
	return all
}

func newDeployment(ctx *pulumi.Context, object string, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) (*appsv1.Deployment, error) {
	annotations := pulumi.StringMap{}
	pod := &corev1.PodSpecArgs{
		ServiceAccountName:            account.Metadata.Name(),
		AutomountServiceAccountToken:  pulumi.Bool(false),
		EnableServiceLinks:            pulumi.Bool(false),
		SecurityContext:               workload.PodSecurity(args.RunAsUser),
		TerminationGracePeriodSeconds: pulumi.Int(int((drainTime(args.MaxConnectionAge) + killMargin) / time.Second)),
		TopologySpreadConstraints:     workload.Spread(id.Selector()),
	}
	volumes, mounts := corev1.VolumeArray{workload.ScratchVolume()}, corev1.VolumeMountArray{workload.ScratchMount()}
	if args.Batching != nil {
		text := batchingParameters(args.Batching, args.Threads)
		volume, mount, err := newBatchingVolume(ctx, object, args, text, id, opts...)
		if err != nil {
			return nil, err
		}
		volumes, mounts = append(volumes, volume), append(mounts, mount)
		// The server reads the file only when it starts, so a change of the file must replace the pods.
		annotations["tfserving/batching-sha256"] = pulumi.String(fmt.Sprintf("%x", sha256.Sum256([]byte(text))))
	}
	pod.Volumes, pod.Containers = volumes, corev1.ContainerArray{container(args, mounts)}
	return appsv1.NewDeployment(ctx, object, &appsv1.DeploymentArgs{
		Metadata: workload.ObjectMeta(object, args.Namespace, id),
		Spec: &appsv1.DeploymentSpecArgs{
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy: workload.RollingUpdate(),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels(), Annotations: annotations},
				Spec:     pod,
			},
		},
	}, opts...)
}

func container(args *Args, mounts corev1.VolumeMountArray) *corev1.ContainerArgs {
	env := map[string]string{"MODEL_NAME": args.Model}
	maps.Copy(env, args.Environment)
	path := "/v1/models/" + args.Model
	return &corev1.ContainerArgs{
		Name:            pulumi.String("tf-serving"),
		Image:           args.Image,
		Args:            pulumi.ToStringArray(flags(args)),
		Env:             workload.Environment(env),
		Resources:       args.Resources.Requirements(),
		SecurityContext: workload.ContainerSecurity(),
		VolumeMounts:    mounts,
		Ports: corev1.ContainerPortArray{
			&corev1.ContainerPortArgs{Name: pulumi.String("grpc"), ContainerPort: pulumi.Int(GRPCPort)},
			&corev1.ContainerPortArgs{Name: pulumi.String("rest"), ContainerPort: pulumi.Int(RESTPort)},
		},
		// The server opens its ports once the model is loaded.
		StartupProbe:   workload.Probe("rest", path, startupPeriod, int((args.StartupTimeout+startupPeriod-1)/startupPeriod), probeTimeout),
		ReadinessProbe: workload.Probe("rest", path, readinessPeriod, readinessFailures, probeTimeout),
		LivenessProbe:  workload.Probe("grpc", "", livenessPeriod, livenessFailures, probeTimeout),
		Lifecycle:      workload.DrainSleep(int(drainTime(args.MaxConnectionAge) / time.Second)),
	}
}
