package cost

// Change is how the cost of one thing changes.
type Change struct {
	URN, Type, Name, What string
	Before, After, Delta  Range
	// Unknown says why one side, and so the difference, has no amount; empty where both have.
	Unknown string
}

// Difference is what a change of a stack does to its cost.
type Difference struct {
	Changes              []Change // those that cost another amount than before, or an unknown one
	Before, After, Delta Range    // totals of what is known
	UnknownBefore        int      // lines without an amount
	UnknownAfter         int
}

// Diff compares two estimates of a stack, line by line. Either may be nil: a stack that is not there.
func Diff(before, after *Estimate) *Difference {
	type key struct{ urn, what string }
	d := &Difference{}
	changes, order := map[key]*Change{}, []key{}
	at := func(l Line) *Change {
		k := key{l.URN, l.What}
		if changes[k] == nil {
			changes[k] = &Change{URN: l.URN, Type: l.Type, Name: l.Name, What: l.What}
			order = append(order, k)
		}
		if changes[k].Unknown == "" {
			changes[k].Unknown = l.Unknown
		}
		return changes[k]
	}
	if before != nil {
		d.Before, d.UnknownBefore = before.Total(), len(before.Unknown())
		for _, l := range before.Lines {
			c := at(l)
			c.Before = c.Before.add(l.Range(), 1)
		}
	}
	if after != nil {
		d.After, d.UnknownAfter = after.Total(), len(after.Unknown())
		for _, l := range after.Lines {
			c := at(l)
			c.After = c.After.add(l.Range(), 1)
		}
	}
	d.Delta = d.After.add(d.Before, -1)
	for _, k := range order {
		c := changes[k]
		if c.Delta = c.After.add(c.Before, -1); c.Delta != (Range{}) || c.Unknown != "" {
			d.Changes = append(d.Changes, *c)
		}
	}
	return d
}
