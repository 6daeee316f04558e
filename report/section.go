package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tfserving/preview"
)

// detail is how much a report says. What is left out is counted, and named by kind.
type detail struct {
	diffs  bool // the full diff
	values bool // in it, every property of what is created or deleted
	rows   int  // of a table; -1 for all
	error  int  // bytes of a message; -1 for all
}

// details go from everything to the summary alone.
var details = []detail{
	{diffs: true, values: true, rows: -1, error: -1},
	{diffs: true, rows: -1, error: -1},
	{rows: -1, error: -1},
	{rows: 20, error: 4000},
	{rows: 5, error: 1000},
	{rows: 0, error: 200},
}

// section is what is said of one stack.
func (s studied) section(d detail, o Options) []block {
	blocks := []block{heading{3, say("Stack ", value(s.Name))}}
	if s.Problem != nil {
		return append(blocks, paragraph{say(span{"There is no preview of this stack.", broken})}, message(s.Problem.Error(), d))
	}
	p := s.Preview
	if p.Failed() {
		blocks = append(blocks, paragraph{say(span{"The preview failed", broken}, ", so this is not all that would change, and there is no bill.")})
		for _, e := range p.Errors {
			blocks = append(blocks, message(about(e), d))
		}
	}
	blocks = append(blocks, s.broken(d)...)
	blocks = append(blocks, s.exceptions(d, o.At)...)
	blocks = append(blocks, s.risky(d)...)
	blocks = append(blocks, s.changes(d)...)
	blocks = append(blocks, s.costs(d)...)
	blocks = append(blocks, s.warnings(d)...)
	return append(blocks, s.diff(d, o)...)
}

// about is a message with the resource that it is about.
func about(m preview.Message) string {
	if m.URN == "" {
		return m.Text
	}
	return m.URN[strings.LastIndex(m.URN, "::")+2:] + ": " + m.Text
}

// message is a text as it is, or its beginning.
func message(text string, d detail) block {
	text = redacted(text)
	if d.error >= 0 && len(text) > d.error {
		text = strings.ToValidUTF8(text[:d.error], "") + fmt.Sprintf("\n… (%d bytes more)", len(text)-d.error)
	}
	return listing{text: text}
}

// named is a resource by its type and name.
func named(urn string) string {
	if urn == "" {
		return "the stack"
	}
	parts := strings.Split(urn, "::")
	types := strings.Split(parts[max(0, len(parts)-2)], "$")
	if types[0] == "pulumi:pulumi:Stack" && len(types) == 1 {
		return "the stack"
	}
	return short(types[len(types)-1]) + " " + parts[len(parts)-1]
}

