package modelserver

import (
	"fmt"
	"maps"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
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
	// minReady is how long a new pod must stay ready before an old pod ends. The server is ready once it has loaded the model,
	// so a crash at the first requests shows.
	minReady = 5 * time.Second
	// endpointLag is about how long kube-proxy and load balancers take to stop sending to a pod that ends.
	endpointLag = 5 * time.Second
	// killMargin is the time between the end of the drain and the kill. TF-Serving ignores SIGTERM, so a longer time only
	// delays the kill.
	killMargin = 5 * time.Second
)

// connectionAgeJitter is the part of the maximum age by which gRPC varies the age of connections (gRPC proposal A9).
const connectionAgeJitter = 0.1

// drainTime returns how long a pod that ends still serves: until callers stop sending to it and its oldest connection has
// ended, and until callers that end at the same time are gone. When the model's name changes, the last old gateways drain
// while the old model is deleted. Whole seconds, rounded up.
func (args *Args) drainTime() time.Duration {
	oldest := time.Duration(float64(args.MaxConnectionAge) * (1 + connectionAgeJitter))
	return max((endpointLag + oldest + time.Second - 1).Truncate(time.Second), args.CallersDrain)
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

// rollout returns the times of a rollout of the model server.
func (args *Args) rollout() workload.Rollout {
	return workload.Rollout{
		NodeStart: args.Nodes.Start,
		Start:     args.StartupTimeout,
		MinReady:  minReady,
		Drain:     args.drainTime() + killMargin,
	}
}

// RolloutTimeout is the longest time that a rollout takes.
func (args *Args) RolloutTimeout() time.Duration { return args.rollout().Timeout(args.Scaling) }

func newDeployment(ctx *pulumi.Context, object string, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) (*appsv1.Deployment, error) {
	volumes, mounts := corev1.VolumeArray{workload.ScratchVolume()}, corev1.VolumeMountArray{workload.ScratchMount()}
	if args.Batching != nil {
		volume, mount, err := newBatchingVolume(ctx, object, args, id, opts...)
		if err != nil {
			return nil, err
		}
		volumes, mounts = append(volumes, volume), append(mounts, mount)
	}
	return workload.NewDeployment(ctx, object, id, &workload.DeploymentArgs{
		Namespace:       args.Namespace,
		InitialReplicas: args.InitialReplicas,
		Scaling:         args.Scaling,
		Rollout:         args.rollout(),
		NodeFailure:     args.Nodes.Failure,
		Pod: &corev1.PodSpecArgs{
			ServiceAccountName: account.Metadata.Name(),
			SecurityContext:    workload.PodSecurity(args.RunAsUser),
			Volumes:            volumes,
			Containers:         corev1.ContainerArray{container(args, mounts)},
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
		Lifecycle:      workload.DrainSleep(args.drainTime()),
	}
}
