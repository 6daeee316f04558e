package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tfserving/config"
	"tfserving/policy"
	"tfserving/preview"
)

// policies is the state of the policies in a few words.
func (s studied) policies() line {
	mandatory := len(s.Preview.Mandatory())
	switch {
	case mandatory > 0:
		return say(span{count(mandatory, "rule broken", "rules broken"), broken})
	case len(s.Preview.Violations) > 0:
		return say(span{count(len(s.Preview.Violations), "warning", "warnings"), alarm})
	case len(s.Preview.Packs) == 0:
		return say("not checked")
	}
	return say(span{"kept", good})
}

// broken are the rules that the change breaks, those that refuse it first: what is wrong, why that matters and what to do.
func (s studied) broken(d detail) []block {
	all := slices.Clone(s.Preview.Violations)
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b preview.Violation) int {
		if a.Mandatory != b.Mandatory {
			if a.Mandatory {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.URN, b.URN), cmp.Compare(a.Text, b.Text))
	})
	t := table{head: []string{"policy", "resource", "what is wrong", "why it matters", "what to do"}}
	for _, v := range all {
		level := span{"warning", alarm}
		if v.Mandatory {
			level = span{"mandatory", broken}
		}
		what, why, fix := told(v)
		t.rows = append(t.rows, []line{say(value(v.Policy), " ", level), say(value(named(v.URN))), say(redacted(what)), say(why), say(fix)})
	}
	return []block{heading{4, say("Policies")}, t.cut(d.rows), leftOut(t, d.rows, "violation", "violations")}
}

// told takes a violation's message apart: what is wrong, and behind it lines that begin with why and fix. Of a message of
// another pack, all of it is what is wrong.
func told(v preview.Violation) (what, why, fix string) {
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

// exceptions are those that the stack's settings make from the policies, with those that have ended.
func (s studied) exceptions(d detail, at time.Time) []block {
	settings, err := config.Decode(s.Preview.Config)
	if err != nil && (s.Preview.Failed() || len(s.Preview.Config) == 0) {
		return nil // it failed by this, and says so; or the engine was told none
	}
	if err != nil {
		// Exceptions and a budget that nobody can read are not the same as none.
		return []block{paragraph{say(span{"The stack's settings could not be read", broken}, ", so its exceptions from policies and its budget are not told here:")}, message(err.Error(), d)}
	}
	t := table{head: []string{"exception from", "for", "until", "because"}}
	for _, e := range policy.Exceptions(settings, at) {
		until := say(value(e.Until))
		if e.Ended {
			until = append(until, say(" ", span{"(ended)", broken})...)
		}
		t.rows = append(t.rows, []line{say(value(e.Rule)), say(value(e.Resource)), until, say(redacted(e.Reason))})
	}
	if len(t.rows) == 0 {
		return nil
	}
	return []block{heading{4, say("Exceptions from policies")}, t}
}

// budget is the most that the stack may cost, USD a month; 0 where its settings say none.
func (s studied) budget() int {
	settings, err := config.Decode(s.Preview.Config)
	if err != nil {
		return 0
	}
	return settings.MonthlyBudget
}
