package config

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// exceptions checks every exception except its rule, which a tag checks.
func (c *checker) exceptions(all []PolicyException) {
	for i, e := range all {
		at := func(key string) string { return fmt.Sprintf("policy.exceptions[%d].%s", i, key) }
		if _, err := path.Match(e.Resource, ""); e.Resource == "" {
			c.failf(at("resource"), "is missing; give the name of the resource that may break the rule, as a preview shows it, or a pattern such as *")
		} else if err != nil {
			c.failf(at("resource"), "is %q, which is not a valid pattern: a [ needs a ]", e.Resource)
		}
		if strings.TrimSpace(e.Reason) == "" {
			c.failf(at("reason"), "is missing; say why the resource may break the rule: every preview shows it")
		} else if strings.ContainsAny(strings.TrimSpace(e.Reason), "\r\n") {
			c.failf(at("reason"), "has several lines; write one, as a preview shows one")
		}
		if _, err := e.LastDay(); e.Until == "" {
			c.failf(at("until"), "is missing; give the last day of the exception, such as \"2027-01-31\"")
		} else if err != nil {
			c.failf(at("until"), "is %q; it must be a calendar day as year-month-day in quotes, such as \"2027-01-31\"", e.Until)
		}
	}
}

// LastDay returns the start, in UTC, of the exception's last day. It fails if Until is not a calendar day.
func (e PolicyException) LastDay() (time.Time, error) { return time.Parse(time.DateOnly, e.Until) }
