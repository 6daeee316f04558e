package report

import (
	"cmp"
	"slices"
	"strings"

	"tfserving/preview"
)

// counted are the operations that are counted, in the order in which they are told.
var counted = []preview.Op{preview.OpCreate, preview.OpUpdate, preview.OpReplace, preview.OpDelete}

// columns are the operations that have a column in the overview: those, and the rare ones where there are any.
func columns(all []studied) []preview.Op {
	ops := slices.Clone(counted)
	for _, op := range []preview.Op{preview.OpImport, preview.OpForget} {
		if slices.ContainsFunc(all, func(s studied) bool { return s.tally[op] > 0 }) {
			ops = append(ops, op)
		}
	}
	return ops
}

// changed are the steps that change something, those first that a person should see first. Components, providers and the
// stack itself are none: nothing runs in them.
func changed(p *preview.Preview) (all []preview.Step) {
	for _, s := range p.Steps {
		if s.Op != preview.OpSame && s.Op != preview.OpRead && real(s) {
			all = append(all, s)
		}
	}
	rank := map[preview.Op]int{preview.OpReplace: 0, preview.OpDelete: 1, preview.OpUpdate: 2, preview.OpForget: 3, preview.OpImport: 4, preview.OpCreate: 5}
	slices.SortStableFunc(all, func(a, b preview.Step) int {
		if c := cmp.Compare(rank[a.Op], rank[b.Op]); c != 0 {
			return c
		}
		if important(a.Type) != important(b.Type) {
			if important(a.Type) {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// real says whether a provider manages the resource.
func real(s preview.Step) bool {
	state := cmp.Or(s.New, s.Old)
	return state != nil && state.Custom && !strings.HasPrefix(s.Type, "pulumi:")
}

func tally(steps []preview.Step) map[preview.Op]int {
	n := map[preview.Op]int{}
	for _, s := range steps {
		n[s.Op]++
	}
	return n
}
