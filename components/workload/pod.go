package workload

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Resources are a container's CPU and memory, as Kubernetes quantities. Request and limit are one: a server that
// sizes its threads by its cores must have them, and memory cannot be taken back.
type Resources struct{ CPU, Memory string }

// Requirements are the resources as the API wants them.
func (r Resources) Requirements() *corev1.ResourceRequirementsArgs {
	amounts := pulumi.StringMap{"cpu": pulumi.String(r.CPU), "memory": pulumi.String(r.Memory)}
	return &corev1.ResourceRequirementsArgs{Requests: amounts, Limits: amounts}
}

// PodSecurity is a pod's security context under Pod Security level restricted. User 0 is root, which that level
// refuses: the namespace's level must then be baseline.
func PodSecurity(user int) *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(user != 0),
		RunAsUser:      pulumi.Int(user),
		RunAsGroup:     pulumi.Int(user),
		FsGroup:        pulumi.Int(user),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
}

// ContainerSecurity is a container's security context: nothing beyond running as its user.
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
	// scratchSize bounds what a pod can write to its node's disk: temporary files, a downloaded picture.
	scratchSize = "64Mi"
)

// ScratchVolume is the one place a container with a read-only root can write to.
func ScratchVolume() *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:     pulumi.String(scratchVolume),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(scratchSize)},
	}
}

// ScratchMount mounts ScratchVolume at /tmp.
func ScratchMount() *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(scratchVolume), MountPath: pulumi.String("/tmp")}
}

// Spread spreads pods over zones first and nodes second. It prefers and does not insist: with a zone lost, the pods
// that are left must still find a place. Pods of another revision do not count, so a rollout ends as even as it began.
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
	return corev1.TopologySpreadConstraintArray{
		constraint("topology.kubernetes.io/zone"),
		constraint("kubernetes.io/hostname"),
	}
}

// DrainSleep keeps a container serving for so many seconds after its pod was told to end: until then callers may not
// have noticed. The kubelet sleeps, so the image needs no shell.
func DrainSleep(seconds int) *corev1.LifecycleArgs {
	return &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(seconds)}}}
}

// Environment turns names and values into environment variables, in a fixed order: another order is another pod.
func Environment(vars map[string]string) corev1.EnvVarArray {
	var env corev1.EnvVarArray
	for _, name := range sortedKeys(vars) {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String(name), Value: pulumi.String(vars[name])})
	}
	return env
}
