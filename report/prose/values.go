package prose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"tfserving/resource"
)

const (
	// KnownAfterUp stands for a value that is not known before the update.
	KnownAfterUp = "(known after up)"
	// absent stands for a missing value.
	absent = "(none)"
	// briefRunes is the most characters of a value in a sentence or a table. The full diff has all of it.
	briefRunes = 60
)

// Shown writes a value in one line. Credentials in it are masked.
func Shown(v any) string {
	switch v := v.(type) {
	case nil:
		return absent
	case string:
		if v == resource.Unknown {
			return KnownAfterUp
		}
		return Redacted(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any:
		var b bytes.Buffer
		out := json.NewEncoder(&b)
		out.SetEscapeHTML(false)
		if err := out.Encode(v); err != nil {
			return fmt.Sprint(v)
		}
		return Redacted(strings.ReplaceAll(strings.TrimSpace(b.String()), `"`+resource.Unknown+`"`, KnownAfterUp))
	}
	return fmt.Sprint(v)
}

// Brief writes the beginning of a value, and how many characters follow.
func Brief(v any) string { return Cut(Shown(v)) }

// Cut returns the beginning of a text, and how many characters follow.
func Cut(all string) string {
	if n := utf8.RuneCountInString(all); n > briefRunes {
		return fmt.Sprintf("%s… (%d characters more)", string([]rune(all)[:briefRunes]), n-briefRunes)
	}
	return all
}

// Differing is Brief of two values. It leaves out most of a long common beginning.
func Differing(before, after any) (string, string) {
	a, b := []rune(Shown(before)), []rune(Shown(after))
	alike := 0
	for alike < min(len(a), len(b)) && a[alike] == b[alike] {
		alike++
	}
	if from := alike - briefRunes/2; from > 0 && max(len(a), len(b)) > briefRunes {
		return "…" + Cut(string(a[from:])), "…" + Cut(string(b[from:]))
	}
	return Cut(string(a)), Cut(string(b))
}

// Lines writes a value as YAML, one line a part.
func Lines(v any) []string {
	switch v := v.(type) {
	case map[string]any, []any:
		data, err := yaml.Marshal(v)
		if err != nil {
			return []string{Shown(v)}
		}
		text := strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), resource.Unknown, KnownAfterUp)
		return strings.Split(Redacted(text), "\n")
	case string:
		return strings.Split(Shown(v), "\n")
	}
	return []string{Shown(v)}
}

// credentials matches IDs of AWS access keys, private keys and signed tokens. The engine masks values that are marked as
// secret; this finds unmarked ones.
var credentials = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+`)

// Redacted masks credentials in a text.
func Redacted(text string) string { return credentials.ReplaceAllString(text, resource.Secret) }

// Values writes several values with commas.
func Values(all []string) (l Line) {
	for i, v := range all {
		if i > 0 {
			l = append(l, Span{Text: ", "})
		}
		l = append(l, Value(v))
	}
	return l
}

// Joined writes a list in words, such as "a, b and c" with the last word "and".
func Joined(all []string, last string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " " + last + " " + all[len(all)-1]
}

// Count writes a number of things, in the singular or the plural.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
