package policy

import (
	"fmt"
	"slices"
	"strings"

	"tfserving/cost"
)

func withinBudget(s *Stack, resources []Resource, f *findings) {
	if s.Settings == nil || s.Settings.MonthlyBudget == 0 {
		return
	}
	var priced []cost.Resource
	for _, r := range resources {
		priced = append(priced, cost.Resource{URN: r.URN, Type: r.Type, Name: r.Name, Inputs: r.Inputs})
	}
	estimate := cost.Of(priced, s.Now)
	f.overBudget(s.Settings.MonthlyBudget, estimate.Total().Expected, estimate.Unknown())
}

// overBudget compares an estimate with a budget, both in USD a month. What has no price may be what goes beyond it.
func (f *findings) overBudget(budget int, expected float64, unpriced []cost.Line) {
	if expected > float64(budget) {
		f.brokenf("the stack is estimated to cost %.2f USD a month, and its budget is %d", expected, budget)
		return
	}
	var what []string
	for _, l := range unpriced {
		if text := fmt.Sprintf("%s of %s", l.What, l.Name); !slices.Contains(what, text) {
			what = append(what, text)
		}
	}
	if len(what) > 0 {
		*f = append(*f, finding{fmt.Sprintf("the stack is estimated to cost %.2f USD of its %d a month, without what has no price: %s", expected, budget, strings.Join(what, ", ")), true})
	}
}
