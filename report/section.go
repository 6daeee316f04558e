package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/resource"
)

// detail is a degree of detail of a report. The report says how much it leaves out.
type detail struct {
	diffs  bool // the full diff
	values bool // in the full diff, the properties of new and deleted resources
	rows   int  // the most rows of a table; -1 for all
	error  int  // the most bytes of a message; -1 for all
}

// details are the degrees of detail, from everything to the summary.
var details = []detail{
	{diffs: true, values: true, rows: -1, error: -1},
	{diffs: true, rows: -1, error: -1},
	{rows: -1, error: -1},
	{rows: 20, error: 4000},
	{rows: 5, error: 1000},
	{rows: 0, error: 200},
}

// section is the report on one stack.
func (s analysis) section(d detail, o Options) []block {
	blocks := []block{heading{3, prose.Say("Stack ", prose.Value(s.Name))}}
	if s.Problem != nil {
		return append(blocks, paragraph{prose.Say(prose.Broken("There is no preview of this stack."))}, message(s.Problem.Error(), d))
	}
	p := s.Preview
	if p.Failed() {
		blocks = append(blocks, paragraph{prose.Say(prose.Broken("The preview failed"), ", so this is not all that would change, and there is no bill.")})
		for _, e := range p.Errors {
			blocks = append(blocks, message(about(e), d))
		}
	}
	blocks = append(blocks, s.violations(d)...)
	blocks = append(blocks, s.exceptions(d, o.At)...)
	blocks = append(blocks, s.riskTable(d)...)
	blocks = append(blocks, s.changes(d)...)
	blocks = append(blocks, s.costs(d)...)
	blocks = append(blocks, s.warnings(d)...)
	return append(blocks, s.diff(d, o)...)
}

// about is a message with the name of its resource.
func about(m preview.Message) string {
	if m.URN == "" {
		return m.Text
	}
	return m.URN[strings.LastIndex(m.URN, "::")+len("::"):] + ": " + m.Text
}

// message is a preformatted text, shortened if it is too long.
func message(text string, d detail) block {
	text = prose.Redacted(text)
	if d.error >= 0 && len(text) > d.error {
		text = strings.ToValidUTF8(text[:d.error], "") + fmt.Sprintf("\n… (%d bytes more)", len(text)-d.error)
	}
	return listing{text: text}
}

// resourceName is a resource's short type and name.
func resourceName(urn string) string {
	if urn == "" {
		return "the stack"
	}
	parts := strings.Split(urn, "::")
	types := strings.Split(parts[max(0, len(parts)-2)], "$")
	if types[0] == resource.Stack && len(types) == 1 {
		return "the stack"
	}
	return shortType(types[len(types)-1]) + " " + parts[len(parts)-1]
}

// shortType shortens a type: eks NodeGroup for aws:eks/nodeGroup:NodeGroup, Deployment for kubernetes:apps/v1:Deployment.
func shortType(typ string) string {
	parts := strings.Split(typ, ":")
	if len(parts) != 3 {
		return typ
	}
	module, _, _ := strings.Cut(parts[1], "/")
	switch parts[0] {
	case "kubernetes":
		return parts[2]
	case "aws":
		return module + " " + parts[2]
	}
	return typ
}

// riskTable is the table of risks. Resources of one type with the same sentence share a row.
func (s analysis) riskTable(d detail) []block {
	if len(s.risks) == 0 {
		return nil
	}
	t := table{head: []string{"risk", "resource", "what happens"}}
	for i := 0; i < len(s.risks); {
		first, names := s.risks[i], []string{}
		for ; i < len(s.risks) && s.risks[i].Kind == first.Kind && s.risks[i].Step.Type == first.Step.Type && s.risks[i].What.String() == first.What.String(); i++ {
			names = append(names, s.risks[i].Step.Name)
		}
		t.rows = append(t.rows, []prose.Line{prose.Say(prose.Alarm(first.Kind)), prose.Say(prose.Value(shortType(first.Step.Type)), " ", listed(names)), first.What})
	}
	return []block{heading{4, prose.Say("Risks")}, t.cut(d.rows), leftOut(t, d.rows, "row of risks", "rows of risks")}
}

const (
	// shownChanges is the most properties of a resource in the table. The diff has all.
	shownChanges = 3
	// shownNames is the most names of resources in one row.
	shownNames = 6
)

// changes is the table of changes. New and deleted resources have one row a type, others one row each.
func (s analysis) changes(d detail) []block {
	blocks := []block{}
	if len(s.steps) == 0 {
		nothing := prose.Good("Nothing changes.")
		if s.Preview.Failed() {
			nothing = prose.Alarm("Until it failed, nothing was planned that would change.")
		} else if s.Preview.Drift {
			nothing.Text = "Everything is as the stack left it."
		}
		blocks = append(blocks, paragraph{prose.Say(nothing)})
	} else {
		t := table{head: []string{"", "resource", "what"}}
		for i := 0; i < len(s.steps); {
			n := i + 1
			whole := s.steps[i].Op == preview.OpCreate || s.steps[i].Op == preview.OpDelete
			for whole && n < len(s.steps) && s.steps[n].Op == s.steps[i].Op && s.steps[n].Type == s.steps[i].Type && s.steps[n].Drift == s.steps[i].Drift {
				n++
			}
			t.rows = append(t.rows, row(s.steps[i:n], whole))
			i = n
		}
		blocks = append(blocks, heading{4, prose.Say("Changes")}, t.cut(d.rows), leftOut(t, d.rows, "row of changes", "rows of changes"))
	}
	if s.own > 0 {
		blocks = append(blocks, paragraph{prose.Say(fmt.Sprintf("Pulumi counts %d more: components, providers and the stack, in which nothing runs.", s.own))})
	}
	return blocks
}

