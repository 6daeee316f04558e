package catalog

import "net/netip"

// internetBits is the longest prefix that counts as the whole internet. No organization owns a range wider than a /8, and
// two /1 together cover every address.
const internetBits = 7

// IsInternet returns whether a range is so wide that it counts as the whole internet: wider than a /8.
func IsInternet(p netip.Prefix) bool { return p.Bits() <= internetBits }
