// Package report renders previews (package preview) as a comment for a pull request and for a terminal: the changes of a
// stack, its monthly bill before and after, risks, broken policies and the full diff.
package report

import (
	"fmt"
	"slices"
	"time"

	"tfserving/cost"
	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/report/risk"
)

// Marker is an invisible text at the start of every comment, by which a workflow finds the comment to update. One comment has
// all stacks, so that a reader can compare them.
const Marker = "tfserving-report"

// Environment is a stack and its preview.
type Environment struct {
	Name    string
	Preview *preview.Preview
	// Problem says why there is no preview. It is nil if there is one.
	Problem error
}

// Options are the options of a report.
type Options struct {
	// At is the day of the report. Prices and exceptions depend on it.
	At time.Time
	// Whole is the place of the whole report, such as an artifact of the workflow's run. A shortened comment names it. Empty
	// stands for the command that prints the report.
	Whole string
	// Limit is the most bytes of a comment.
	Limit int
}

// CommentLimit is GitHub's limit for the body of a comment, in characters. A report keeps to it in bytes, which are at least
// as many.
const CommentLimit = 65536

// Markdown returns the report as a comment. Details that exceed the limit are left out. It fails if even the summary does.
func Markdown(all []Environment, o Options) (string, error) {
	analyses := analyze(all, o)
	for _, d := range details {
		text := markdown(document(analyses, d, o))
		if len(text) <= o.Limit {
			return text, nil
		}
	}
	return "", fmt.Errorf("the report on %s does not fit in %d bytes, even without detail: report on fewer stacks in one", prose.Count(len(all), "stack", "stacks"), o.Limit)
}

// Terminal returns the report for a terminal. colour adds escape sequences, unfold the full diff.
func Terminal(all []Environment, o Options, colour, unfold bool) string {
	return screen{colour: colour, unfold: unfold}.render(document(analyze(all, o), details[0], o))
}

// analysis is an environment and the results of its preview.
type analysis struct {
	Environment
	steps  []preview.Step // the changes
	own    int            // the number of changed components and providers
	tally  map[preview.Op]int
	risks  []risk.Risk
	bill   *cost.Difference
	before *cost.Estimate
	after  *cost.Estimate
}

func analyze(all []Environment, o Options) (found []analysis) {
	for _, e := range all {
		s := analysis{Environment: e}
		if p := e.Preview; p != nil {
			s.steps = changed(p)
			s.tally = tally(s.steps)
			s.risks = risk.Of(p)
			for _, step := range p.Steps {
				if step.Op != preview.OpSame && step.Op != preview.OpRead && !hasProvider(step) {
					s.own++
				}
			}
			if !p.Failed() {
				s.before, s.after = cost.Of(p.Before(), o.At), cost.Of(p.After(), o.At)
				s.bill = cost.Diff(s.before, s.after)
			}
		}
		found = append(found, s)
	}
	return found
}

// document is the report with some degree of detail.
func document(all []analysis, d detail, o Options) []block {
	title := "What this change does"
	if !slices.ContainsFunc(all, func(s analysis) bool { return s.Preview == nil || !s.Preview.Drift }) {
		title = "What others have changed"
	}
	blocks := []block{marker{Marker}, heading{2, prose.Say(title)}, overview(all)}
	for _, s := range all {
		blocks = append(blocks, s.section(d, o)...)
	}
	return blocks
}

func overview(all []analysis) block {
	ops := columns(all)
	t := table{head: []string{"stack"}, right: []bool{false}}
	for _, op := range ops {
		t.head, t.right = append(t.head, verbs[op]), append(t.right, true)
	}
	t.head, t.right = append(t.head, "USD a month", "risks", "policies"), append(t.right, true, true, false)
	for _, s := range all {
		row := []prose.Line{prose.Say(prose.Strong(s.Name))}
		if s.Problem != nil || s.Preview.Failed() {
			why := prose.Broken("preview failed")
			if s.Problem != nil {
				why.Text = "no preview"
			}
			for range ops {
				row = append(row, prose.Say("?"))
			}
			t.rows = append(t.rows, append(row, prose.Say("unknown"), prose.Say("?"), prose.Say(why)))
			continue
		}
		for _, op := range ops {
			n := prose.Say(fmt.Sprint(s.tally[op]))
			if n[0].Text != "0" && (op == preview.OpReplace || op == preview.OpDelete || op == preview.OpForget) {
				n[0].Style = prose.StyleAlarm
			}
			row = append(row, n)
		}
		row = append(row, s.total(), prose.Say(fmt.Sprint(len(s.risks))))
		if len(s.risks) > 0 {
			row[len(row)-1][0].Style = prose.StyleAlarm
		}
		t.rows = append(t.rows, append(row, s.policies()))
	}
	return t
}
