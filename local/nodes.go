package local

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

//go:embed instance_types.tsv
var instanceTypes string

// instanceType is the shape of an EC2 instance.
type instanceType struct {
	Name, Architecture string
	VCPUs, MemoryMiB   int64
	Interfaces, IPv4s  int64 // network interfaces, and IPv4 addresses on each
}

// lookUpType returns the shape of an EC2 instance type.
func lookUpType(name string) (*instanceType, error) {
	for line := range strings.Lines(instanceTypes) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if f[0] != name || len(f) != 6 {
			continue
		}
		t := &instanceType{Name: f[0], Architecture: f[1]}
		for i, at := range []*int64{&t.VCPUs, &t.MemoryMiB, &t.Interfaces, &t.IPv4s} {
			n, err := strconv.ParseInt(f[2+i], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("reading the shape of instance type %s: %w", name, err)
			}
			*at = n
		}
		return t, nil
	}
	return nil, fmt.Errorf("%q is not an EC2 instance type that is known here (local/instance_types.tsv lists them)", name)
}

// pods is how many pods a node of this type takes under the Amazon VPC CNI without prefix delegation: each interface
// keeps one address for itself, and two pods use the node's own network (amazon-eks-ami, max-pods).
func (t *instanceType) pods() int64 { return t.Interfaces*(t.IPv4s-1) + 2 }

const (
	// hypervisorShare of the memory that EC2 states does not reach the kernel (Karpenter's default
	// vmMemoryOverheadPercent, 7.5 %), in thousandths.
	hypervisorShare = 75
	// What the kubelet keeps for itself on an EKS node (amazon-eks-ami, nodeadm): memory by pods, and what the
	// eviction threshold holds back, in MiB.
	reservedMiB       = 255
	reservedMiBPerPod = 11
	evictionMiB       = 100
	// diskGiB is the root volume, of which EKS' node image leaves most to pods.
	diskGiB = 50
)

// reservedMilliCPU is what the kubelet keeps for itself: 6 % of the first core, 1 % of the second, 0.5 % of the next
// two, 0.25 % of the rest (amazon-eks-ami, nodeadm), in thousandths of a core.
func (t *instanceType) reservedMilliCPU() int64 {
	tenths := int64(0)
	for core := range t.VCPUs {
		switch {
		case core == 0:
			tenths += 600
		case core == 1:
			tenths += 100
		case core < 4:
			tenths += 50
		default:
			tenths += 25
		}
	}
	return (tenths + 9) / 10
}

// resources are a node's capacity and what of it pods can have.
func (t *instanceType) resources() (capacity, allocatable corev1.ResourceList) {
	memory := t.MemoryMiB * (1000 - hypervisorShare) / 1000
	list := func(milliCPU, memoryMiB int64) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceCPU:              *resource.NewMilliQuantity(milliCPU, resource.DecimalSI),
			corev1.ResourceMemory:           *resource.NewQuantity(memoryMiB<<20, resource.BinarySI),
			corev1.ResourcePods:             *resource.NewQuantity(t.pods(), resource.DecimalSI),
			corev1.ResourceEphemeralStorage: *resource.NewQuantity(diskGiB<<30, resource.BinarySI),
		}
	}
	return list(t.VCPUs*1000, memory),
		list(t.VCPUs*1000-t.reservedMilliCPU(), memory-reservedMiB-reservedMiBPerPod*t.pods()-evictionMiB)
}

const (
	// groupLabel tells a node's group, as EKS labels it.
	groupLabel = "eks.amazonaws.com/nodegroup"
	// groupAnnotation and kwokAnnotation mark a node as the autoscaler's kwok provider marks those that it made, so
	// that it takes the first nodes, and after a restart its own, for members of their group.
	groupAnnotation = "cluster-autoscaler.kwok.nodegroup/name"
	kwokAnnotation  = "kwok.x-k8s.io/node"
	// bootAnnotation is read by the node-boot Stage.
	bootAnnotation = "tfserving/boot-time"
)

func (c *Cluster) zones() (names []string) {
	for i := range c.cfg.Zones {
		names = append(names, c.cfg.Region+string(rune('a'+i)))
	}
	return names
}

// template is a node of a group, before it has a name and a zone.
func (c *Cluster) template(g NodeGroup) (*corev1.Node, error) {
	t, err := lookUpType(g.InstanceType)
	if err != nil {
		return nil, fmt.Errorf("node group %s: %w", g.Name, err)
	}
	capacity, allocatable := t.resources()
	return &corev1.Node{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
		ObjectMeta: metav1.ObjectMeta{
			Name: g.Name,
			Labels: map[string]string{
				groupLabel:                         g.Name,
				"eks.amazonaws.com/capacityType":   g.Capacity,
				"node.kubernetes.io/instance-type": t.Name,
				"topology.kubernetes.io/region":    c.cfg.Region,
				"kubernetes.io/arch":               t.Architecture,
				"kubernetes.io/os":                 "linux",
			},
			Annotations: map[string]string{
				kwokAnnotation: "fake",
				bootAnnotation: c.cfg.BootTime.String(),
				"cluster-autoscaler.kwok.nodegroup/min-count":     strconv.Itoa(g.Min),
				"cluster-autoscaler.kwok.nodegroup/desired-count": strconv.Itoa(g.Min), // the default, 0, must not be below min
				"cluster-autoscaler.kwok.nodegroup/max-count":     strconv.Itoa(g.Max),
			},
		},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: allocatable,
			// As a kubelet registers its node. With no word about readiness, the control plane would take the taint off
			// that keeps pods from a node that still boots.
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse,
				Reason: "KubeletNotReady", Message: "the instance boots"}},
		},
	}, nil
}

func (c *Cluster) validate() error {
	for _, g := range c.cfg.NodeGroups {
		if _, err := c.template(g); err != nil {
			return err
		}
	}
	return nil
}

// ensureNodes brings each group to its minimum and takes away nodes of groups that are no more.
func (c *Cluster) ensureNodes(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the embedded cluster's nodes: %w", err)
	}
	have := map[string]int{}
	groups := map[string]NodeGroup{}
	for _, g := range c.cfg.NodeGroups {
		groups[g.Name] = g
	}
	for _, n := range nodes.Items {
		g, wanted := groups[n.Labels[groupLabel]]
		if wanted && n.Labels["node.kubernetes.io/instance-type"] == g.InstanceType {
			have[g.Name]++
			continue
		}
		if err := client.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("removing node %s, whose group is no more: %w", n.Name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g, zones := groups[name], c.zones()
		for i := have[name]; i < g.Min; i++ {
			n, err := c.template(g)
			if err != nil {
				return err
			}
			n.Name = fmt.Sprintf("%s-%s", g.Name, rand.String(5))
			n.Labels["topology.kubernetes.io/zone"] = zones[i%len(zones)]
			// A group's first nodes come with it: there is no request to wait for.
			n.Annotations[bootAnnotation] = "0s"
			n.Annotations[groupAnnotation] = g.Name
			n.Spec.ProviderID = "kwok:" + n.Name
			if _, err := client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("making node %s: %w", n.Name, err)
			}
		}
	}
	return nil
}
