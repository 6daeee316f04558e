package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"tfserving/config"
	"tfserving/resource"
)

// Exception is an exception in a stack's settings.
type Exception struct {
	config.PolicyException
	Ended bool // its last day is over
}

// Exceptions returns the exceptions of a stack's settings. An exception ends when its last day ends in UTC.
func Exceptions(settings *config.Settings, now time.Time) (all []Exception) {
	if settings == nil {
		return nil
	}
	for _, e := range settings.Policy.Exceptions {
		last, err := e.LastDay()
		all = append(all, Exception{e, err != nil || !now.Before(last.AddDate(0, 0, 1))})
	}
	return all
}

// covers says whether the exception applies to a rule and a resource.
func (e Exception) covers(rule, name string) bool {
	matches, err := path.Match(e.Resource, name)
	return e.Rule == rule && err == nil && matches
}

// excuse makes a violation advisory if an exception covers it. If the exception has ended, the text says so.
func (s *Stack) excuse(v *Violation, name string) {
	ended := ""
	for _, e := range Exceptions(s.Settings, s.Now) {
		switch {
		case !e.covers(v.Rule.Name, name):
		case e.Ended:
			ended = e.Until
		default:
			v.Level, v.Text = Advisory, fmt.Sprintf("excepted until %s (%s): %s", e.Until, strings.TrimSpace(e.Reason), v.Text)
			return
		}
	}
	if ended != "" {
		v.Text += fmt.Sprintf("; the exception from this rule ended on %s", ended)
	}
}

// unneeded reports the exceptions that cover no violation and no warning, so that someone removes them.
func (s *Stack) unneeded(resources []resource.Resource) (all []Violation) {
	for _, e := range Exceptions(s.Settings, s.Now) {
		rule, known := Find(e.Rule)
		if !known || s.needs(rule, e, resources) {
			continue
		}
		all = append(all, Violation{Rule: rule, Level: Advisory,
			Text: fmt.Sprintf("the exception from this rule for %s, until %s, is not needed: remove it from tfserving:policy.exceptions", e.Resource, e.Until)})
	}
	return all
}

// needs says whether something that the exception covers breaks the rule or may break it.
func (s *Stack) needs(rule Rule, e Exception, resources []resource.Resource) bool {
	if rule.stack != nil {
		f := &findings{}
		rule.stack(s, resources, f)
		return e.covers(rule.Name, s.Name) && len(*f) > 0
	}
	return slices.ContainsFunc(resources, func(r resource.Resource) bool {
		return e.covers(rule.Name, r.Name) && len(s.findings(rule, r)) > 0
	})
}
