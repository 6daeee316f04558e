package cost

import "cmp"

// Change is how the cost of one thing changes.
type Change struct {
	URN, Type, Name, What string
	Before, After, Delta  Range
	// Unknown says why one side, and so the difference, has no amount; empty where both have.
	Unknown string
}

// Difference is what a change of a stack does to its cost.
type Difference struct {
	Changes              []Change // those that cost another amount than before, and those of which that is not known
	Before, After, Delta Range    // totals of what is known
	UnknownBefore        int      // lines without an amount
	UnknownAfter         int
}

// Diff compares two estimates of a stack, line by line. Either may be nil: a stack that is not there. What was unknown and
// still is, for the same reason, is no change.
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
	d := &Difference{}
	if before != nil {
		d.Before, d.UnknownBefore = before.Total(), len(before.Unknown())
		for _, l := range before.Lines {
			side(l).before = l
		}
	}
	if after != nil {
		d.After, d.UnknownAfter = after.Total(), len(after.Unknown())
		for _, l := range after.Lines {
			side(l).after = l
		}
	}
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
