// Package policy holds the rules that every stack keeps, whatever its settings say, and the exceptions from them. A rule is
// a pure function of what a resource is asked to be; policy/pack brings the rules to Pulumi's engine, which runs them in
// every preview and up. docs/policies.md lists them.
package policy

import (
	"fmt"
	"slices"
	"time"

	"tfserving/config"
	"tfserving/cost"
)

// Level is what a violation does, in the engine's words.
type Level string

const (
	// Mandatory refuses the preview or the up.
	Mandatory Level = "mandatory"
	// Advisory is shown and refuses nothing.
	Advisory Level = "advisory"
)

// Resource is a resource as the engine is about to make it.
type Resource struct {
	URN  string
	Type string // Pulumi's token, such as aws:ec2/launchTemplate:LaunchTemplate
	Name string
	// Inputs are as JSON decodes them. Unknown stands for a value that only an update tells, Secret for one that is
	// encrypted.
	Inputs map[string]any
	// Protect says whether Pulumi refuses to delete it.
	Protect bool
	// Provider are the inputs of the resource's provider; nil where it has none.
	Provider map[string]any
}

const (
	// Unknown is what the engine writes for a value that is not known before an update.
	Unknown = cost.Unknown
	// Secret stands for a secret, of which no rule sees anything.
	Secret = cost.Secret
)

// Stack is what the rules know of the stack that a resource is in.
type Stack struct {
	Name     string
	Settings *config.Settings // its exceptions and its budget
	Now      time.Time        // decides which exceptions have ended
}

// Rule is something that every stack keeps.
type Rule struct {
	Name   string // as exceptions name it
	What   string // what holds
	Reason string // why
	Fix    string // what to do where it is broken
	Level  Level
	// resource checks one resource; stack checks all of them together. A rule has one of the two.
	resource func(*Stack, Resource, *findings)
	stack    func(*Stack, []Resource, *findings)
}

// WholeStack says whether the rule is about all of a stack's resources together.
func (r Rule) WholeStack() bool { return r.stack != nil }

// Find returns a rule by its name.
func Find(name string) (Rule, bool) {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return Rules[i], true
}

// Violation is a rule that a resource breaks, or may break, or breaks by an exception.
type Violation struct {
	Rule  Rule
	URN   string // of the resource; empty for the whole stack
	Level Level
	Text  string // what is wrong, in one line
}

// Message is the text with the rule's reason and fix, a line each; the first line is the text alone.
func (v Violation) Message() string {
	return fmt.Sprintf("%s\nwhy: %s\nfix: %s", v.Text, v.Rule.Reason, v.Rule.Fix)
}

// Check returns what a resource breaks.
func (s *Stack) Check(r Resource) (all []Violation) {
	for _, rule := range Rules {
		if rule.resource != nil {
			all = append(all, s.judge(rule, r.URN, r.Name, s.findings(rule, r))...)
		}
	}
	return all
}

// CheckAll returns what a stack's resources break together, and the exceptions that excuse nothing.
func (s *Stack) CheckAll(resources []Resource) (all []Violation) {
	for _, rule := range Rules {
		if rule.stack != nil {
			f := &findings{}
			rule.stack(s, resources, f)
			all = append(all, s.judge(rule, "", s.Name, *f)...)
		}
	}
	return append(all, s.idle(resources)...)
}

func (s *Stack) findings(rule Rule, r Resource) findings {
	f := &findings{}
	rule.resource(s, r, f)
	return *f
}

// judge makes violations of what a rule found about a resource, by the exceptions that there are for it.
func (s *Stack) judge(rule Rule, urn, name string, found findings) (all []Violation) {
	for _, f := range found {
		v := Violation{Rule: rule, URN: urn, Level: rule.Level, Text: f.text}
		if f.unknown {
			v.Level = Advisory
		} else {
			s.excuse(&v, name)
		}
		all = append(all, v)
	}
	return all
}
