package cost

import "cmp"

// Change is a line of the bill that changes.
type Change struct {
	URN, Type, Name, What string
	Before, After, Delta  Range
	// Unknown says why Before or After, and so Delta, has no amount. It is empty if both have one.
	Unknown string
}

// Difference compares the bills of a stack before and after a change.
type Difference struct {
	Changes              []Change // lines whose amount changes, becomes unknown or becomes known
	Before, After, Delta Range    // totals of the lines that have an amount
	UnknownBefore        int      // lines without an amount
	UnknownAfter         int
}

// Diff compares two estimates of a stack, line by line. Either may be nil, for a stack that does not exist. A line that is
// unknown in both for the same reason is no change.
func Diff(before, after *Estimate) *Difference {
	type key struct{ urn, what string }
	type sides struct{ before, after Line }
	lines, order := map[key]*sides{}, []key{}
	side := func(l Line) *sides {
		k := key{l.URN, l.What}
		if lines[k] == nil {
			lines[k] = &sides{}
			order = append(order, k)
		}
		return lines[k]
	}
	before, after = cmp.Or(before, &Estimate{}), cmp.Or(after, &Estimate{})
	for _, l := range before.Lines {
		side(l).before = l
	}
	for _, l := range after.Lines {
		side(l).after = l
	}
	d := &Difference{Before: before.Total(), After: after.Total(), UnknownBefore: len(before.Unknown()), UnknownAfter: len(after.Unknown())}
	d.Delta = d.After.add(d.Before, -1)
	for _, k := range order {
		was, is := lines[k].before, lines[k].after
		c := Change{
			URN: k.urn, What: k.what, Type: cmp.Or(is.Type, was.Type), Name: cmp.Or(is.Name, was.Name),
			Before: was.Range(), After: is.Range(), Delta: is.Range().add(was.Range(), -1),
			Unknown: cmp.Or(is.Unknown, was.Unknown),
		}
		if c.Delta != (Range{}) || was.Unknown != is.Unknown {
			d.Changes = append(d.Changes, c)
		}
	}
	return d
}