// short is a type without what can be guessed: eks NodeGroup for aws:eks/nodeGroup:NodeGroup, Deployment for
// kubernetes:apps/v1:Deployment.
func short(typ string) string {
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

// risky is the table of risks.
func (s studied) risky(d detail) []block {
	if len(s.risks) == 0 {
		return nil
	}
	t := table{head: []string{"risk", "resource", "what happens"}}
	for i := 0; i < len(s.risks); {
		// One row for all of a type to which the same happens.
		first, names := s.risks[i], []string{}
		for ; i < len(s.risks) && s.risks[i].Rule == first.Rule && s.risks[i].Step.Type == first.Step.Type && bare(s.risks[i].What) == bare(first.What); i++ {
			names = append(names, s.risks[i].Step.Name)
		}
		t.rows = append(t.rows, []line{say(span{first.Rule, alarm}), say(value(short(first.Step.Type)), " ", listed(names)), first.What})
	}
	return []block{heading{4, say("Risks")}, t.cut(d.rows), leftOut(t, d.rows, "row of risks", "rows of risks")}
}

const (
	// shownChanges is how many properties of a resource stand in the table; the diff has all.
	shownChanges = 3
	// shownNames is how many resources of one type are named in one row.
	shownNames = 6
)

// changes is the table of what changes. What is created or deleted is told by type, the rest one by one.
func (s studied) changes(d detail) []block {
	blocks := []block{}
	if len(s.steps) == 0 {
		nothing := span{"Nothing changes.", good}
		if s.Preview.Failed() {
			nothing = span{"Until it failed, nothing was planned that would change.", alarm}
		} else if s.Preview.Drift {
			nothing.text = "Everything is as the stack left it."
		}
		blocks = append(blocks, paragraph{say(nothing)})
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
		blocks = append(blocks, heading{4, say("Changes")}, t.cut(d.rows), leftOut(t, d.rows, "row of changes", "rows of changes"))
	}
	if s.own > 0 {
		blocks = append(blocks, paragraph{say(fmt.Sprintf("Pulumi counts %d more: components, providers and the stack, in which nothing runs.", s.own))})
	}
	return blocks
}

// listed are names, or the first of them and how many more there are.
func listed(names []string) line {
	l := values(names[:min(len(names), shownNames)])
	if more := len(names) - shownNames; more > 0 {
		l = append(l, say(fmt.Sprintf(" and %d more", more))...)
	}
	return l
}

// row is a change, or what is created or deleted of a type.
func row(steps []preview.Step, whole bool) []line {
	first := steps[0]
	what := say(verb(first))
	if first.Op == preview.OpReplace || first.Op == preview.OpDelete {
		what[0].style = alarm
	}
	if whole {
		var all []string
		for _, s := range steps {
			all = append(all, s.Name)
		}
		return []line{what, say(fmt.Sprintf("%d × ", len(steps)), value(short(first.Type))), listed(all)}
	}
	changes := slices.Clone(first.Changes)
	slices.SortStableFunc(changes, func(a, b preview.Change) int {
		if a.Forces == b.Forces {
			return 0
		} else if a.Forces {
			return -1
		}
		return 1
	})
	var l line
	for i, c := range changes[:min(len(changes), shownChanges)] {
		if i > 0 {
			l = append(l, span{text: "; "})
		}
		if c.Forces {
			l = append(l, span{"forced by", alarm}, span{text: " "})
		}
		before, after := differing(c.Old, c.New)
		l = append(l, say(value(c.Path), ": ", value(before), " → ", value(after))...)
	}
	if more := len(changes) - shownChanges; more > 0 {
		l = append(l, span{text: fmt.Sprintf("; and %d more", more)})
	}
	if len(changes) == 0 {
		l = say("the engine names no property")
	}
	return []line{what, say(value(short(first.Type) + " " + first.Name)), l}
}

// cut leaves so many rows.
func (t table) cut(rows int) block {
	if rows >= 0 && len(t.rows) > rows {
		t.rows = t.rows[:rows]
	}
	if len(t.rows) == 0 {
		return nothing{}
	}
	return t
}

// leftOut says how many rows were cut off, and where they are.
func leftOut(t table, rows int, one, many string) block {
	if more := len(t.rows) - rows; rows >= 0 && more > 0 {
		return paragraph{say(span{count(more, one, many) + " left out here.", alarm})}
	}
	return nothing{}
}

// uncertain is how the engine warns that it plans resources of a provider whose inputs nobody knows yet, such as the objects
// of a cluster that is to be made anew (sdk v3.230.0, resource/plugin/provider_plugin.go).
const uncertain = "may not correctly represent the changes"

// ambient is the engine's warning that a plugin was found on PATH, which says how it was installed here and nothing of the
// change (sdk v3.230.0, common/workspace/plugins.go).
var ambient = regexp.MustCompile(`^using pulumi-\S+ from \$PATH at `)

// warnings are what the engine and the program warn of, each with the resources that it is about.
func (s studied) warnings(d detail) (blocks []block) {
	var texts []string
	names := map[string][]string{}
	for _, w := range s.Preview.Warnings {
		if ambient.MatchString(w.Text) {
			continue
		}
		if !slices.Contains(texts, w.Text) {
			texts = append(texts, w.Text)
		}
		if w.URN != "" && !slices.Contains(names[w.Text], named(w.URN)) {
			names[w.Text] = append(names[w.Text], named(w.URN))
		}
	}
	slices.Sort(texts) // as they are told of, two reports of the same change would differ
	for i, text := range texts {
		about := slices.Sorted(slices.Values(names[text]))
		if strings.Contains(text, uncertain) {
			blocks = append(blocks, paragraph{say(span{"What is planned of " + count(len(about), "resource", "resources") + " may be wrong", alarm}, ": their provider is known only after up: ", listed(about))})
		}
		if len(about) > 0 {
			texts[i] = strings.Join(about, ", ") + ": " + text
		}
	}
	if len(texts) > 0 {
		blocks = append(blocks, fold{say(count(len(texts), "warning", "warnings")), []block{message(strings.Join(texts, "\n"), d)}})
	}
	return blocks
}

// diff is all that changes, folded.
func (s studied) diff(d detail, o Options) []block {
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
	where := o.Whole
	if where == "" {
		where = fmt.Sprintf("make report STACK=%s DIFF=1", s.Name)
	}
	size := count(len(s.steps), "resource", "resources")
	if !d.diffs {
		return []block{paragraph{say(span{"The full diff is left out here", alarm}, fmt.Sprintf(", for want of room: %s. It is to be had elsewhere: ", size), place(where))}}
	}
	body := []block{listing{"diff", strings.TrimSuffix(b.String(), "\n")}}
	if !d.values && whole > 0 {
		body = append([]block{paragraph{say(span{"Left out here", alarm}, ", for want of room: the properties of ", count(whole, "resource that is", "resources that are"), " created or deleted whole. They are to be had elsewhere: ", place(where))}}, body...)
	}
	return []block{fold{say("Full diff: " + size), body}}
}
