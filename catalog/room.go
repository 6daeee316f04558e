package catalog

// Room is an amount of CPU and memory, and a number of pods.
type Room struct {
	MilliCPU  int64
	MemoryMiB int64
	Pods      int64
}

const (
	// hostNetworkPods is how many pods of a node use the node's own address (amazon-eks-ami, max-pods).
	hostNetworkPods = 2
	// prefixAddresses is the number of addresses in a /28. Under prefix delegation an interface has a /28 in place of each
	// secondary address.
	prefixAddresses = 16
	// maxPodsSmall and maxPodsLarge are the most pods that EKS allows on a node with prefix delegation: the first below
	// largeVCPUs vCPUs, the second from there (amazon-eks-ami, max-pods).
	maxPodsSmall, maxPodsLarge, largeVCPUs = 110, 250, 30
)

// MaxPods returns how many pods a node of this type runs with the Amazon VPC CNI and without prefix delegation. Each
// interface keeps one address for itself (amazon-eks-ami, max-pods).
func (t *InstanceType) MaxPods() int64 { return t.Interfaces*(t.IPv4s-1) + hostNetworkPods }

// MaxPodsWithPrefixes returns how many pods a node of this type runs with the Amazon VPC CNI and prefix delegation.
func (t *InstanceType) MaxPodsWithPrefixes() int64 {
	most := int64(maxPodsSmall)
	if t.VCPUs >= largeVCPUs {
		most = maxPodsLarge
	}
	return min(most, t.Interfaces*(t.IPv4s-1)*prefixAddresses+hostNetworkPods)
}

// PodAddresses returns how many addresses of the subnet a full node of this type takes, and how many pods it then runs.
func (t *InstanceType) PodAddresses(prefixDelegation bool) (addresses, pods int64) {
	if !prefixDelegation {
		return t.Interfaces * t.IPv4s, t.MaxPods()
	}
	pods = t.MaxPodsWithPrefixes()
	prefixes := (pods - hostNetworkPods + prefixAddresses - 1) / prefixAddresses
	// Each interface has one address of its own and IPv4s-1 places for prefixes.
	interfaces := (prefixes + t.IPv4s - 2) / (t.IPv4s - 1)
	return prefixes*prefixAddresses + interfaces, pods
}

const (
	// hypervisorPerMille is the part of an instance's memory that its kernel does not get, in thousandths (Karpenter's
	// default vmMemoryOverheadPercent, 7.5 %).
	hypervisorPerMille = 75
	// The kubelet of an EKS node reserves memory for itself, in part for each pod, and evicts pods before the last
	// evictionMiB are used (amazon-eks-ami, nodeadm).
	reservedMiB       = 255
	reservedMiBPerPod = 11
	evictionMiB       = 100
)

// reservedMilliCPU returns the CPU that the kubelet reserves for itself, in thousandths of a core: 6 % of the first core,
// 1 % of the second, 0.5 % of the next two, 0.25 % of the others (amazon-eks-ami, nodeadm).
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

// Capacity returns the CPU, memory and pods of a node of this type.
func (t *InstanceType) Capacity() Room {
	return Room{MilliCPU: t.VCPUs * 1000, MemoryMiB: t.MemoryMiB * (1000 - hypervisorPerMille) / 1000, Pods: t.MaxPods()}
}

// Allocatable returns the capacity without what the kubelet reserves. System pods take their part of it, too.
func (t *InstanceType) Allocatable() Room {
	room := t.Capacity()
	room.MilliCPU -= t.reservedMilliCPU()
	room.MemoryMiB -= reservedMiB + reservedMiBPerPod*room.Pods + evictionMiB
	return room
}
