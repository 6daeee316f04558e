package modelserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// The times of a model server pod, side by side.
const (
	// startupPeriod is how often a starting server is asked whether it has loaded its model.
	startupPeriod = 2 * time.Second
	// readinessPeriod and readinessFailures take a server that does not answer out of the Service within 15 s.
	readinessPeriod   = 5 * time.Second
	readinessFailures = 3
	// livenessPeriod and livenessFailures restart a hung server after a minute: late, since restarting a server that
	// is merely busy makes the load on the others worse.
	livenessPeriod   = 10 * time.Second
	livenessFailures = 6
	// probeTimeout is how long an answer may take; a server with all its cores in use answers late.
	probeTimeout = 3 * time.Second
	// endpointLag is about how long kube-proxy and load balancers take to learn that a pod is leaving.
	endpointLag = 5 * time.Second
	// killMargin is what the kubelet gets between the end of the drain and the kill. TF-Serving ignores SIGTERM, so
	// waiting longer only delays the kill.
	killMargin = 5 * time.Second
)

// connectionAgeJitter is how far gRPC spreads the ends of connections around their maximum age (gRPC proposal A9).
const connectionAgeJitter = 0.1

// drain is how long a pod that was told to end goes on serving: until callers know, and every connection they still
// hold has reached its end.
func drain(maxConnectionAge time.Duration) time.Duration {
	oldest := time.Duration(float64(maxConnectionAge) * (1 + connectionAgeJitter))
	return (endpointLag + oldest + time.Second - 1).Truncate(time.Second)
}

const (
	configMount  = "/etc/tf-serving"
	batchingFile = "batching.config"
)

// flags are the server's arguments; the image's entrypoint adds ports, model name and path before them.
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

// batchingParameters is the server's batching file, in Protocol Buffers text format.
func batchingParameters(b *Batching, threads int) string {
	return fmt.Sprintf("max_batch_size { value: %d }\nbatch_timeout_micros { value: %d }\nmax_enqueued_batches { value: %d }\nnum_batch_threads { value: %d }\n",
		b.MaxBatchSize, b.Timeout.Microseconds(), b.MaxEnqueuedBatches, threads)
}

func newDeployment(ctx *pulumi.Context, object string, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) (*appsv1.Deployment, error) {
	volumes := corev1.VolumeArray{workload.ScratchVolume()}
	mounts := corev1.VolumeMountArray{workload.ScratchMount()}
	annotations := pulumi.StringMap{}
	if args.Batching != nil {
		text := batchingParameters(args.Batching, args.Threads)
		files, err := corev1.NewConfigMap(ctx, object, &corev1.ConfigMapArgs{
			Metadata: workload.ObjectMeta(object, args.Namespace, id),
			Data:     pulumi.StringMap{batchingFile: pulumi.String(text)},
		}, opts...)
		if err != nil {
			return nil, err
		}
		volumes = append(volumes, &corev1.VolumeArgs{
			Name:      pulumi.String("config"),
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: files.Metadata.Name()},
		})
		mounts = append(mounts, &corev1.VolumeMountArgs{Name: pulumi.String("config"), MountPath: pulumi.String(configMount), ReadOnly: pulumi.Bool(true)})
		// The server reads the file once, so another text must be another pod.
		annotations["tfserving/batching-sha256"] = pulumi.String(digest(text))
	}
	seconds := func(d time.Duration) pulumi.Int { return pulumi.Int(int(d / time.Second)) }
	status := &corev1.HTTPGetActionArgs{Path: pulumi.String("/v1/models/" + args.Model), Port: pulumi.String("rest")}
	draining := drain(args.MaxConnectionAge)
	env := map[string]string{"MODEL_NAME": args.Model}
	for k, v := range args.Environment {
		env[k] = v
	}

	return appsv1.NewDeployment(ctx, object, &appsv1.DeploymentArgs{
		Metadata: workload.ObjectMeta(object, args.Namespace, id),
		Spec: &appsv1.DeploymentSpecArgs{
			Selector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			Strategy: workload.RollingUpdate(),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: id.Labels(), Annotations: annotations},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:            account.Metadata.Name(),
					AutomountServiceAccountToken:  pulumi.Bool(false),
					EnableServiceLinks:            pulumi.Bool(false),
					SecurityContext:               workload.PodSecurity(args.RunAsUser),
					TerminationGracePeriodSeconds: seconds(draining + killMargin),
					TopologySpreadConstraints:     workload.Spread(id.Selector()),
					Volumes:                       volumes,
					Containers: corev1.ContainerArray{&corev1.ContainerArgs{
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
						StartupProbe: &corev1.ProbeArgs{
							HttpGet:          status,
							PeriodSeconds:    seconds(startupPeriod),
							FailureThreshold: pulumi.Int(int((args.StartupTimeout + startupPeriod - 1) / startupPeriod)),
							TimeoutSeconds:   seconds(probeTimeout),
						},
						ReadinessProbe: &corev1.ProbeArgs{
							HttpGet:          status,
							PeriodSeconds:    seconds(readinessPeriod),
							FailureThreshold: pulumi.Int(readinessFailures),
							TimeoutSeconds:   seconds(probeTimeout),
						},
						LivenessProbe: &corev1.ProbeArgs{
							TcpSocket:        &corev1.TCPSocketActionArgs{Port: pulumi.String("grpc")},
							PeriodSeconds:    seconds(livenessPeriod),
							FailureThreshold: pulumi.Int(livenessFailures),
							TimeoutSeconds:   seconds(probeTimeout),
						},
						Lifecycle: workload.DrainSleep(int(draining / time.Second)),
					}},
				},
			},
		},
	}, opts...)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
