package policy

import (
	"fmt"
	"slices"
	"strings"

	"tfserving/cost"
	"tfserving/resource"
)

func withinBudget(s *Stack, resources []resource.Resource, f *findings) {
	if s.Settings == nil || s.Settings.MonthlyBudget == 0 {
		return
	}
	estimate := cost.Of(resources, s.Now)
	f.overBudget(s.Settings.MonthlyBudget, estimate.Total().Expected, estimate.Unknown())
}

// overBudget compares an estimate with a budget, both in USD a month. If resources without a price could exceed the budget, it
// warns.
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
		f.warnf("the stack is estimated to cost %.2f USD of its %d a month, not counting what has no price: %s", expected, budget, strings.Join(what, ", "))
	}
}
