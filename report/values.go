package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"tfserving/preview"
	"tfserving/resource"
)

const (
	// unknownText stands for a value that nobody knows before the update.
	unknownText = "(known after up)"
	// absentText stands for no value.
	absentText = "(none)"
	// briefRunes is how much of a value stands in a sentence or a table; the full diff has the rest.
	briefRunes = 60
)

// get is a value by its keys; nil if there is none.
func get(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(map[string]any)
		if v = m[key]; v == resource.Unknown || v == resource.Secret {
			return v
		}
	}
	return v
}

// text is a string among a resource's inputs; empty if there is none.
func text(s *preview.State, keys ...string) string {
	if s == nil {
		return ""
	}
	found, _ := get(s.Inputs, keys...).(string)
	return found
}

// items are the elements of a list; none if it is no list.
func items(v any) []any {
	list, _ := v.([]any)
	return list
}

// shown is a value in one line.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return absentText
	case string:
		if v == resource.Unknown {
			return unknownText
		}
		return redacted(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any:
		var b bytes.Buffer
		out := json.NewEncoder(&b)
		out.SetEscapeHTML(false)
		if err := out.Encode(v); err != nil {
			return fmt.Sprint(v)
		}
		return redacted(strings.ReplaceAll(strings.TrimSpace(b.String()), `"`+resource.Unknown+`"`, unknownText))
	}
	return fmt.Sprint(v)
}

// brief is a value in a few words, and how much of it is left out.
func brief(v any) string { return cut(shown(v)) }

func cut(all string) string {
	if n := utf8.RuneCountInString(all); n > briefRunes {
		return fmt.Sprintf("%s… (%d characters more)", string([]rune(all)[:briefRunes]), n-briefRunes)
	}
	return all
}

// differing are two values in a few words. Of long ones that begin alike, what is alike is left out but for its end.
func differing(before, after any) (string, string) {
	a, b := []rune(shown(before)), []rune(shown(after))
	alike := 0
	for alike < min(len(a), len(b)) && a[alike] == b[alike] {
		alike++
	}
	if from := alike - briefRunes/2; from > 0 && max(len(a), len(b)) > briefRunes {
		return "…" + cut(string(a[from:])), "…" + cut(string(b[from:]))
	}
	return cut(string(a)), cut(string(b))
}

// lines are a value in as many lines as it has parts.
func lines(v any) []string {
	switch v := v.(type) {
	case map[string]any, []any:
		data, err := yaml.Marshal(v)
		if err != nil {
			return []string{shown(v)}
		}
		text := strings.ReplaceAll(strings.TrimSuffix(string(data), "\n"), resource.Unknown, unknownText)
		return strings.Split(redacted(text), "\n")
	case string:
		return strings.Split(shown(v), "\n")
	}
	return []string{shown(v)}
}

// credentials look like this, wherever they come from: identifiers of AWS access keys, private keys, signed tokens. The
// engine masks what is marked as a secret; this is for what nobody has marked.
var credentials = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+`)

func redacted(text string) string { return credentials.ReplaceAllString(text, resource.Secret) }

// values are several in one line.
func values(all []string) (l line) {
	for i, v := range all {
		if i > 0 {
			l = append(l, span{text: ", "})
		}
		l = append(l, value(v))
	}
	return l
}

// joined is a list in words.
func joined(all []string, last string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " " + last + " " + all[len(all)-1]
}

// count is a number of things in words.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
