package modelserver

import (
	"crypto/sha256"
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

// digestLength is the number of hexadecimal digits of a file's digest in a name: with 40 bits, two files of one stack differ.
const digestLength = 10

// newBatchingVolume registers a ConfigMap with the batching file, and returns its volume and mount.
//
// The ConfigMap's name has a digest of the file. So another file replaces the pods, which read it only when they start, and
// pods of the file before keep theirs until the last has ended. With a constant name, Pulumi deletes the ConfigMap before it
// makes the new one, and with it the Deployments that depend on it: what serves would end before its successor starts.
func newBatchingVolume(ctx *pulumi.Context, object string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.VolumeArgs, *corev1.VolumeMountArgs, error) {
	text := batchingParameters(args.Batching, args.Threads)
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:digestLength]
	files, err := corev1.NewConfigMap(ctx, object, &corev1.ConfigMapArgs{
		Metadata:  workload.ObjectMeta(object+"-"+digest, args.Namespace, id),
		Data:      pulumi.StringMap{batchingFile: pulumi.String(text)},
		Immutable: pulumi.Bool(true),
	}, opts...)
	if err != nil {
		return nil, nil, err
	}
	const volume = pulumi.String("config")
	return &corev1.VolumeArgs{Name: volume, ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: files.Metadata.Name()}},
		&corev1.VolumeMountArgs{Name: volume, MountPath: pulumi.String(configMount), ReadOnly: pulumi.Bool(true)}, nil
}
