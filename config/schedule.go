package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a machine without time zones must not refuse a setting

	"tfserving/catalog"
)

// weekdays are the names in schedule.days. Their places are those of time.Weekday and of a crontab.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// On returns whether the stack has off hours.
func (s *Schedule) On() bool { return s.From != "" || s.To != "" || s.TimeZone != "" }

// Start is when work begins, as a crontab writes it: minute, hour, and days as numbers. Validated settings have a start.
func (s *Schedule) Start() string { return s.crontab(s.From) }

// Stop is when work ends, as a crontab writes it.
func (s *Schedule) Stop() string { return s.crontab(s.To) }

func (s *Schedule) crontab(clock string) string {
	at, err := time.Parse(clockLayout, clock)
	days, daysErr := parseDays(s.Days)
	if err != nil || daysErr != nil {
		panic(fmt.Sprintf("a schedule that is not valid: %v %v", err, daysErr))
	}
	return fmt.Sprintf("%d %d * * %s", at.Minute(), at.Hour(), strings.Trim(strings.ReplaceAll(fmt.Sprint(days), " ", ","), "[]"))
}

// clockLayout is the form of schedule.from and schedule.to.
const clockLayout = "15:04"

// parseDays returns the weekdays of a text such as mon,wed-fri, sorted. A range may cross the end of the week: sat-mon.
func parseDays(text string) (all []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if from < 0 || to < 0 {
			return nil, fmt.Errorf("%q is no day and no range of days", part)
		}
		for day := from; ; day = (day + 1) % len(weekdays) {
			all = append(all, day)
			if day == to {
				break
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// OffHoursMin returns the fewest nodes of each group outside working hours: one of a group whose nodes take every pod, so that
// the cluster's own pods run, and none of the others.
func (s *Settings) OffHoursMin() map[string]int {
	least, keeper := map[string]int{}, false
	for _, g := range s.NodeGroups {
		least[g.Name] = 0
		if !keeper && len(g.Taints) == 0 && g.Min > 0 {
			least[g.Name], keeper = 1, true
		}
	}
	return least
}

func (c *checker) schedule(s *Settings) {
	work := &s.Schedule
	if _, err := parseDays(work.Days); err != nil {
		c.failf("schedule.days", "is %q: %v; give days, and ranges of days, such as mon-fri or mon,wed-fri", work.Days, err)
	}
	if !work.On() {
		return
	}
	var at []time.Time
	for _, clock := range []struct{ key, value string }{{"schedule.from", work.From}, {"schedule.to", work.To}} {
		t, err := time.Parse(clockLayout, clock.value)
		switch {
		case clock.value == "":
			c.failf(clock.key, "is missing; a schedule needs from, to and timeZone")
		case err != nil:
			c.failf(clock.key, "is %q; it must be a time from 00:00 to 23:59, in quotes, such as \"19:00\"", clock.value)
		default:
			at = append(at, t)
		}
	}
	if len(at) == 2 && !at[0].Before(at[1]) {
		c.failf("schedule.to", "is %s, which is not after from, %s; work must end on the day on which it begins", work.To, work.From)
	}
	switch _, err := time.LoadLocation(work.TimeZone); {
	case work.TimeZone == "":
		c.failf("schedule.timeZone", "is missing; a schedule needs from, to and timeZone")
	case err != nil || work.TimeZone == "Local":
		c.failf("schedule.timeZone", "is %q, which the IANA database does not have; give a name such as Europe/Berlin", work.TimeZone)
	}
	if work.Image == "" {
		c.failf("schedule.image", "is missing; give an image that runs kubectl, such as %s", catalog.KubectlImage)
	}
}
