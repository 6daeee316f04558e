package config

import (
	"reflect"
	"testing"
)

func TestScheduleRules(t *testing.T) {
	work := func(changes ...change) []change {
		return append([]change{
			{"tfserving:schedule.from", "07:00"}, {"tfserving:schedule.to", "19:00"}, {"tfserving:schedule.timeZone", "Europe/Berlin"},
		}, changes...)
	}
	const clock = `; it must be a time from 00:00 to 23:59, in quotes, such as "19:00"`
	runRules(t, []rule{
		{"working hours", work(), ""},
		{"other days", work(change{"tfserving:schedule.days", "sat-mon,wed"}), ""},
		{"UTC", work(change{"tfserving:schedule.timeZone", "UTC"}), ""},
		{"no from", work(change{"tfserving:schedule.from", removed}), `tfserving:schedule.from is missing; a schedule needs from, to and timeZone`},
		{"no to", work(change{"tfserving:schedule.to", removed}), `tfserving:schedule.to is missing; a schedule needs from, to and timeZone`},
		{"no time zone", work(change{"tfserving:schedule.timeZone", removed}), `tfserving:schedule.timeZone is missing; a schedule needs from, to and timeZone`},
		{"an hour that no day has", work(change{"tfserving:schedule.to", "24:00"}), `tfserving:schedule.to is "24:00"` + clock},
		{"an hour of another clock", work(change{"tfserving:schedule.from", "7am"}), `tfserving:schedule.from is "7am"` + clock},
		{"a night", work(change{"tfserving:schedule.from", "20:00"}), `tfserving:schedule.to is 19:00, which is not after from, 20:00; work must end on the day on which it begins`},
		{"an empty day", work(change{"tfserving:schedule.to", "07:00"}), `tfserving:schedule.to is 07:00, which is not after from, 07:00; work must end on the day on which it begins`},
		{"no such time zone", work(change{"tfserving:schedule.timeZone", "Europe/Atlantis"}), `tfserving:schedule.timeZone is "Europe/Atlantis", which the IANA database does not have; give a name such as Europe/Berlin`},
		{"the time zone of this machine", work(change{"tfserving:schedule.timeZone", "Local"}), `tfserving:schedule.timeZone is "Local", which the IANA database does not have; give a name such as Europe/Berlin`},
		{"no such day", set("tfserving:schedule.days", "mon-fry"), `tfserving:schedule.days is "mon-fry": "mon-fry" is no day and no range of days; give days, and ranges of days, such as mon-fri or mon,wed-fri`},
		{"no days", set("tfserving:schedule.days", ""), `tfserving:schedule.days is "": "" is no day and no range of days; give days, and ranges of days, such as mon-fri or mon,wed-fri`},
		{"no image", work(change{"tfserving:schedule.image", ""}), `tfserving:schedule.image is missing; give an image that runs kubectl, such as registry.k8s.io/kubectl:v1.36.0`},
	})
}

func TestWorkingHoursAreWrittenAsACrontab(t *testing.T) {
	for days, want := range map[string]string{
		"mon-fri": "5 7 * * 1,2,3,4,5", "sat-mon, wed": "5 7 * * 0,1,3,6", "tue": "5 7 * * 2", "mon,mon-tue": "5 7 * * 1,2", "mon-sun": "5 7 * * 0,1,2,3,4,5,6",
	} {
		s := Schedule{Days: days, From: "07:05", To: "19:30"}
		if got := s.Start(); got != want {
			t.Errorf("%s begin at %q, want %q", days, got, want)
		}
	}
	if got := (&Schedule{Days: "fri", To: "19:30"}).Stop(); got != "30 19 * * 5" {
		t.Errorf("work ends at %q", got)
	}
}

func TestOutOfHoursOneNodeStays(t *testing.T) {
	taint := []Taint{{Key: "gpu", Effect: "NoSchedule"}}
	for name, c := range map[string]struct {
		groups []NodeGroup
		want   map[string]int
	}{
		"one group":                        {[]NodeGroup{{Name: "a", Min: 3}}, map[string]int{"a": 1}},
		"the first keeps one":              {[]NodeGroup{{Name: "a", Min: 2}, {Name: "b", Min: 2}}, map[string]int{"a": 1, "b": 0}},
		"not one that refuses system pods": {[]NodeGroup{{Name: "a", Min: 2, Taints: taint}, {Name: "b", Min: 1}}, map[string]int{"a": 0, "b": 1}},
		"not one that may be empty":        {[]NodeGroup{{Name: "a"}, {Name: "b", Min: 1}}, map[string]int{"a": 0, "b": 1}},
	} {
		if got := (&Settings{NodeGroups: c.groups}).OffHoursMin(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
