// Package policy has the rules that every stack must satisfy, and the exceptions to them. A rule is a pure function of a
// resource's inputs. The command policy/pack runs the rules in every preview and up. docs/policies.md lists them.
package policy

import (
	"fmt"
	"slices"
	"time"

	"tfserving/config"
	"tfserving/resource"
)

// Level is what the engine does about a violation.
type Level string

const (
	// Mandatory makes the preview or the up fail.
	Mandatory Level = "mandatory"
	// Advisory is only shown.
	Advisory Level = "advisory"
)

// Stack is the stack whose resources are checked.
type Stack struct {
	Name     string
	Settings *config.Settings // nil means no exceptions and no budget
	Now      time.Time        // decides which exceptions have ended
}

// Rule is a condition that every stack must satisfy.
type Rule struct {
	Name   string // the name that exceptions use
	What   string // the condition
	Reason string // why it matters
	Fix    string // what to do if it is broken
	Level  Level
	// each checks one resource; stack checks all resources together. A rule has one of the two.
	each  func(*Stack, resource.Resource, *findings)
	stack func(*Stack, []resource.Resource, *findings)
	only  string // the type that each checks; empty if it looks at several
}

// WholeStack says whether the rule checks all of a stack's resources together.
func (r Rule) WholeStack() bool { return r.stack != nil }

// Find returns a rule by its name.
func Find(name string) (Rule, bool) {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return Rules[i], true
}

// Violation is a rule that a resource breaks, may break, or breaks with an exception.
type Violation struct {
	Rule  Rule
	URN   string // of the resource; empty for a rule of the whole stack
	Level Level
	Text  string // what is wrong, in one line
}

// Message is three lines: the text, the rule's reason and its fix.
func (v Violation) Message() string {
	return fmt.Sprintf("%s\nwhy: %s\nfix: %s", v.Text, v.Rule.Reason, v.Rule.Fix)
}

// Check returns the violations of one resource.
func (s *Stack) Check(r resource.Resource) (all []Violation) {
	for _, rule := range Rules {
		if rule.each != nil {
			all = append(all, s.violations(rule, r.URN, r.Name, s.findings(rule, r))...)
		}
	}
	return all
}

// CheckAll returns the violations of the rules for the whole stack, and the exceptions that are not needed.
func (s *Stack) CheckAll(resources []resource.Resource) (all []Violation) {
	for _, rule := range Rules {
		if rule.stack != nil {
			f := &findings{}
			rule.stack(s, resources, f)
			all = append(all, s.violations(rule, "", s.Name, *f)...)
		}
	}
	return append(all, s.unneeded(resources)...)
}

func (s *Stack) findings(rule Rule, r resource.Resource) findings {
	f := &findings{}
	if rule.only == "" || rule.only == r.Type {
		rule.each(s, r, f)
	}
	return *f
}

// violations turns the findings of a rule about a resource into violations, with the exceptions that cover them.
func (s *Stack) violations(rule Rule, urn, name string, found findings) (all []Violation) {
	for _, f := range found {
		v := Violation{Rule: rule, URN: urn, Level: rule.Level, Text: f.text}
		if f.warning {
			v.Level = Advisory
		} else {
			s.excuse(&v, name)
		}
		all = append(all, v)
	}
	return all
}
