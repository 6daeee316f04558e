package drill

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tfserving/embedded"
	"tfserving/internal/page"
)

// recorded has the drills of each trace in docs/drills, in order.
func recorded(t *testing.T, trace string) (drills []*Drill) {
	t.Helper()
	files, err := filepath.Glob("../../docs/drills/" + trace + "*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Read(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if d.Trace.Name != trace {
			t.Errorf("%s is a drill of trace %s", file, d.Trace.Name)
		}
		drills = append(drills, d)
	}
	if len(drills) == 0 {
		t.Fatalf("there is no drill of trace %s in docs/drills", trace)
	}
	return drills
}

// medians returns the median of each figure, for the runs of a drill. A moment that did not come is later than any other.
func medians(drills []*Drill) (all [3]Figures) {
	for run := range all {
		var figures []reflect.Value
		for _, d := range drills {
			figures = append(figures, reflect.ValueOf(d.Figures()[run]))
		}
		median := reflect.ValueOf(&all[run]).Elem()
		for i := range median.NumField() {
			slices.SortFunc(figures, func(a, b reflect.Value) int { return cmp.Compare(order(a.Field(i)), order(b.Field(i))) })
			median.Field(i).Set(figures[len(figures)/2].Field(i))
		}
	}
	return all
}

func order(v reflect.Value) float64 {
	n := 0.0
	if v.CanFloat() {
		n = v.Float()
	} else {
		n = float64(v.Int())
	}
	if n == never {
		return math.Inf(1)
	}
	return n
}

// table is the figures of a trace's drills as a Markdown table.
func table(drills []*Drill) string {
	var out strings.Builder
	d := drills[0]
	out.WriteString("|")
	for _, r := range d.Runs() {
		out.WriteString(" | " + r.Setup.Name)
	}
	out.WriteString(" |\n|---|---:|---:|---:|\n")
	figures := medians(drills)
	for _, row := range d.Rows() {
		out.WriteString("| " + row.Name)
		for i, r := range d.Runs() {
			out.WriteString(" | " + row.Cell(r, figures[i]))
		}
		out.WriteString(" |\n")
	}
	return out.String()
}

// bound is a bound that the project sets itself: a figure of the stack's run in relation to another run's.
type bound struct {
	what string
	most float64
	// of returns the ratio. It is the largest possible one if atMost is true, because the other run ended before the moment came.
	of func(best, own, stock Figures, lasts float64) (ratio float64, atMost bool)
}

var bounds = map[string][]bound{
	"spike": {
		{"all pods ready, by the clairvoyant's", 1.2, func(best, own, _ Figures, _ float64) (float64, bool) { return later(own.Ready) / best.Ready, false }},
		{"all pods ready, by stock's", 0.6, func(_, own, stock Figures, lasts float64) (float64, bool) {
			if stock.Ready == never {
				return later(own.Ready) / lasts, true
			}
			return later(own.Ready) / stock.Ready, false
		}},
		{"demand that found no ready pod, by stock's", 0.5, func(_, own, stock Figures, _ float64) (float64, bool) { return own.Unserved / stock.Unserved, false }},
		{"node-hours until the end of the trace, by the clairvoyant's", 1.2, func(best, own, _ Figures, _ float64) (float64, bool) {
			return own.TraceNodeHours / best.TraceNodeHours, false
		}},
		{"node-hours with the way back, by the clairvoyant's", 1.2, func(best, own, _ Figures, _ float64) (float64, bool) { return own.NodeHours / best.NodeHours, false }},
		{"extra nodes that are not returned within scale-down's own delays", 0.05, func(_, own, _ Figures, _ float64) (float64, bool) { return 1 - own.Returned, false }},
	},
	"wave": belowStock,
	"day":  belowStock,
}

var belowStock = []bound{
	{"demand that found no ready pod, by stock's", 1, func(_, own, stock Figures, _ float64) (float64, bool) { return own.Unserved / stock.Unserved, false }},
	{"USD for a core-hour that found a ready pod, by stock's", 1, func(_, own, stock Figures, _ float64) (float64, bool) { return own.Served / stock.Served, false }},
	{"USD, by stock's", 1, func(_, own, stock Figures, _ float64) (float64, bool) { return own.USD / stock.USD, false }},
}

func later(seconds float64) float64 {
	if seconds == never {
		return math.Inf(1)
	}
	return seconds
}

// verdicts shows the bounds of a trace's drills, and whether the medians keep them.
func verdicts(trace string, drills []*Drill) string {
	var out strings.Builder
	figures := medians(drills)
	peakAt, _ := drills[0].Trace.Peak()
	for _, b := range bounds[trace] {
		ratio, atMost := b.of(figures[0], figures[1], figures[2], drills[0].Trace.Length().Seconds()-peakAt)
		verdict, is := "kept", fmt.Sprintf("%.2f", ratio)
		switch {
		case ratio > b.most && atMost:
			verdict = "not shown: the other was not ready within the trace"
		case ratio > b.most:
			verdict = "**missed**"
		}
		switch {
		case math.IsInf(ratio, 1):
			is = "not within the trace"
		case atMost:
			is = "below " + is
		}
		fmt.Fprintf(&out, "| %s | %s | %g | %s | %s |\n", trace, b.what, b.most, is, verdict)
	}
	return out.String()
}

func TestTheDocsShowTheRecordedDrills(t *testing.T) {
	const command = "go test ./embedded/drill -run Docs -update"
	parts := map[string]string{"bounds": "| trace | ratio | at most | is | |\n|---|---|---:|---:|---|\n"}
	for _, trace := range []string{"spike", "wave", "day"} {
		drills := recorded(t, trace)
		parts[trace] = table(drills)
		parts["bounds"] += verdicts(trace, drills)
		var picture strings.Builder
		if err := drills[0].Draw(&picture); err != nil {
			t.Fatal(err)
		}
		page.Whole(t, "../../docs/drills/"+trace+".svg", command, picture.String())
	}
	page.Keep(t, "../../docs/drill.md", command, parts)
}

func TestTheMedianOfAMomentThatDidNotComeIsLate(t *testing.T) {
	var drills []*Drill
	for _, at := range []float64{3, 7, 30} { // the last one after the end of the trace
		run := &Run{Setup: small}
		run.Samples = []embedded.Sample{{Running: 2, Nodes: 2}, {Seconds: at, Running: 6, Nodes: 2}}
		drills = append(drills, &Drill{Trace: step, Own: run, Against: run})
	}
	if got := medians(drills)[1]; got.Ready != 5 || got.PeakPods != 6 {
		t.Errorf("the medians are %+v, want 6 pods ready after 5 s", got)
	}
}
