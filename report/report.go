// Package report tells people what a change of a stack does, before it is made: what is created, changed, replaced and
// deleted, what that does to the monthly bill, what is risky, which policies are broken, and the full diff. It renders
// records of previews (package preview) as a comment for a pull request and for a terminal.
package report

import (
	"fmt"
	"slices"
	"time"

	"tfserving/cost"
	"tfserving/preview"
)

// Marker begins every comment, unseen: by it a workflow finds the comment that it updates. One comment holds all stacks,
// so that they can be compared and a pull request has one thing to read.
const Marker = "tfserving-report"

// Environment is a stack, and what a preview says of it.
type Environment struct {
	Name    string
	Preview *preview.Preview
	// Problem says why there is no preview; nil if there is one.
	Problem error
}

// Options are what differs between one report and another.
type Options struct {
	// At decides about prices that change at a date.
	At time.Time
	// Whole says where what was left out of a comment can be read, such as an artifact of the workflow's run. Empty names
	// the command that prints it.
	Whole string
	// Limit is how many bytes a comment may have.
	Limit int
}

// CommentLimit is how many characters GitHub takes for the body of a comment. Here bytes are held to it, of which there are
// never fewer.
const CommentLimit = 65536

// Markdown is the comment. It is an error if not even the summary fits within the limit.
func Markdown(all []Environment, o Options) (string, error) {
	studied := study(all, o)
	for _, d := range details {
		text := markdown(document(studied, d, o))
		if len(text) <= o.Limit {
			return text, nil
		}
	}
	return "", fmt.Errorf("the report on %s does not fit in %d bytes, even without detail: report on fewer stacks in one", count(len(all), "stack", "stacks"), o.Limit)
}

// Terminal is the report for a person, with escape sequences for colour if asked for. The full diff is part of it if
// unfolded.
func Terminal(all []Environment, o Options, colour, unfold bool) string {
	return screen{colour: colour, unfold: unfold}.render(document(study(all, o), details[0], o))
}

// studied is an environment with what follows from its preview.
type studied struct {
	Environment
	steps  []preview.Step // that change something
	own    int            // changes of Pulumi's own: components and providers
	tally  map[preview.Op]int
	risks  []Risk
	bill   *cost.Difference
	before *cost.Estimate
	after  *cost.Estimate
}

func study(all []Environment, o Options) (found []studied) {
	for _, e := range all {
		s := studied{Environment: e}
		if p := e.Preview; p != nil {
			s.steps = changed(p)
			s.tally = tally(s.steps)
			s.risks = risks(p)
			for _, step := range p.Steps {
				if step.Op != preview.OpSame && step.Op != preview.OpRead && !real(step) {
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

// document is the whole report in a degree of detail.
func document(all []studied, d detail, o Options) []block {
	title := "What this change does"
	if !slices.ContainsFunc(all, func(s studied) bool { return s.Preview == nil || !s.Preview.Drift }) {
		title = "What others have changed"
	}
	blocks := []block{marker{Marker}, heading{2, say(title)}, overview(all)}
	for _, s := range all {
		blocks = append(blocks, s.section(d, o)...)
	}
	return blocks
}

func overview(all []studied) block {
	ops := columns(all)
	t := table{head: []string{"stack"}, right: []bool{false}}
	for _, op := range ops {
		t.head, t.right = append(t.head, verbs[op]), append(t.right, true)
	}
	t.head, t.right = append(t.head, "USD a month", "risks", "policies"), append(t.right, true, true, false)
	for _, s := range all {
		row := []line{say(strong(s.Name))}
		if s.Problem != nil || s.Preview.Failed() {
			// Nobody knows how much there would have been.
			why := span{"preview failed", broken}
			if s.Problem != nil {
				why.text = "no preview"
			}
			for range ops {
				row = append(row, say("?"))
			}
			t.rows = append(t.rows, append(row, say("unknown"), say("?"), say(why)))
			continue
		}
		for _, op := range ops {
			n := say(fmt.Sprint(s.tally[op]))
			if n[0].text != "0" && (op == preview.OpReplace || op == preview.OpDelete || op == preview.OpForget) {
				n[0].style = alarm
			}
			row = append(row, n)
		}
		row = append(row, s.total(), say(fmt.Sprint(len(s.risks))))
		if len(s.risks) > 0 {
			row[len(row)-1][0].style = alarm
		}
		t.rows = append(t.rows, append(row, s.policies()))
	}
	return t
}
