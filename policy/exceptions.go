package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"tfserving/config"
)

// Exception is an exception of the settings.
type Exception struct {
	config.PolicyException
	Ended bool // it excuses nothing any more
}

// Exceptions are those of a stack's settings, with whether they have ended by now: one holds through its last day, in UTC.
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

// covers says whether the exception is for a rule and a resource.
func (e Exception) covers(rule, name string) bool {
	matches, err := path.Match(e.Resource, name)
	return e.Rule == rule && err == nil && matches
}

// excuse lowers a violation for which there is an exception in force, and names one that has ended.
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

// idle are the exceptions that excuse nothing: whoever reads the settings must not think that they are needed. Where the
// rule cannot be told yet, its exception may be.
func (s *Stack) idle(resources []Resource) (all []Violation) {
	for _, e := range Exceptions(s.Settings, s.Now) {
		rule, known := Find(e.Rule)
		if !known || s.needs(rule, e, resources) {
			continue
		}
		all = append(all, Violation{Rule: rule, Level: Advisory,
			Text: fmt.Sprintf("the exception from this rule for %s, until %s, excuses nothing: remove it from tfserving:policy.exceptions", e.Resource, e.Until)})
	}
	return all
}

// needs says whether something that the exception covers breaks the rule.
func (s *Stack) needs(rule Rule, e Exception, resources []Resource) bool {
	if rule.stack != nil {
		f := &findings{}
		rule.stack(s, resources, f)
		return e.covers(rule.Name, s.Name) && len(*f) > 0
	}
	return slices.ContainsFunc(resources, func(r Resource) bool {
		return e.covers(rule.Name, r.Name) && len(s.findings(rule, r)) > 0
	})
}
