package cost

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tfserving/catalog"
	"tfserving/resource"
)

const hoursPerWeek = 7 * 24

// crontab is when working hours begin or end: minute, hour, and a list of days.
var crontab = regexp.MustCompile(`^(\d{1,2}) (\d{1,2}) \* \* ([0-6](?:,[0-6])*)$`)

// workingShare is the share of the week in which the application has pods: 1, unless CronJobs end and begin its working hours.
func (e *estimator) workingShare() (float64, error) {
	at := map[string]float64{} // hours since midnight
	days := 0
	for _, r := range e.resources {
		if r.Type != resource.CronJob {
			continue
		}
		name, _ := objectName(r)
		for _, end := range []string{catalog.ScheduleStart, catalog.ScheduleStop} {
			if name != catalog.Schedule+"-"+end {
				continue
			}
			text, err := resource.Text(r.Inputs, "spec", "schedule")
			if err != nil {
				return 0, err
			}
			found := crontab.FindStringSubmatch(text)
			if found == nil {
				return 0, fmt.Errorf("CronJob %s runs at %q, which is not understood here", name, text)
			}
			minute, _ := strconv.Atoi(found[1]) // digits
			hour, _ := strconv.Atoi(found[2])
			at[end], days = float64(hour)+float64(minute)/60, strings.Count(found[3], ",")+1
		}
	}
	switch len(at) {
	case 0:
		return 1, nil
	case 1:
		return 0, fmt.Errorf("of the CronJobs %s-%s and %[1]s-%s there is only one", catalog.Schedule, catalog.ScheduleStart, catalog.ScheduleStop)
	}
	return float64(days) * (at[catalog.ScheduleStop] - at[catalog.ScheduleStart]) / hoursPerWeek, nil
}

// offHours sets the number of nodes of each group outside working hours: what the pods that stay need, and at least the minimum of
// those hours.
func (e *estimator) offHours(groups []*groupPlan) error {
	pods, everyNode, err := e.pods(atRest)
	if err != nil {
		return err
	}
	var resting []*groupPlan
	for _, g := range groups {
		copied := *g
		copied.fewest = g.offFewest
		resting = append(resting, &copied)
	}
	number, _ := place(resting, pods, everyNode)
	for i, g := range groups {
		g.off = number[i]
	}
	return nil
}

// offMin is a group's minimum outside working hours: a scheduled action lowers it, or it stays.
func (e *estimator) offMin(group resource.Resource, fewest int) (int, error) {
	action, found := e.find(resource.ScalingSchedule, group.Name+"-"+catalog.ScheduleStop)
	if !found {
		return fewest, nil
	}
	least, _, err := resource.Number(action.Inputs, "minSize")
	return least, err
}

// weighted is a number of nodes averaged over working hours and the others.
func (g *groupPlan) weighted(working int) float64 {
	return float64(working)*g.share + float64(min(g.off, working))*(1-g.share)
}
