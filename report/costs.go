package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tfserving/cost"
	"tfserving/preview"
)

// total is the bill in the overview. What has no price is told beside it, and never taken for nothing.
func (s studied) total() line {
	b := s.bill
	amount := usd(b.After.Expected)
	if b.Delta != (cost.Range{}) {
		amount = fmt.Sprintf("%s → %s (%s)", usd(b.Before.Expected), usd(b.After.Expected), signed(b.Delta.Expected))
	}
	if n := max(b.UnknownBefore, b.UnknownAfter); n > 0 {
		return say(amount, " and ", span{fmt.Sprintf("%d unknown", n), alarm})
	}
	return say(amount)
}

func usd(amount float64) string { return fmt.Sprintf("%.2f", amount) }

// signed is a difference, with its sign.
func signed(amount float64) string {
	if amount == 0 {
		return "0.00"
	}
	return fmt.Sprintf("%+.2f", amount)
}

// spread is an amount, and between which it lies where nodes come and go.
func spread(r cost.Range) string {
	if r.Min == r.Max {
		return usd(r.Expected)
	}
	return fmt.Sprintf("%s (%s to %s)", usd(r.Expected), usd(r.Min), usd(r.Max))
}

func (s studied) costs(d detail) []block {
	b := s.bill
	if b == nil || len(s.after.Lines) == 0 && len(s.before.Lines) == 0 {
		return nil
	}
	blocks := []block{heading{4, say("Monthly bill")}}
	sentence := say("USD a month, as expected (from the fewest nodes to the most): ", strong(spread(b.After)))
	if b.Delta != (cost.Range{}) {
		sentence = say("USD a month, as expected (from the fewest nodes to the most): ", spread(b.Before), " → ", strong(spread(b.After)), ", so ", strong(signed(b.Delta.Expected)))
	}
	if b.UnknownAfter > 0 {
		sentence = append(sentence, say(", and ", span{count(b.UnknownAfter, "thing", "things") + " of unknown cost", alarm}, " not in it")...)
	}
	if budget := s.budget(); budget > 0 {
		sentence = append(sentence, say(fmt.Sprintf("; the budget is %d", budget))...)
	}
	blocks = append(blocks, paragraph{append(sentence, span{text: "."})})
	blocks = append(blocks, s.leftBehind()...)
	t := table{head: []string{"resource", "what", "before", "after", "difference"}, right: []bool{false, false, true, true, true}}
	changes := slices.Clone(b.Changes)
	slices.SortStableFunc(changes, func(a, b cost.Change) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Delta.Expected), math.Abs(a.Delta.Expected)), cmp.Compare(a.Name, b.Name))
	})
	for _, c := range changes {
		if c.Unknown != "" {
			continue
		}
		t.rows = append(t.rows, []line{say(value(c.Name)), say(c.What), say(spread(c.Before)), say(spread(c.After)), say(signed(c.Delta.Expected))})
	}
	if len(t.rows) > 0 {
		blocks = append(blocks, t.cut(d.rows), leftOut(t, d.rows, "line of the bill", "lines of the bill"))
	}
	return append(blocks, s.assumptions(d)...)
}

// leftBehind is what leaves the stack's care, and so its bill, and stays.
func (s studied) leftBehind() []block {
	var names []string
	for _, step := range s.steps {
		if step.Op == preview.OpForget {
			names = append(names, step.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	going := 0.0
	for _, l := range s.before.Lines {
		if slices.ContainsFunc(s.steps, func(step preview.Step) bool { return step.Op == preview.OpForget && step.URN == l.URN }) {
			going += l.Expected
		}
	}
	return []block{paragraph{say(span{count(len(names), "resource leaves the stack and stays", "resources leave the stack and stay"), alarm}, ". The bill after the change is without what they go on costing, ", strong(usd(going)), " a month: ", listed(names))}}
}

// assumptions are what the estimate takes for granted, and what it lacks.
func (s studied) assumptions(d detail) []block {
	var all []line
	for _, l := range s.after.Unknown() {
		all = append(all, say("unknown: ", value(l.Name), " ", l.What, ": ", l.Unknown))
	}
	for _, text := range s.after.Assumptions {
		all = append(all, say(text))
	}
	seen := map[string]bool{}
	for _, l := range s.after.Lines {
		if l.Assumption != "" && !seen[l.Assumption] {
			seen[l.Assumption] = true
			all = append(all, say(value(l.Name), " ", l.What, ": ", l.Assumption))
		}
	}
	if len(all) == 0 {
		return nil
	}
	if d.rows >= 0 {
		return []block{paragraph{say(fmt.Sprintf("%s left out here; docs/cost.md has them.", count(len(all), "assumption of the estimate is", "assumptions of the estimate are")))}}
	}
	return []block{fold{say("What the estimate assumes, and what it does not know"), []block{list{all}}}}
}
