package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tfserving/resource"
)

const (
	// everybody is who comes through a way on which nobody is named.
	everybody = "everybody"
	allPorts  = 65535 // the highest port
	anyNumber = -1    // how AWS writes every ICMP type and, as a protocol, every one
)

// wholeWorld are the ranges that contain every address.
var wholeWorld = []string{everybody, "0.0.0.0/0", "::/0"}

// way is one way through a door.
type way struct {
	// who is a range of addresses, everybody, or a text that stands for a set of callers and is compared as it is.
	who    string
	except []string // ranges within who that are kept out
	by     ports
}

// ports are by what a way leads. Of the zero value, by everything.
type ports struct {
	protocol  string // tcp, udp, …; empty for all
	some      bool   // low to high; else all
	low, high int
	name      string // of a port, in place of its number; or resource.Unknown
}

func (p ports) contain(other ports) bool {
	switch {
	case p.protocol != "" && p.protocol != other.protocol || p.name != "" && p.name != other.name:
		return false
	case !p.some:
		return true
	}
	return other.some && other.name == "" && p.low <= other.low && other.high <= p.high
}

func (p ports) String() string {
	text := shown(p.protocol)
	switch {
	case p.name != "":
		text += " " + shown(p.name)
	case p.some && p.low == p.high:
		text += fmt.Sprintf(" %d", p.low)
	case p.some:
		text += fmt.Sprintf(" %d to %d", p.low, p.high)
	}
	return strings.TrimSpace(text)
}

func (w way) String() string {
	text := cut(w.who)
	if len(w.except) > 0 {
		text += " except " + strings.Join(w.except, ", ")
	}
	if by := w.by.String(); by != "" {
		text += " by " + by
	}
	return text
}

// added are the ways, in words, by which somebody comes who came by none of the others. Of one that differs in its
// exceptions alone, only those are named.
func (w way) added(others []way) []string {
	least := []string{w.String()}
	for _, o := range others {
		if o.who != everybody && !contained(w.who, []string{o.who}) || !o.by.contain(w.by) {
			continue
		}
		var let []string
		for _, e := range o.except {
			if (contained(e, []string{w.who}) || contained(w.who, []string{e}) || w.who == everybody) && !contained(e, w.except) {
				let = append(let, way{who: e, by: w.by}.String()+", an exception until now")
			}
		}
		if least = let; len(let) == 0 {
			return nil
		}
	}
	return least
}

// contained says whether a range lies within one of others. What is no range is only itself.
func contained(cidr string, others []string) bool {
	inner, err := netip.ParsePrefix(cidr)
	for _, other := range others {
		outer, otherErr := netip.ParsePrefix(other)
		if cidr == other || err == nil && otherErr == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr()) {
			return true
		}
	}
	return false
}

// waysOf are ways for several, by everything.
func waysOf(who []string) (all []way) {
	for _, one := range who {
		all = append(all, way{who: one})
	}
	return all
}

// protocols are the numbers that AWS takes for names.
var protocols = map[string]string{"-1": "", "all": "", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}

// portsOf are the ports of a security group's rule.
func portsOf(rule any) ports {
	protocol, _ := get(rule, "protocol").(string)
	if named, is := get(rule, "ipProtocol").(string); is {
		protocol = named
	}
	p := ports{protocol: strings.ToLower(protocol)}
	if name, is := protocols[p.protocol]; is {
		p.protocol = name
	}
	low, high := get(rule, "fromPort"), get(rule, "toPort")
	switch {
	case p.protocol == "" || low == nil && high == nil:
		return p
	case strings.HasPrefix(p.protocol, "icmp") && low != float64(anyNumber):
		p.name = fmt.Sprintf("type %s, code %s", shown(low), shown(high))
		return p
	}
	return p.between(low, high)
}

// between narrows to a range of ports, which may be unknown.
func (p ports) between(low, high any) ports {
	from, known := low.(float64)
	to, both := high.(float64)
	switch {
	case !known || !both:
		p.name = resource.Unknown
	case from != anyNumber && (from > 0 || to < allPorts):
		p.some, p.low, p.high = true, int(from), int(to)
	}
	return p
}

// opened says whom a door lets in that it did not; nil for nobody.
func opened(was, now door) line {
	switch {
	case slices.ContainsFunc(now.ways, func(w way) bool { return w.who == resource.Unknown }):
		return say(now.of, " is opened to addresses that are ", value(unknownText))
	case len(now.ways) == 0 && !was.open:
		return say(now.of, " is opened, to whoever reaches it")
	case len(now.ways) == 0 && len(was.ways) > 0:
		return say(now.of, " is opened to whoever reaches it; it was open to ", values(was.told()), " alone")
	case len(now.ways) == 0 || was.open && len(was.ways) == 0:
		return nil
	}
	var added []string
	world := false
	for _, w := range now.ways {
		more := w.added(was.ways)
		added = append(added, more...)
		world = world || len(more) > 0 && slices.Contains(wholeWorld, w.who) && len(w.except) == 0
	}
	switch slices.Sort(added); {
	case len(added) == 0:
		return nil
	case world:
		return say(now.of, " is opened to ", span{everybody, broken}, ": ", values(slices.Compact(added)))
	}
	return say(now.of, " is opened to ", values(slices.Compact(added)))
}

func (d door) told() (all []string) {
	for _, w := range d.ways {
		all = append(all, w.String())
	}
	return all
}
