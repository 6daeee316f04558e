package gateway

import (
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// httpPort is the name of the container's port. The Service, the probes and the NetworkPolicy use the name, so each pod is
// reached on the port that it listens on.
const httpPort = "http"

// Times of a gateway's pod. Its drain time and its health check are settings.
const (
	// startupPeriod and startupFailures give the gateway a minute to import its libraries and listen.
	startupPeriod   = time.Second
	startupFailures = 60 // consecutive
	// startupTimeout is the longest time to wait for an answer. No other request is open yet.
	startupTimeout = 3 * time.Second
	// Periods and failures of a probe of the TCP port. The kernel accepts a connection even if all workers are busy, so the
	// health check of the settings, which waits for busy workers, would only be slower.
	tcpReadinessPeriod   = 5 * time.Second
	tcpReadinessFailures = 3 // consecutive; the gateway then leaves the Service
	tcpLivenessPeriod    = 10 * time.Second
	tcpLivenessFailures  = 6 // consecutive; the gateway is then restarted
	tcpTimeout           = 3 * time.Second
	// livenessFactor is how many times as many failures restart a gateway as remove it from the Service. A restart of a
	// gateway that is only busy would increase the load on the others.
	livenessFactor = 2
	// FinishTime is the time for requests that still run after the drain: gunicorn's graceful timeout (30 s) and a margin.
	FinishTime = 35 * time.Second
	// minReadyHTTP is how long a new pod must stay ready if a health path has answered: a crash at the first requests shows.
	minReadyHTTP = 5 * time.Second
	// minReadyTCP is the same if only the port is probed. Gunicorn listens before it imports the application: 4 s before in a
	// measured case, with a crash 6 s after the pod was ready.
	minReadyTCP = 15 * time.Second
	// albHealthyChecks is how many health checks a new target of an ALB passes until the pod's readiness gate opens (default
	// of the AWS Load Balancer Controller).
	albHealthyChecks = 2
	// nlbRegistration is the longest time until an NLB finds a new target healthy and the readiness gate opens: 300 s for the
	// registration (AWS support in aws-load-balancer-controller issue 1834) and 3 checks of 10 s (defaults of the controller).
	nlbRegistration = 330 * time.Second
)

// HealthCheck is how often and how patiently the gateway is asked for HealthPath. A synchronous worker answers the check
// after the requests that it has accepted before.
type HealthCheck struct {
	Timeout, Interval time.Duration
	Failures          int // consecutive failures after which the gateway gets no more requests
}

// rollout returns the times of a rollout of the gateway.
func (args *Args) rollout() workload.Rollout {
	r := workload.Rollout{
		NodeStart: args.Nodes.Start,
		Start:     startupFailures * startupPeriod,
		MinReady:  minReadyTCP,
		Drain:     args.DrainTime + FinishTime,
	}
	if args.HealthPath != "" {
		r.MinReady = minReadyHTTP
	}
	switch {
	case args.Ingress != nil && args.Ingress.Class == catalog.IngressClassALB:
		r.Start += albHealthyChecks * args.HealthCheck.Interval
	case args.LoadBalancer != nil:
		r.Start += nlbRegistration
	}
	return r
}

func newDeployment(ctx *pulumi.Context, object string, args *Args, id workload.Identity, account *corev1.ServiceAccount, opts ...pulumi.ResourceOption) (*appsv1.Deployment, error) {
	container := &corev1.ContainerArgs{
		Name:  pulumi.String("gateway"),
		Image: args.Image,
		Env: append(workload.Environment(args.Environment), &corev1.EnvVarArgs{
			Name: pulumi.String("TF_SERVING_HOST"), Value: args.ModelEndpoint,
		}),
		Resources:       args.Resources.Requirements(),
		SecurityContext: workload.ContainerSecurity(),
		VolumeMounts:    corev1.VolumeMountArray{workload.ScratchMount()},
		Ports: corev1.ContainerPortArray{
			&corev1.ContainerPortArgs{Name: pulumi.String(httpPort), ContainerPort: pulumi.Int(args.Port)},
		},
		StartupProbe:   workload.Probe(httpPort, args.HealthPath, startupPeriod, startupFailures, startupTimeout),
		ReadinessProbe: workload.Probe(httpPort, "", tcpReadinessPeriod, tcpReadinessFailures, tcpTimeout),
		LivenessProbe:  workload.Probe(httpPort, "", tcpLivenessPeriod, tcpLivenessFailures, tcpTimeout),
		Lifecycle:      workload.DrainSleep(args.DrainTime),
	}
	if check := args.HealthCheck; args.HealthPath != "" {
		container.ReadinessProbe = workload.Probe(httpPort, args.HealthPath, check.Interval, check.Failures, check.Timeout)
		container.LivenessProbe = workload.Probe(httpPort, args.HealthPath, check.Interval, livenessFactor*check.Failures, check.Timeout)
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
			Volumes:            corev1.VolumeArray{workload.ScratchVolume()},
			Containers:         corev1.ContainerArray{container},
		},
	}, opts...)
}
