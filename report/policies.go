package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tfserving/config"
	"tfserving/policy"
	"tfserving/preview"
	"tfserving/report/prose"
)

// policies is the cell of the overview about policies.
func (s analysis) policies() prose.Line {
	mandatory := len(s.Preview.Mandatory())
	switch {
	case mandatory > 0:
		return prose.Say(prose.Broken(prose.Count(mandatory, "rule broken", "rules broken")))
	case len(s.Preview.Violations) > 0:
		return prose.Say(prose.Alarm(prose.Count(len(s.Preview.Violations), "warning", "warnings")))
	case len(s.Preview.Packs) == 0:
		return prose.Say("not checked")
	}
	return prose.Say(prose.Good("kept"))
}

// violations is the table of broken policies, with mandatory ones first.
func (s analysis) violations(d detail) []block {
	all := slices.Clone(s.Preview.Violations)
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b preview.Violation) int {
		return cmp.Or(trueFirst(a.Mandatory, b.Mandatory), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.URN, b.URN), cmp.Compare(a.Text, b.Text))
	})
	t := table{head: []string{"policy", "resource", "what is wrong", "why it matters", "what to do"}}
	for _, v := range all {
		level := prose.Alarm("warning")
		if v.Mandatory {
			level = prose.Broken("mandatory")
		}
		what, why, fix := splitMessage(v)
		t.rows = append(t.rows, []prose.Line{prose.Say(prose.Value(v.Policy), " ", level), prose.Say(prose.Value(resourceName(v.URN))), prose.Say(prose.Redacted(what)), prose.Say(why), prose.Say(fix)})
	}
	return []block{heading{4, prose.Say("Policies")}, t.cut(d.rows), leftOut(t, d.rows, "violation", "violations")}
}

// splitMessage splits a violation's message, which policy.Violation.Message writes. A message of another policy pack is what
// is wrong.
func splitMessage(v preview.Violation) (what, why, fix string) {
	var rest []string
	for l := range strings.SplitSeq(v.Text, "\n") {
		if text, is := strings.CutPrefix(l, "why: "); is {
			why = text
		} else if text, is := strings.CutPrefix(l, "fix: "); is {
			fix = text
		} else {
			rest = append(rest, l)
		}
	}
	return strings.Join(rest, " "), why, fix
}

// exceptions is the table of the exceptions in the stack's settings.
func (s analysis) exceptions(d detail, at time.Time) []block {
	settings, err := config.Decode(s.Preview.Config)
	if err != nil && (s.Preview.Failed() || len(s.Preview.Config) == 0) {
		return nil // the preview's own error says it, or there is no configuration
	}
	if err != nil {
		// Without this paragraph, the report would look like that of a stack without exceptions.
		return []block{paragraph{prose.Say(prose.Broken("The stack's settings could not be read"), ", so this report lacks its exceptions from policies and its budget:")}, message(err.Error(), d)}
	}
	t := table{head: []string{"exception from", "for", "until", "because"}}
	for _, e := range policy.Exceptions(settings, at) {
		until := prose.Say(prose.Value(e.Until))
		if e.Ended {
			until = append(until, prose.Say(" ", prose.Broken("(ended)"))...)
		}
		t.rows = append(t.rows, []prose.Line{prose.Say(prose.Value(e.Rule)), prose.Say(prose.Value(e.Resource)), until, prose.Say(prose.Redacted(e.Reason))})
	}
	if len(t.rows) == 0 {
		return nil
	}
	return []block{heading{4, prose.Say("Exceptions from policies")}, t}
}

// budget is the stack's budget in USD a month, or 0 if it has none.
func (s analysis) budget() int {
	settings, err := config.Decode(s.Preview.Config)
	if err != nil {
		return 0
	}
	return settings.MonthlyBudget
}
