package drill

import (
	"fmt"
	"io"
	"strings"

	"tfserving/embedded/plot"
)

// String shows the figures as a table.
func (d *Drill) String() string {
	var out strings.Builder
	row := func(name string, cell func(*Run, Figures) string) {
		fmt.Fprintf(&out, "%-46s", name)
		for i, r := range d.Runs() {
			fmt.Fprintf(&out, " %14s", cell(r, d.Figures()[i]))
		}
		out.WriteString("\n")
	}
	row("", func(r *Run, _ Figures) string { return r.Setup.Name })
	for _, f := range d.Rows() {
		row(f.Name, f.Cell)
	}
	return out.String()
}

// Row is a row of the tables.
type Row struct {
	Name string
	Cell func(*Run, Figures) string
}

// Rows are the rows of the tables of figures.
func (d *Drill) Rows() []Row {
	peakAt, _ := d.Trace.Peak()
	within := func(seconds, most float64) string {
		if seconds == never {
			return fmt.Sprintf("> %.0f s", most)
		}
		return fmt.Sprintf("%.0f s", seconds)
	}
	lasts := d.Trace.Length().Seconds() - peakAt
	return []Row{
		{"pods that the peak needs", func(_ *Run, f Figures) string { return fmt.Sprint(f.PeakPods) }},
		{"half of them ready, after", func(_ *Run, f Figures) string { return within(f.Half, lasts) }},
		{"all of them ready, after", func(_ *Run, f Figures) string { return within(f.Ready, lasts) }},
		{"demand that found no ready pod", func(_ *Run, f Figures) string { return fmt.Sprintf("%.1f %%", f.Unserved*100) }},
		{"pod-hours", func(_ *Run, f Figures) string { return fmt.Sprintf("%.3f", f.PodHours) }},
		{"node-hours", func(_ *Run, f Figures) string { return fmt.Sprintf("%.3f", f.NodeHours) }},
		{"node-hours until the end of the trace", func(_ *Run, f Figures) string { return fmt.Sprintf("%.3f", f.TraceNodeHours) }},
		{"USD", func(_ *Run, f Figures) string { return fmt.Sprintf("%.4f", f.USD) }},
		{"USD for a core-hour that found a ready pod", func(_ *Run, f Figures) string { return fmt.Sprintf("%.3f", f.Served) }},
		{"changes of direction", func(_ *Run, f Figures) string { return fmt.Sprint(f.Reversals) }},
		{"extra nodes at most", func(_ *Run, f Figures) string { return fmt.Sprint(f.ExtraNodes) }},
		{"scale-down's own delays after the trace", func(_ *Run, f Figures) string { return fmt.Sprintf("%.0f s", f.OwnDelays) }},
		{"extra nodes returned within them", func(_ *Run, f Figures) string { return fmt.Sprintf("%.0f %%", f.Returned*100) }},
		{"the last one returned, after", func(r *Run, f Figures) string {
			return within(f.Back, float64(d.Seconds())-d.Trace.Length().Seconds())
		}},
		{"pods evicted", func(_ *Run, f Figures) string { return fmt.Sprint(f.Evictions) }},
		{"the youngest of them, at the age of", func(_ *Run, f Figures) string {
			if f.YoungestEvicted == never {
				return "-"
			}
			return fmt.Sprintf("%.0f s", f.YoungestEvicted)
		}},
	}
}

// colours of the runs in a picture, in the order of Runs.
var colours = []string{"#999999", "#2f7ebc", "#c0392b"}

// Draw writes an SVG picture of the runs over the same time: the demand, the pods and the nodes.
func (d *Drill) Draw(to io.Writer) error {
	runs := d.Runs()
	var seconds []float64
	demand := plot.Line{Name: "demand", Colour: "#7a5195"}
	pods, nodes := plot.Panel{Title: "ready pods"}, plot.Panel{Title: "nodes, also booting"}
	for i := range d.Seconds() {
		seconds = append(seconds, float64(i))
		demand.Values = append(demand.Values, d.Trace.At(float64(i)))
	}
	for i, r := range runs {
		running, asked := plot.Line{Name: r.Setup.Name, Colour: colours[i]}, plot.Line{Name: r.Setup.Name, Colour: colours[i]}
		for _, now := range seconds {
			s := r.Samples[last(r.Samples, now)]
			running.Values = append(running.Values, float64(s.Running))
			asked.Values = append(asked.Values, float64(s.Nodes+s.Booting))
		}
		pods.Lines, nodes.Lines = append(pods.Lines, running), append(nodes.Lines, asked)
	}
	return plot.Draw(to, seconds, []plot.Panel{{Title: "demand (cores)", Lines: []plot.Line{demand}}, pods, nodes})
}
