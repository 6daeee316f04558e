package config

import "testing"

func TestBudgetRules(t *testing.T) {
	runRules(t, []rule{
		{"a stack may have a budget", set("tfserving:monthlyBudget", 350), ""},
		{"0 sets no budget", set("tfserving:monthlyBudget", 0), ""},
		{"a budget is not negative", set("tfserving:monthlyBudget", -1), `tfserving:monthlyBudget is -1; it must be 0, which sets no budget, or more`},
	})
}

func TestExceptionRules(t *testing.T) {
	with := func(field string, value any) []change {
		e := map[string]any{"rule": "imdsv2", "resource": "tfserving-dev-*", "reason": "an agent that is replaced in January", "until": "2027-01-31"}
		if e[field] = value; value == removed {
			delete(e, field)
		}
		return set("tfserving:policy.exceptions", []any{e})
	}
	const at = "tfserving:policy.exceptions[0]."
	day := `; it must be a calendar day as year-month-day in quotes, such as "2027-01-31"`
	runRules(t, []rule{
		{"an exception", with("rule", "pinned-images"), ""},
		{"an exception that has ended is allowed", with("until", "2020-02-29"), ""},
		{"an exception needs a rule", with("rule", removed), at + `rule is missing; it must be endpoint-cidrs or …`},
		{"an exception from an unknown rule", with("rule", "no-such-rule"), at + `rule is "no-such-rule"; it must be endpoint-cidrs or …`},
		{"an exception needs a resource", with("resource", removed), at + `resource is missing; give the name of the resource…`},
		{"an invalid pattern", with("resource", "node-[a"), at + `resource is "node-[a", which is not a valid pattern…`},
		{"an exception needs a reason", with("reason", removed), at + `reason is missing…`},
		{"a blank reason", with("reason", "  "), at + `reason is missing…`},
		{"a reason of two lines", with("reason", "a fair\nand more"), at + `reason has several lines; write one, as a preview shows one`},
		{"an exception needs a last day", with("until", removed), at + `until is missing; give the last day…`},
		{"a day that is not in the calendar", with("until", "2027-02-30"), at + `until is "2027-02-30"` + day},
		{"a day in another format", with("until", "31.1.2027"), at + `until is "31.1.2027"` + day},
	})
}
