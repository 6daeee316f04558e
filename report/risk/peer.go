package risk

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tfserving/report/prose"
	"tfserving/resource"
)

const (
	// everybody is the source of a rule that names no peers.
	everybody = "everybody"
	allPorts  = 65535 // the highest port
	anyNumber = -1    // AWS's number for every ICMP type and for every protocol
)

// allSources are the sources that contain every address.
var allSources = []string{everybody, "0.0.0.0/0", "::/0"}

// peer is who can pass a firewall, and through which ports.
type peer struct {
	// source is a range of addresses, everybody, or the text of a selector or a prefix list.
	source string
	except []string // ranges within source that cannot pass
	ports  ports
}

// ports are a protocol and a range of its ports. The zero value is every protocol and every port.
type ports struct {
	protocol  string // tcp, udp, …; empty for all
	isRange   bool   // from low to high; otherwise all ports
	low, high int
	name      string // a port's name, an ICMP type, or resource.Unknown
}

func (p ports) contain(other ports) bool {
	switch {
	case p.protocol != "" && p.protocol != other.protocol || p.name != "" && p.name != other.name:
		return false
	case !p.isRange:
		return true
	}
	return other.isRange && other.name == "" && p.low <= other.low && other.high <= p.high
}

func (p ports) String() string {
	text := prose.Shown(p.protocol)
	switch {
	case p.name != "":
		text += " " + prose.Shown(p.name)
	case p.isRange && p.low == p.high:
		text += fmt.Sprintf(" %d", p.low)
	case p.isRange:
		text += fmt.Sprintf(" %d to %d", p.low, p.high)
	}
	return strings.TrimSpace(text)
}

func (p peer) String() string {
	text := prose.Cut(p.source)
	if len(p.except) > 0 {
		text += " except " + strings.Join(p.except, ", ")
	}
	if ports := p.ports.String(); ports != "" {
		text += " by " + ports
	}
	return text
}

// added lists what the peer can do that none of the others could. If only exceptions differ, it lists the removed exceptions.
func (p peer) added(others []peer) []string {
	least := []string{p.String()}
	for _, o := range others {
		if o.source != everybody && !contained(p.source, o.source) || !o.ports.contain(p.ports) {
			continue
		}
		var removed []string
		for _, e := range o.except {
			overlaps := contained(e, p.source) || contained(p.source, e) || p.source == everybody
			if overlaps && !slices.ContainsFunc(p.except, func(kept string) bool { return contained(e, kept) }) {
				removed = append(removed, peer{source: e, ports: p.ports}.String()+", an exception until now")
			}
		}
		if least = removed; len(removed) == 0 {
			return nil
		}
	}
	return least
}

// contained says whether a range lies within another. A source that is not a range contains only itself.
func contained(source, other string) bool {
	inner, err := netip.ParsePrefix(source)
	outer, otherErr := netip.ParsePrefix(other)
	return source == other || err == nil && otherErr == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// peersOf are peers with every port.
func peersOf(sources []string) (all []peer) {
	for _, source := range sources {
		all = append(all, peer{source: source})
	}
	return all
}

// protocols has the names of the protocol numbers that AWS accepts.
var protocols = map[string]string{"-1": "", "all": "", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}

// portsOf are the ports of a security group's rule.
func portsOf(rule any) ports {
	protocol, _ := resource.At(rule, "protocol").(string)
	if ipProtocol, isSet := resource.At(rule, "ipProtocol").(string); isSet {
		protocol = ipProtocol
	}
	p := ports{protocol: strings.ToLower(protocol)}
	if name, isNumber := protocols[p.protocol]; isNumber {
		p.protocol = name
	}
	low, high := resource.At(rule, "fromPort"), resource.At(rule, "toPort")
	switch {
	case p.protocol == "" || low == nil && high == nil:
		return p
	case strings.HasPrefix(p.protocol, "icmp") && low != float64(anyNumber):
		p.name = fmt.Sprintf("type %s, code %s", prose.Shown(low), prose.Shown(high))
		return p
	}
	return p.between(low, high)
}

// between narrows the ports to a range, whose ends may be unknown.
func (p ports) between(low, high any) ports {
	from, isFrom := low.(float64)
	to, isTo := high.(float64)
	switch {
	case !isFrom || !isTo:
		p.name = resource.Unknown
	case from != anyNumber && (from > 0 || to < allPorts):
		p.isRange, p.low, p.high = true, int(from), int(to)
	}
	return p
}
