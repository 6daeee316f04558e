package catalog

// Room is CPU, memory and a number of pods.
type Room struct {
	MilliCPU  int64
	MemoryMiB int64
	Pods      int64
}

// MaxPods is how many pods a node of this type takes under the Amazon VPC CNI without prefix delegation: each interface
// keeps one address for itself, and two pods use the node's own network (amazon-eks-ami, max-pods).
func (t *InstanceType) MaxPods() int64 { return t.Interfaces*(t.IPv4s-1) + hostNetworkPods }

const (
	hostNetworkPods = 2
	// prefixAddresses is the size of the /28 that stands in an address's place under prefix delegation.
	prefixAddresses = 16
	// The most pods that EKS sets under prefix delegation, below 30 vCPUs and from there (amazon-eks-ami, max-pods).
	mostPods, mostPodsLarge, largeVCPUs = 110, 250, 30
)

// MaxPodsWithPrefixes is how many pods a node of this type takes under the Amazon VPC CNI with prefix delegation.
func (t *InstanceType) MaxPodsWithPrefixes() int64 {
	most := int64(mostPods)
	if t.VCPUs >= largeVCPUs {
		most = mostPodsLarge
	}
	return min(most, t.Interfaces*(t.IPv4s-1)*prefixAddresses+hostNetworkPods)
}

const (
	// hypervisorShare of the memory that EC2 states does not reach the kernel (Karpenter's default
	// vmMemoryOverheadPercent, 7.5 %), in thousandths.
	hypervisorShare = 75
	// What the kubelet keeps for itself on an EKS node (amazon-eks-ami, nodeadm): memory by pods, and what the
	// eviction threshold holds back, in MiB.
	reservedMiB       = 255
	reservedMiBPerPod = 11
	evictionMiB       = 100
)

// reservedMilliCPU is what the kubelet keeps for itself: 6 % of the first core, 1 % of the second, 0.5 % of the next
// two, 0.25 % of the rest (amazon-eks-ami, nodeadm), in thousandths of a core.
func (t *InstanceType) reservedMilliCPU() int64 {
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

// Capacity is what a node of this type has.
func (t *InstanceType) Capacity() Room {
	return Room{MilliCPU: t.VCPUs * 1000, MemoryMiB: t.MemoryMiB * (1000 - hypervisorShare) / 1000, Pods: t.MaxPods()}
}

// Allocatable is what of its capacity a node of this type leaves to pods, those of the system among them.
func (t *InstanceType) Allocatable() Room {
	room := t.Capacity()
	room.MilliCPU -= t.reservedMilliCPU()
	room.MemoryMiB -= reservedMiB + reservedMiBPerPod*room.Pods + evictionMiB
	return room
}
