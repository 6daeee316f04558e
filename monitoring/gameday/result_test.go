package gameday

import (
	"testing"

	"tfserving/internal/page"
)

// The file has the results of all game days. The page shows the last one of each fault.
func TestTheDocsShowTheRecordedGameDays(t *testing.T) {
	recorded, err := ReadResults("../../docs/gameday.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var shown []Result
	for _, stack := range []struct {
		name  string
		nodes Nodes
	}{{"local", SimulatedNodes}, {"real", RealNodes}} {
		faults, err := Select("", stack.nodes)
		if err != nil {
			t.Fatal(err)
		}
		if stack.nodes == SimulatedNodes { // on real nodes a half hour without a page is not recorded yet
			faults = append(faults, quiet[stack.nodes])
		}
		for _, f := range faults {
			var last Result
			for _, r := range recorded {
				if r.Stack == stack.name && r.Fault == f.Name && r.Says == f.Says && r.Alert == f.Alert {
					last = r
				}
			}
			switch {
			case last.Fault == "":
				t.Errorf("docs/gameday.jsonl has no result of fault %s as it is now: `make gameday STACK=%s FAULT=%[1]s RECORD=docs/gameday.jsonl` adds it", f.Name, stack.name)
			case last.Page > pageTimeout.Seconds() || last.Quiet < f.Quiet.Seconds():
				t.Errorf("fault %s on stack %s paged after %.0f s, or was quiet for %.0f s", f.Name, stack.name, last.Page, last.Quiet)
			}
			shown = append(shown, last)
		}
	}
	page.Keep(t, "../../docs/monitoring.md", "go test ./monitoring/gameday -run Docs -update", map[string]string{"gameday": Table(shown)})
}
