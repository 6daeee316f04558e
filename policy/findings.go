package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"tfserving/catalog"
)

// finding is one thing that a rule found about a resource.
type finding struct {
	text    string
	unknown bool // whether the rule is broken cannot be told, or not before an update; it is a warning
}

type findings []finding

// brokenf notes that the rule is broken.
func (f *findings) brokenf(format string, args ...any) {
	*f = append(*f, finding{text: fmt.Sprintf(format, args...)})
}

// unknownf notes that something that decides about the rule is not known yet.
func (f *findings) unknownf(format string, args ...any) {
	*f = append(*f, finding{"unknown until up: " + fmt.Sprintf(format, args...) + "; it is checked then", true})
}

// seen says whether a value can be looked at, and notes it where not. A secret never can, so a rule that needs it is broken.
func (f *findings) seen(v any, what string) bool {
	switch v {
	case Unknown:
		f.unknownf("%s", what)
		return false
	case Secret:
		f.brokenf("%s: it is a secret, so nobody can tell; nothing that this rule looks at needs to be one", what)
		return false
	}
	return true
}

// at is what lies at a path of keys and places of an input, nil where there is nothing. Of what is unknown or secret every
// part is, too.
func at(v any, path ...any) any {
	for _, step := range path {
		if v == Unknown || v == Secret {
			return v
		}
		switch key := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[key]
		case int:
			list, _ := v.([]any)
			if key >= len(list) {
				return nil
			}
			v = list[key]
		}
	}
	return v
}

// list are the elements of a list; a value by itself counts as a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// text is a text, or empty.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// isTrue says whether a value is true; some of AWS's are the text.
func isTrue(v any) bool { return v == true || v == "true" }

// ranges finds the address ranges that are the world's. what says whose ranges they are.
func (f *findings) ranges(what string, v any) {
	if !f.seen(v, what) {
		return
	}
	for _, item := range list(v) {
		if !f.seen(item, what) {
			continue
		}
		p, err := netip.ParsePrefix(strings.TrimSpace(text(item)))
		switch {
		case err != nil:
			f.brokenf("%s: %v is no address range", what, item)
		case catalog.IsInternet(p):
			f.brokenf("%s: open to %s", what, p)
		}
	}
}
