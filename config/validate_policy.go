package config

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// exceptions checks what every exception must say; which rules there are is in the setting's tag.
func (c *checker) exceptions(all []PolicyException) {
	for i, e := range all {
		at := func(key string) string { return fmt.Sprintf("policy.exceptions[%d].%s", i, key) }
		if _, err := path.Match(e.Resource, ""); e.Resource == "" {
			c.failf(at("resource"), "is missing; name the resource that may break the rule, as a preview shows it, or give a pattern such as *")
		} else if err != nil {
			c.failf(at("resource"), "is %q, which is no pattern: a [ needs its ]", e.Resource)
		}
		if strings.TrimSpace(e.Reason) == "" {
			c.failf(at("reason"), "is missing; say why the rule may be broken: every preview shows it")
		} else if strings.ContainsAny(strings.TrimSpace(e.Reason), "\r\n") {
			c.failf(at("reason"), "has several lines; a preview shows one")
		}
		if _, err := e.LastDay(); e.Until == "" {
			c.failf(at("until"), "is missing; an exception ends: give its last day, such as \"2027-01-31\"")
		} else if err != nil {
			c.failf(at("until"), "is %q; it must be a day of the calendar as year-month-day in quotes, such as \"2027-01-31\"", e.Until)
		}
	}
}

// LastDay is the beginning, in UTC, of the last day on which the exception holds.
func (e PolicyException) LastDay() (time.Time, error) { return time.Parse(time.DateOnly, e.Until) }
