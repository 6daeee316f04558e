package workload

import (
	"maps"
	"slices"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Resources are the CPU and memory of a container, as Kubernetes quantities. Memory is request and limit: a container cannot give
// it back.
type Resources struct {
	CPU, Memory string
	CPULimit    string // empty is none: the container uses what its node has free
}

// ephemeralStorage is the disk of a container, as request and limit: its scratch volume (64Mi), and its log, of which the
// kubelet keeps 5 files of 10Mi each (its defaults containerLogMaxFiles and containerLogMaxSize). The rest is for what a
// container logs before the kubelet changes to the next file. A pod that uses more is evicted.
const ephemeralStorage = "128Mi"

// Requirements returns the resources as the Kubernetes API has them.
func (r Resources) Requirements() *corev1.ResourceRequirementsArgs {
	limits := pulumi.StringMap{"memory": pulumi.String(r.Memory), "ephemeral-storage": pulumi.String(ephemeralStorage)}
	requests := maps.Clone(limits)
	requests["cpu"] = pulumi.String(r.CPU)
	if r.CPULimit != "" {
		limits["cpu"] = pulumi.String(r.CPULimit)
	}
	return &corev1.ResourceRequirementsArgs{Requests: requests, Limits: limits}
}

// PodSecurity returns a pod's security context for Pod Security level restricted. That level refuses user 0, root: for
// root, the namespace's level must be baseline.
func PodSecurity(user int) *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(user != 0),
		RunAsUser:      pulumi.Int(user),
		RunAsGroup:     pulumi.Int(user),
		FsGroup:        pulumi.Int(user),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
}

// ContainerSecurity returns a container's security context: no privileges and a read-only root filesystem.
func ContainerSecurity() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		Privileged:               pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.StringArray{pulumi.String("ALL")}},
	}
}

const (
	scratchVolume = "tmp"
	// scratchSize limits what a pod can write to its node's disk. Temporary files and a downloaded picture fit in it.
	scratchSize = "64Mi"
)

// ScratchVolume returns the only volume to which a container can write.
func ScratchVolume() *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:     pulumi.String(scratchVolume),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(scratchSize)},
	}
}

// ScratchMount returns the mount of ScratchVolume at /tmp.
func ScratchMount() *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(scratchVolume), MountPath: pulumi.String("/tmp")}
}

// Spread returns constraints that spread pods over zones and over nodes. They are preferences: if a zone is lost, its pods
// must still start in the others. Pods of another revision do not count, so the pods are still evenly spread after a
// rollout.
func Spread(selector pulumi.StringMap) corev1.TopologySpreadConstraintArray {
	constraint := func(key string) *corev1.TopologySpreadConstraintArgs {
		return &corev1.TopologySpreadConstraintArgs{
			TopologyKey:       pulumi.String(key),
			MaxSkew:           pulumi.Int(1),
			WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
			LabelSelector:     &metav1.LabelSelectorArgs{MatchLabels: selector},
			MatchLabelKeys:    pulumi.StringArray{pulumi.String("pod-template-hash")},
		}
	}
	return corev1.TopologySpreadConstraintArray{constraint("topology.kubernetes.io/zone"), constraint("kubernetes.io/hostname")}
}

// Probe returns a probe of an HTTP path at a named port, or of the TCP port if path is empty. It fails after a number of
// failures in a row, each after at most timeout.
func Probe(port, path string, period time.Duration, failures int, timeout time.Duration) *corev1.ProbeArgs {
	p := &corev1.ProbeArgs{PeriodSeconds: seconds(period), TimeoutSeconds: seconds(timeout), FailureThreshold: pulumi.Int(failures)}
	if path != "" {
		p.HttpGet = &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: pulumi.String(port)}
	} else {
		p.TcpSocket = &corev1.TCPSocketActionArgs{Port: pulumi.String(port)}
	}
	return p
}

// DrainSleep returns a hook that delays the stop of a container. The container still serves in this time, since callers learn
// only after a while that the pod ends. The kubelet sleeps, so the image needs no shell.
func DrainSleep(drain time.Duration) *corev1.LifecycleArgs {
	return &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{Sleep: &corev1.SleepActionArgs{Seconds: seconds(drain)}}}
}

// Environment returns environment variables, sorted by name. Another order would replace the pods.
func Environment(vars map[string]string) corev1.EnvVarArray {
	var env corev1.EnvVarArray
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String(name), Value: pulumi.String(vars[name])})
	}
	return env
}