// listed writes names. It shortens a long list.
func listed(names []string) prose.Line {
	l := prose.Values(names[:min(len(names), shownNames)])
	if more := len(names) - shownNames; more > 0 {
		l = append(l, prose.Say(fmt.Sprintf(" and %d more", more))...)
	}
	return l
}

// row is one change, or the new or deleted resources of one type.
func row(steps []preview.Step, whole bool) []prose.Line {
	first := steps[0]
	what := prose.Say(verb(first))
	if first.Op == preview.OpReplace || first.Op == preview.OpDelete {
		what[0].Style = prose.StyleAlarm
	}
	if whole {
		var all []string
		for _, s := range steps {
			all = append(all, s.Name)
		}
		return []prose.Line{what, prose.Say(fmt.Sprintf("%d × ", len(steps)), prose.Value(shortType(first.Type))), listed(all)}
	}
	changes := slices.Clone(first.Changes)
	slices.SortStableFunc(changes, func(a, b preview.Change) int { return trueFirst(a.Forces, b.Forces) })
	var l prose.Line
	for i, c := range changes[:min(len(changes), shownChanges)] {
		if i > 0 {
			l = append(l, prose.Span{Text: "; "})
		}
		if c.Forces {
			l = append(l, prose.Alarm("forced by"), prose.Span{Text: " "})
		}
		before, after := prose.Differing(c.Old, c.New)
		l = append(l, prose.Say(prose.Value(c.Path), ": ", prose.Value(before), " → ", prose.Value(after))...)
	}
	if more := len(changes) - shownChanges; more > 0 {
		l = append(l, prose.Span{Text: fmt.Sprintf("; and %d more", more)})
	}
	if len(changes) == 0 {
		l = prose.Say("the engine names no property")
	}
	return []prose.Line{what, prose.Say(prose.Value(shortType(first.Type) + " " + first.Name)), l}
}

// cut keeps the first rows.
func (t table) cut(rows int) block {
	if rows >= 0 && len(t.rows) > rows {
		t.rows = t.rows[:rows]
	}
	if len(t.rows) == 0 {
		return nothing{}
	}
	return t
}

// leftOut says how many rows cut leaves out.
func leftOut(t table, rows int, one, many string) block {
	if more := len(t.rows) - rows; rows >= 0 && more > 0 {
		return paragraph{prose.Say(prose.Alarm(prose.Count(more, one, many) + " left out here."))}
	}
	return nothing{}
}

// unknownProvider is part of the engine's warning about resources whose provider has unknown inputs, such as the objects of a
// new cluster (sdk v3.230.0, resource/plugin/provider_plugin.go).
const unknownProvider = "may not correctly represent the changes"

// pluginOnPath is the engine's warning that it uses a plugin from PATH. It is not about the change (sdk v3.230.0,
// common/workspace/plugins.go).
var pluginOnPath = regexp.MustCompile(`^using pulumi-\S+ from \$PATH at `)

// warnings are the warnings of the engine and the program, with the resources that they are about.
func (s analysis) warnings(d detail) (blocks []block) {
	var texts []string
	names := map[string][]string{}
	for _, w := range s.Preview.Warnings {
		if pluginOnPath.MatchString(w.Text) {
			continue
		}
		if !slices.Contains(texts, w.Text) {
			texts = append(texts, w.Text)
		}
		if w.URN != "" && !slices.Contains(names[w.Text], resourceName(w.URN)) {
			names[w.Text] = append(names[w.Text], resourceName(w.URN))
		}
	}
	slices.Sort(texts) // the engine's order differs between two previews of the same change
	for i, text := range texts {
		about := slices.Sorted(slices.Values(names[text]))
		if strings.Contains(text, unknownProvider) {
			blocks = append(blocks, paragraph{prose.Say(prose.Alarm("What is planned of "+prose.Count(len(about), "resource", "resources")+" may be wrong"), ": their provider is known only after up: ", listed(about))})
		}
		if len(about) > 0 {
			texts[i] = strings.Join(about, ", ") + ": " + text
		}
	}
	if len(texts) > 0 {
		blocks = append(blocks, fold{prose.Say(prose.Count(len(texts), "warning", "warnings")), []block{message(strings.Join(texts, "\n"), d)}})
	}
	return blocks
}

// diff is the full diff in a fold.
func (s analysis) diff(d detail, o Options) []block {
	if len(s.steps) == 0 && len(s.Preview.Outputs) == 0 {
		return nil
	}
	var b strings.Builder
	whole := 0
	for _, step := range s.steps {
		b.WriteString(diffOf(step, d.values))
		if step.Op != preview.OpUpdate && step.Op != preview.OpReplace {
			whole++
		}
	}
	if len(s.Preview.Outputs) > 0 {
		b.WriteString("@@ outputs of the stack @@\n")
		for _, c := range s.Preview.Outputs {
			b.WriteString(diffOfChange(c))
		}
	}
	where := cmp.Or(o.Whole, fmt.Sprintf("make report STACK=%s DIFF=1", s.Name))
	size := prose.Count(len(s.steps), "resource", "resources")
	if !d.diffs {
		return []block{paragraph{prose.Say(prose.Alarm("The full diff is left out here"), fmt.Sprintf(", for want of room: %s. It is to be had elsewhere: ", size), prose.Place(where))}}
	}
	body := []block{listing{"diff", strings.TrimSuffix(b.String(), "\n")}}
	if !d.values && whole > 0 {
		body = append([]block{paragraph{prose.Say(prose.Alarm("Left out here"), ", for want of room: the properties of ", prose.Count(whole, "resource that is", "resources that are"), " created or deleted whole. They are to be had elsewhere: ", prose.Place(where))}}, body...)
	}
	return []block{fold{prose.Say("Full diff: " + size), body}}
}
