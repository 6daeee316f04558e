package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tfserving/cost"
	"tfserving/preview"
	"tfserving/report/prose"
)

// total is the bill in the overview. Unpriced resources are listed, not counted as zero.
func (s analysis) total() prose.Line {
	b := s.bill
	amount := usd(b.After.Expected)
	if b.Delta != (cost.Range{}) {
		amount = fmt.Sprintf("%s → %s (%s)", usd(b.Before.Expected), usd(b.After.Expected), signed(b.Delta.Expected))
	}
	if n := max(b.UnknownBefore, b.UnknownAfter); n > 0 {
		return prose.Say(amount, " and ", prose.Alarm(fmt.Sprintf("%d unknown", n)))
	}
	return prose.Say(amount)
}

func usd(amount float64) string { return fmt.Sprintf("%.2f", amount) }

// signed writes a difference with its sign.
func signed(amount float64) string {
	if amount == 0 {
		return "0.00"
	}
	return fmt.Sprintf("%+.2f", amount)
}

// spread writes an expected amount, with its minimum and maximum if they differ.
func spread(r cost.Range) string {
	if r.Min == r.Max {
		return usd(r.Expected)
	}
	return fmt.Sprintf("%s (%s to %s)", usd(r.Expected), usd(r.Min), usd(r.Max))
}

func (s analysis) costs(d detail) []block {
	b := s.bill
	if b == nil || len(s.after.Lines) == 0 && len(s.before.Lines) == 0 {
		return nil
	}
	blocks := []block{heading{4, prose.Say("Monthly bill")}}
	sentence := prose.Say("USD a month, as expected (from the fewest nodes to the most): ", prose.Strong(spread(b.After)))
	if b.Delta != (cost.Range{}) {
		sentence = prose.Say("USD a month, as expected (from the fewest nodes to the most): ", spread(b.Before), " → ", prose.Strong(spread(b.After)), ", so ", prose.Strong(signed(b.Delta.Expected)))
	}
	if b.UnknownAfter > 0 {
		sentence = append(sentence, prose.Say(", and ", prose.Alarm(prose.Count(b.UnknownAfter, "thing", "things")+" of unknown cost"), " not in it")...)
	}
	if budget := s.budget(); budget > 0 {
		sentence = append(sentence, prose.Say(fmt.Sprintf("; the budget is %d", budget))...)
	}
	blocks = append(blocks, paragraph{append(sentence, prose.Span{Text: "."})})
	blocks = append(blocks, s.retained()...)
	t := table{head: []string{"resource", "what", "before", "after", "difference"}, right: []bool{false, false, true, true, true}}
	changes := slices.Clone(b.Changes)
	slices.SortStableFunc(changes, func(a, b cost.Change) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Delta.Expected), math.Abs(a.Delta.Expected)), cmp.Compare(a.Name, b.Name))
	})
	for _, c := range changes {
		if c.Unknown != "" {
			continue
		}
		t.rows = append(t.rows, []prose.Line{prose.Say(prose.Value(c.Name)), prose.Say(c.What), prose.Say(spread(c.Before)), prose.Say(spread(c.After)), prose.Say(signed(c.Delta.Expected))})
	}
	if len(t.rows) > 0 {
		blocks = append(blocks, t.cut(d.rows), leftOut(t, d.rows, "line of the bill", "lines of the bill"))
	}
	for _, w := range s.after.Warnings {
		blocks = append(blocks, paragraph{prose.Say(prose.Alarm("Warning"), ": ", w, ".")})
	}
	return append(blocks, s.assumptions(d)...)
}

// retained says what resources cost that leave the stack but stay in AWS. The bill after the change does not count them.
func (s analysis) retained() []block {
	var names []string
	for _, step := range s.steps {
		if step.Op == preview.OpForget {
			names = append(names, step.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	retained := 0.0
	for _, l := range s.before.Lines {
		if slices.ContainsFunc(s.steps, func(step preview.Step) bool { return step.Op == preview.OpForget && step.URN == l.URN }) {
			retained += l.Expected
		}
	}
	return []block{paragraph{prose.Say(prose.Alarm(prose.Count(len(names), "resource leaves the stack and stays", "resources leave the stack and stay")), ". The bill after the change is without what they go on costing, ", prose.Strong(usd(retained)), " a month: ", listed(names))}}
}

// assumptions are the assumptions of the estimate and its unpriced resources.
func (s analysis) assumptions(d detail) []block {
	var all []prose.Line
	for _, l := range s.after.Unknown() {
		all = append(all, prose.Say("unknown: ", prose.Value(l.Name), " ", l.What, ": ", l.Unknown))
	}
	for _, text := range s.after.Assumptions {
		all = append(all, prose.Say(text))
	}
	seen := map[string]bool{}
	for _, l := range s.after.Lines {
		if l.Assumption != "" && !seen[l.Assumption] {
			seen[l.Assumption] = true
			all = append(all, prose.Say(prose.Value(l.Name), " ", l.What, ": ", l.Assumption))
		}
	}
	if len(all) == 0 {
		return nil
	}
	if d.rows >= 0 {
		return []block{paragraph{prose.Say(fmt.Sprintf("%s left out here; docs/cost.md has them.", prose.Count(len(all), "assumption of the estimate is", "assumptions of the estimate are")))}}
	}
	return []block{fold{prose.Say("What the estimate assumes, and what it does not know"), []block{list{all}}}}
}
