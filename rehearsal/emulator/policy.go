package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// This file evaluates the parts of IAM's policy language that this project uses ("Policy evaluation logic", IAM User Guide). A
// statement with another part never allows a call, and the refusal names that part.

// texts is a string or a list of strings.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one any
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	list, isList := one.([]any)
	if !isList {
		list = []any{one}
	}
	*t = nil
	for _, v := range list {
		switch v := v.(type) {
		case string:
			*t = append(*t, v)
		case bool, float64:
			*t = append(*t, fmt.Sprint(v))
		default:
			return fmt.Errorf("%s is neither text nor a list of texts", data)
		}
	}
	return nil
}

type statement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    map[string]map[string]texts
}

type statements []statement

func (s *statements) UnmarshalJSON(data []byte) error {
	decode := func(into any) error {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		return d.Decode(into)
	}
	if strings.HasPrefix(strings.TrimSpace(string(data)), "[") {
		var many []statement
		err := decode(&many)
		*s = many
		return err
	}
	var one statement
	err := decode(&one)
	*s = statements{one}
	return err
}

type policy struct {
	name       string
	Statements statements
}

func parsePolicy(name, text string) (*policy, error) {
	var document struct {
		Version, Id string
		Statement   statements
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&document); err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	for _, s := range document.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, fmt.Errorf("policy %s: a statement's effect is %q", name, s.Effect)
		}
	}
	return &policy{name: name, Statements: document.Statement}, nil
}

// question is an action on a resource that a caller needs permission for.
type question struct {
	action   string // service:Action
	resource string
	context  keyValues
}

// decision is the answer to a question.
type decision struct {
	allowed bool
	reason  string // of a refusal
	// narrow says that a statement for this action is limited to resources or has conditions.
	narrow bool
}

// decide evaluates a principal's policies. A call without an allowing statement is refused. A denying statement overrides
// allowing ones.
func decide(policies []*policy, q question) decision {
	var granted, narrow bool
	var undecided []string
	for _, p := range policies {
		for _, s := range p.Statements {
			if !s.matchesAction(q.action) {
				continue
			}
			narrow = narrow || s.isNarrow()
			applies, err := s.applies(q)
			where := fmt.Sprintf("policy %s, statement %q", p.name, s.Sid)
			switch {
			case err != nil && s.Effect == "Deny":
				return decision{reason: fmt.Sprintf("%s may deny it, and the emulator cannot decide: %v", where, err)}
			case err != nil:
				undecided = append(undecided, fmt.Sprintf("%s may allow it, and the emulator cannot decide: %v", where, err))
			case applies && s.Effect == "Deny":
				return decision{reason: where + " denies it"}
			case applies:
				granted = true
			}
		}
	}
	switch {
	case granted:
		return decision{allowed: true, narrow: narrow}
	case len(undecided) > 0:
		return decision{reason: strings.Join(undecided, "; ")}
	default:
		return decision{reason: "no identity-based policy allows it"}
	}
}

func (s *statement) matchesAction(action string) bool {
	if s.NotAction != nil {
		return !anyMatches(s.NotAction, action, true)
	}
	return anyMatches(s.Action, action, true)
}

func (s *statement) isNarrow() bool {
	return len(s.Condition) > 0 || s.NotResource != nil || len(s.Resource) != 1 || s.Resource[0] != "*"
}

// applies says whether the statement has the question's resource and its conditions hold.
func (s *statement) applies(q question) (bool, error) {
	for _, pattern := range append(append(texts{}, s.Resource...), s.NotResource...) {
		if strings.Contains(pattern, "${") {
			return false, fmt.Errorf("resource %q has a policy variable, which is not covered", pattern)
		}
	}
	switch {
	case s.NotResource != nil:
		if anyMatches(s.NotResource, q.resource, false) {
			return false, nil
		}
	case !anyMatches(s.Resource, q.resource, false):
		return false, nil
	}
	return q.context.hold(s.Condition)
}

func anyMatches(patterns texts, text string, foldCase bool) bool {
	if foldCase {
		text = strings.ToLower(text)
	}
	for _, pattern := range patterns {
		if foldCase {
			pattern = strings.ToLower(pattern)
		}
		if matches(pattern, text) {
			return true
		}
	}
	return false
}

// matches compares a text with a pattern, in which * matches any characters and ? one character.
func matches(pattern, text string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			rest := strings.TrimLeft(pattern, "*")
			if rest == "" {
				return true
			}
			for i := range len(text) + 1 {
				if matches(rest, text[i:]) {
					return true
				}
			}
			return false
		case text == "" || pattern[0] != '?' && pattern[0] != text[0]:
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}
