package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"tfserving/catalog"
	"tfserving/resource"
)

// finding is one violation, or one warning, of a rule.
type finding struct {
	text    string
	warning bool // whether the rule is broken is not known, or not before the update
}

type findings []finding

// brokenf adds a violation.
func (f *findings) brokenf(format string, args ...any) {
	*f = append(*f, finding{text: fmt.Sprintf(format, args...)})
}

// warnf adds a warning.
func (f *findings) warnf(format string, args ...any) {
	*f = append(*f, finding{fmt.Sprintf(format, args...), true})
}

// unknown adds a warning about a value that is not known before the update.
func (f *findings) unknown(what string) { f.warnf("unknown until up: %s; it is checked then", what) }

// visible says whether a rule can read a value. An unknown value is a warning. A secret is a violation, because no rule can
// ever read it. what says what the value decides.
func (f *findings) visible(v any, what string) bool {
	switch v {
	case resource.Unknown:
		f.unknown(what)
		return false
	case resource.Secret:
		f.brokenf("%s: it is a secret, so this rule cannot check it; make it a plain value", what)
		return false
	}
	return true
}

// list returns the elements of a list. AWS also takes a single value for a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// text returns a string, or "" for any other value.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// isTrue says whether a value is true. Some AWS properties are the text "true".
func isTrue(v any) bool { return v == true || v == "true" }

// ranges adds a violation for each address range that counts as the whole internet. what says which ranges they are.
func (f *findings) ranges(what string, v any) {
	if !f.visible(v, what) {
		return
	}
	for _, item := range list(v) {
		if !f.visible(item, what) {
			continue
		}
		p, err := netip.ParsePrefix(strings.TrimSpace(text(item)))
		switch {
		case err != nil:
			f.brokenf("%s: %v is not an address range", what, item)
		case catalog.IsInternet(p):
			f.brokenf("%s: open to %s", what, p)
		}
	}
}
