package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	// maxZones is the number of zones that the plan reserves ranges for. It is fixed, so that a zone added later moves no
	// subnet.
	maxZones = 3
	// minZones is the number of zones that EKS requires for a control plane, and an ALB for its subnets.
	minZones = 2

	// The prefix lengths of the widest VPC that AWS offers (VPC User Guide, VPC CIDR blocks), and of the narrowest VPC whose
	// public subnets have room for load balancers.
	widestVPC    = 16
	narrowestVPC = 20

	// privateBits make a private subnet a fourth of the VPC: the largest equal share that fits three times beside the public
	// subnets. Pods get addresses of private subnets.
	privateBits = 2
	// publicBits make a public subnet a sixteenth of the last fourth: /22 in a /16, /26 in a /20. It has a NAT gateway and
	// load balancers, which need 8 free addresses each in a /27 or wider (ELB user guides). The rest of the last fourth is
	// free.
	publicBits = privateBits + 4

	// reservedAddresses is how many addresses of each subnet AWS reserves: the first four and the last (VPC User Guide,
	// subnet CIDR blocks).
	reservedAddresses = 5
)

// Layout is the address range of a VPC and of its subnets. Subnets are in the order of the zones.
type Layout struct {
	VPC             netip.Prefix
	Public, Private []netip.Prefix
}

// Plan divides a private IPv4 range of /16 to /20 over 2 or 3 zones. Each zone gets a large private and a small public
// subnet. The first two zones get the same subnets with and without a third. It fails for any other range or number of zones.
func Plan(cidr netip.Prefix, zones int) (*Layout, error) {
	switch {
	case !cidr.IsValid() || !cidr.Addr().Is4() || !cidr.Addr().IsPrivate():
		return nil, fmt.Errorf("VPC range %s is not private IPv4 (RFC 1918)", cidr)
	case cidr.Bits() < widestVPC || cidr.Bits() > narrowestVPC:
		return nil, fmt.Errorf("VPC range %s is not from /%d to /%d", cidr, widestVPC, narrowestVPC)
	case cidr != cidr.Masked():
		return nil, fmt.Errorf("VPC range %s has host bits set; the range is %s", cidr, cidr.Masked())
	case zones < minZones || zones > maxZones:
		return nil, fmt.Errorf("a VPC in %d zones: it needs %d or %d", zones, minZones, maxZones)
	}
	const firstPublic = maxZones << (publicBits - privateBits) // the public subnets follow the private ones
	l := &Layout{VPC: cidr}
	for zone := range zones {
		l.Private = append(l.Private, part(cidr, privateBits, zone))
		l.Public = append(l.Public, part(cidr, publicBits, firstPublic+zone))
	}
	return l, l.check()
}

// part is the nth part of a range that is divided into 2^bits equal parts.
func part(cidr netip.Prefix, bits, n int) netip.Prefix {
	length := cidr.Bits() + bits
	base := cidr.Addr().As4()
	binary.BigEndian.PutUint32(base[:], binary.BigEndian.Uint32(base[:])+uint32(n)<<(32-length))
	return netip.PrefixFrom(netip.AddrFrom4(base), length)
}

// check fails for a subnet outside the VPC and for subnets that overlap. AWS refuses them only in the middle of an update.
func (l *Layout) check() error {
	var previous []netip.Prefix
	for _, subnets := range [][]netip.Prefix{l.Private, l.Public} {
		for _, s := range subnets {
			if s.Bits() < l.VPC.Bits() || !l.VPC.Contains(s.Addr()) {
				return fmt.Errorf("subnet %s is not inside VPC %s", s, l.VPC)
			}
			for _, other := range previous {
				if s.Overlaps(other) {
					return fmt.Errorf("subnets %s and %s of VPC %s overlap", other, s, l.VPC)
				}
			}
			previous = append(previous, s)
		}
	}
	return nil
}

// Pods is an upper bound for the pods of one private subnet under the VPC CNI: the addresses of the subnet without those that
// AWS reserves. Each pod outside the host network has an address of the subnet. The real number is lower: network interfaces
// of nodes, of the control plane and of interface endpoints, and internal load balancers use addresses of the same subnet,
// and a node reserves addresses before its pods use them, in blocks of 16 under prefix delegation.
func (l *Layout) Pods() int {
	return 1<<(32-l.Private[0].Bits()) - reservedAddresses
}
