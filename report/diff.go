package report

import (
	"fmt"
	"strings"

	"tfserving/preview"
	"tfserving/report/prose"
)

// verbs are the words for operations.
var verbs = map[preview.Op]string{
	preview.OpCreate: "create", preview.OpUpdate: "change", preview.OpReplace: "replace", preview.OpDelete: "delete",
	preview.OpImport: "import", preview.OpForget: "forget",
}

// verb is the word for a step. A change that a refresh found has another word than a planned one.
func verb(s preview.Step) string {
	if s.Drift {
		return map[preview.Op]string{preview.OpUpdate: "changed outside", preview.OpDelete: "gone", preview.OpCreate: "appeared"}[s.Op]
	}
	return verbs[s.Op]
}

// diffOf is a step as lines of a diff. The properties of a new or deleted resource are in it only if whole is set.
func diffOf(s preview.Step, whole bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "@@ %s %s %s @@\n", verb(s), s.Type, s.Name)
	switch {
	case s.Op == preview.OpUpdate || s.Op == preview.OpReplace:
		for _, c := range s.Changes {
			b.WriteString(diffOfChange(c))
		}
	case whole && s.New != nil:
		writeSigned(&b, "+", "", s.New.Inputs)
	case whole && s.Old != nil:
		writeSigned(&b, "-", "", s.Old.Inputs)
	}
	return b.String()
}

func diffOfChange(c preview.Change) string {
	var b strings.Builder
	note := ""
	if c.Forces {
		note = " (forces replacement)"
	}
	if c.Kind != preview.Added {
		writeSigned(&b, "-", c.Path+note, c.Old)
	}
	if c.Kind != preview.Removed {
		writeSigned(&b, "+", c.Path+note, c.New)
	}
	return b.String()
}

// writeSigned writes a value with a sign before every line.
func writeSigned(b *strings.Builder, sign, path string, v any) {
	all := prose.Lines(v)
	_, object := v.(map[string]any)
	switch {
	case path == "":
	case len(all) == 1 && !object:
		all[0] = path + ": " + all[0]
	default:
		fmt.Fprintf(b, "%s %s:\n", sign, path)
		sign += "  "
	}
	for _, l := range all {
		fmt.Fprintf(b, "%s %s\n", sign, l)
	}
}
