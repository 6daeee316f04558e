package network

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func prefixes(all ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}

func TestPlanGivesEachZoneALargePrivateAndASmallPublicSubnet(t *testing.T) {
	for cidr, want := range map[string]Layout{
		"10.0.0.0/16": {
			Private: prefixes("10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"),
			Public:  prefixes("10.0.192.0/22", "10.0.196.0/22", "10.0.200.0/22"),
		},
		"172.31.0.0/18": {
			Private: prefixes("172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"),
			Public:  prefixes("172.31.48.0/24", "172.31.49.0/24", "172.31.50.0/24"),
		},
		"192.168.240.0/20": {
			Private: prefixes("192.168.240.0/22", "192.168.244.0/22", "192.168.248.0/22"),
			Public:  prefixes("192.168.252.0/26", "192.168.252.64/26", "192.168.252.128/26"),
		},
	} {
		for _, zones := range []int{2, 3} {
			got, err := Plan(netip.MustParsePrefix(cidr), zones)
			if err != nil {
				t.Errorf("%s over %d zones: %v", cidr, zones, err)
				continue
			}
			// Two zones get the first two subnets of three; the ranges of the third stay free.
			if !slices.Equal(got.Private, want.Private[:zones]) || !slices.Equal(got.Public, want.Public[:zones]) {
				t.Errorf("%s over %d zones: private %v, public %v; want the first %d of %v and %v",
					cidr, zones, got.Private, got.Public, zones, want.Private, want.Public)
			}
		}
	}
}

// Layout.check compares prefixes. This test compares first and last addresses instead.
func TestSubnetsAreInsideTheVPCAndDoNotOverlap(t *testing.T) {
	for bits := widestVPC; bits <= narrowestVPC; bits++ {
		// The last range of that width in 10.0.0.0/8, so that a subnet behind its end is also outside RFC 1918.
		vpc := netip.PrefixFrom(netip.MustParseAddr("10.255.255.255"), bits).Masked()
		l, err := Plan(vpc, maxZones)
		if err != nil {
			t.Fatal(err)
		}
		all := append(slices.Clone(l.Private), l.Public...)
		slices.SortFunc(all, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
		before := vpc.Addr().Prev()
		for _, s := range all {
			if s.Addr().Compare(before) <= 0 {
				t.Errorf("%s: subnet %s begins at or before %s, the last address of the previous one", vpc, s, before)
			}
			before = last(s)
		}
		if before.Compare(last(vpc)) > 0 {
			t.Errorf("%s: the subnets end at %s, outside the VPC", vpc, before)
		}
	}
}

// last is the last address of a range.
func last(p netip.Prefix) netip.Addr {
	a := p.Addr()
	for range 1<<(32-p.Bits()) - 1 {
		a = a.Next()
	}
	return a
}

func TestPlanRefusesRangesAndZonesThatNoVPCCanHave(t *testing.T) {
	for name, c := range map[string]struct {
		cidr  string
		zones int
		want  string
	}{
		"public range":    {"8.8.0.0/16", 2, "private IPv4"},
		"shared range":    {"100.64.0.0/16", 2, "private IPv4"},
		"IPv6":            {"fd00::/16", 2, "private IPv4"},
		"too wide":        {"10.0.0.0/15", 2, "/16 to /20"},
		"too narrow":      {"10.0.0.0/21", 2, "/16 to /20"},
		"host bits set":   {"10.0.16.0/16", 2, "10.0.0.0/16"},
		"one zone":        {"10.0.0.0/16", 1, "1 zones"},
		"more than three": {"10.0.0.0/16", 4, "4 zones"},
	} {
		if _, err := Plan(netip.MustParsePrefix(c.cidr), c.zones); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := Plan(netip.Prefix{}, 2); err == nil {
		t.Error("an empty range is accepted")
	}
}

func TestOverlappingAndOutsideSubnetsAreErrors(t *testing.T) {
	vpc := netip.MustParsePrefix("10.0.0.0/16")
	for name, c := range map[string]struct {
		private, public []netip.Prefix
		want            string
	}{
		"none":              {prefixes("10.0.0.0/18"), prefixes("10.0.64.0/22"), ""},
		"outside":           {prefixes("10.1.0.0/18"), nil, "not inside"},
		"wider than VPC":    {prefixes("10.0.0.0/15"), nil, "not inside"},
		"of one kind":       {prefixes("10.0.0.0/18", "10.0.0.0/18"), nil, "overlap"},
		"one in another":    {prefixes("10.0.0.0/18"), prefixes("10.0.4.0/22"), "overlap"},
		"a wider one later": {prefixes("10.0.4.0/22"), prefixes("10.0.0.0/18"), "overlap"},
	} {
		err := (&Layout{VPC: vpc, Private: c.private, Public: c.public}).check()
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestPodsIsTheNumberOfAddressesInAPrivateSubnetWithoutAWSsFive(t *testing.T) {
	for cidr, want := range map[string]int{"10.0.0.0/16": 16379, "10.0.0.0/18": 4091, "10.0.0.0/20": 1019} {
		l, err := Plan(netip.MustParsePrefix(cidr), 2)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Pods(); got != want {
			t.Errorf("a private subnet of %s holds %d pods, want %d", cidr, got, want)
		}
	}
}
