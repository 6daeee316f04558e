package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	// The plan has room for this many zones whatever the number in use, so that a zone added later moves no subnet.
	plannedZones = 3
	// leastZones are what EKS asks of a control plane and an ALB of its subnets.
	leastZones = 2

	// Widest VPC that AWS offers (VPC User Guide, VPC CIDR blocks), and the narrowest whose public subnets have room for
	// load balancers.
	widestVPC    = 16
	narrowestVPC = 20

	// A private subnet is a fourth of the VPC, the largest share of which three fit. Pods live there.
	privateBits = 2
	// A public subnet is a sixteenth of the last fourth: /22 in a /16, /26 in a /20. It holds a NAT gateway and load
	// balancers, which ask for 8 free addresses each in a /27 or wider (ELB user guides). What is left of the last
	// fourth is free for what may come.
	publicBits = privateBits + 4

	// keptAddresses of each subnet are AWS's own: the first four and the last (VPC User Guide, subnet CIDR blocks).
	keptAddresses = 5
)

// Layout is how a VPC's addresses are divided. Subnets are in the order of the zones.
type Layout struct {
	VPC             netip.Prefix
	Public, Private []netip.Prefix
}

// Plan divides a private IPv4 range of /16 to /20 over 2 or 3 zones: in each a small public subnet and a private one, as
// large as fits. The first two zones get the same subnets whether there is a third or not.
func Plan(cidr netip.Prefix, zones int) (*Layout, error) {
	switch {
	case !cidr.IsValid() || !cidr.Addr().Is4() || !cidr.Addr().IsPrivate():
		return nil, fmt.Errorf("VPC range %s is not private IPv4 (RFC 1918)", cidr)
	case cidr.Bits() < widestVPC || cidr.Bits() > narrowestVPC:
		return nil, fmt.Errorf("VPC range %s is not from /%d to /%d", cidr, widestVPC, narrowestVPC)
	case cidr != cidr.Masked():
		return nil, fmt.Errorf("VPC range %s has host bits set; the range is %s", cidr, cidr.Masked())
	case zones < leastZones || zones > plannedZones:
		return nil, fmt.Errorf("a VPC over %d zones: it takes %d or %d", zones, leastZones, plannedZones)
	}
	const firstPublic = plannedZones << (publicBits - privateBits) // what the private subnets leave begins here
	l := &Layout{VPC: cidr}
	for zone := range zones {
		l.Private = append(l.Private, part(cidr, privateBits, zone))
		l.Public = append(l.Public, part(cidr, publicBits, firstPublic+zone))
	}
	return l, l.check()
}

// part is the nth of the equal parts into which further bits divide a range.
func part(cidr netip.Prefix, bits, n int) netip.Prefix {
	length := cidr.Bits() + bits
	base := cidr.Addr().As4()
	binary.BigEndian.PutUint32(base[:], binary.BigEndian.Uint32(base[:])+uint32(n)<<(32-length))
	return netip.PrefixFrom(netip.AddrFrom4(base), length)
}

// check finds a subnet outside the VPC, and two that overlap. AWS would refuse them too, but only halfway through an
// update.
func (l *Layout) check() error {
	var before []netip.Prefix
	for _, subnets := range [][]netip.Prefix{l.Private, l.Public} {
		for _, s := range subnets {
			if s.Bits() < l.VPC.Bits() || !l.VPC.Contains(s.Addr()) {
				return fmt.Errorf("subnet %s is not inside VPC %s", s, l.VPC)
			}
			for _, other := range before {
				if s.Overlaps(other) {
					return fmt.Errorf("subnets %s and %s of VPC %s overlap", other, s, l.VPC)
				}
			}
			before = append(before, s)
		}
	}
	return nil
}

// Pods is the most pods that one private subnet holds under the VPC CNI: a pod takes an address of the subnet, unless it
// is on its node's network, and AWS keeps five. It is a bound. Of the same addresses live each network interface of a
// node, of the control plane and of an interface endpoint (one each) and internal load balancers; and a node holds
// addresses ready, under prefix delegation by blocks of 16, before pods use them.
func (l *Layout) Pods() int {
	return 1<<(32-l.Private[0].Bits()) - keptAddresses
}
