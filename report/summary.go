package report

import (
	"cmp"
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/report/risk"
)

// mainOps are the operations that always have a column in the overview, in order.
var mainOps = []preview.Op{preview.OpCreate, preview.OpUpdate, preview.OpReplace, preview.OpDelete}

// columns are the operations that have a column in the overview. Rare ones have one only if they occur.
func columns(all []analysis) []preview.Op {
	ops := slices.Clone(mainOps)
	for _, op := range []preview.Op{preview.OpImport, preview.OpForget} {
		if slices.ContainsFunc(all, func(s analysis) bool { return s.tally[op] > 0 }) {
			ops = append(ops, op)
		}
	}
	return ops
}

// changed returns the steps that change a resource, the most important first. Components, providers and the stack itself are
// left out: nothing runs in them.
func changed(p *preview.Preview) (all []preview.Step) {
	for _, s := range p.Steps {
		if s.Op != preview.OpSame && s.Op != preview.OpRead && hasProvider(s) {
			all = append(all, s)
		}
	}
	rank := map[preview.Op]int{preview.OpReplace: 0, preview.OpDelete: 1, preview.OpUpdate: 2, preview.OpForget: 3, preview.OpImport: 4, preview.OpCreate: 5}
	slices.SortStableFunc(all, func(a, b preview.Step) int {
		important := trueFirst(risk.Important(a.Type), risk.Important(b.Type))
		return cmp.Or(cmp.Compare(rank[a.Op], rank[b.Op]), important, cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// trueFirst compares two truth values for a sort that puts true first.
func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// hasProvider says whether a provider manages the resource.
func hasProvider(s preview.Step) bool {
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
