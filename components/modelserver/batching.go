package modelserver

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

const (
	configMount  = "/etc/tf-serving"
	batchingFile = "batching.config"
)

// batchingParameters returns the server's batching file, in Protocol Buffers text format.
func batchingParameters(b *Batching, threads int) string {
	return fmt.Sprintf("max_batch_size { value: %d }\nbatch_timeout_micros { value: %d }\nmax_enqueued_batches { value: %d }\nnum_batch_threads { value: %d }\n",
		b.MaxBatchSize, b.Timeout.Microseconds(), b.MaxEnqueuedBatches, threads)
}

// newBatchingVolume registers a ConfigMap with the batching file, and returns its volume and mount.
func newBatchingVolume(ctx *pulumi.Context, object string, args *Args, text string, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.VolumeArgs, *corev1.VolumeMountArgs, error) {
	files, err := corev1.NewConfigMap(ctx, object, &corev1.ConfigMapArgs{
		Metadata: workload.ObjectMeta(object, args.Namespace, id),
		Data:     pulumi.StringMap{batchingFile: pulumi.String(text)},
	}, opts...)
	if err != nil {
		return nil, nil, err
	}
	const volume = pulumi.String("config")
	return &corev1.VolumeArgs{Name: volume, ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: files.Metadata.Name()}},
		&corev1.VolumeMountArgs{Name: volume, MountPath: pulumi.String(configMount), ReadOnly: pulumi.Bool(true)}, nil
}
