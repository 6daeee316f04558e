package embedded

import (
	"maps"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/catalog"
)

const (
	// kwokAnnotation makes kwok simulate a node's kubelet.
	kwokAnnotation = "kwok.x-k8s.io/node"
	// bootAnnotation has the boot time for the Stage node-boot, in seconds.
	bootAnnotation = "tfserving/boot-seconds"
	zoneLabel      = "topology.kubernetes.io/zone"
	// diskGiB is the size of the root volume. EKS' node image leaves most of it to pods.
	diskGiB = 50
)

// NodeSpec describes a simulated node of an EC2 instance.
type NodeSpec struct {
	Name         string
	InstanceType string // such as m6i.large
	Region       string
	Zone         string            // name of the availability zone; empty leaves it to the node-boot Stage
	ProviderID   string            // such as aws:///eu-west-1a/i-0123456789abcdef0
	Labels       map[string]string // in addition to those made of the fields above
	Annotations  map[string]string // in addition to those for kwok and its Stages
	Taints       []corev1.Taint
	BootTime     time.Duration // from the node's creation until it is ready
}

// NewNode returns the node that a kubelet would register, for kwok to simulate. It has the size of its instance type and is
// not ready. An unknown instance type is an error.
func NewNode(spec NodeSpec) (*corev1.Node, error) {
	t, err := catalog.Lookup(spec.InstanceType)
	if err != nil {
		return nil, err
	}
	node := &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{
			Name: spec.Name,
			Labels: map[string]string{
				"node.kubernetes.io/instance-type": t.Name,
				"topology.kubernetes.io/region":    spec.Region,
				"kubernetes.io/arch":               t.Architecture,
				"kubernetes.io/os":                 "linux",
			},
			Annotations: map[string]string{
				kwokAnnotation: "fake",
				bootAnnotation: strconv.FormatFloat(spec.BootTime.Seconds(), 'f', -1, 64),
			},
		},
		Spec: corev1.NodeSpec{ProviderID: spec.ProviderID, Taints: spec.Taints},
		Status: corev1.NodeStatus{
			Capacity:    resources(t.Capacity()),
			Allocatable: resources(t.Allocatable()),
			// A kubelet registers its node so. Without the condition, the control plane would remove the taint that keeps
			// pods off a booting node.
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse,
				Reason: "KubeletNotReady", Message: "the instance boots"}},
		},
	}
	if spec.Zone != "" {
		node.Labels[zoneLabel] = spec.Zone
	}
	maps.Copy(node.Labels, spec.Labels)
	maps.Copy(node.Annotations, spec.Annotations)
	return node, nil
}

func resources(room catalog.Room) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewMilliQuantity(room.MilliCPU, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(room.MemoryMiB<<20, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(room.Pods, resource.DecimalSI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(diskGiB<<30, resource.BinarySI),
	}
}
