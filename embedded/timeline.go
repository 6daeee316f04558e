package embedded

import (
	"io"
	"math"

	"tfserving/embedded/plot"
)

// line is a value over time.
type line struct {
	name, colour string
	of           func(Sample) float64
}

type panel struct {
	title string
	lines []line
}

var panels = []panel{
	{"demand (cores)", []line{{"demand", "#7a5195", func(s Sample) float64 { return float64(s.MilliCPU) / 1000 }}}},
	{"CPU use (% of request)", []line{
		{"autoscaler's reading", "#ef5675", func(s Sample) float64 { return math.Max(0, float64(s.CPU)) }},
		{"target", "#999999", func(s Sample) float64 { return float64(s.Target) }}}},
	{"pods", []line{
		{"wanted", "#ffa600", func(s Sample) float64 { return float64(s.Wanted) }},
		{"running", "#2f7ebc", func(s Sample) float64 { return float64(s.Running) }},
		{"without a node", "#c0392b", func(s Sample) float64 { return float64(s.Pending) }}}},
	{"nodes", []line{
		{"ready", "#2a9d4a", func(s Sample) float64 { return float64(s.Nodes) }},
		{"booting", "#999999", func(s Sample) float64 { return float64(s.Booting) }}}},
}

// Draw writes an SVG picture of a recorded run: demand, CPU use, pods and nodes over the same time.
func Draw(w io.Writer, samples []Sample) error {
	var seconds []float64
	for _, s := range samples {
		seconds = append(seconds, s.Seconds)
	}
	var drawn []plot.Panel
	for _, p := range panels {
		d := plot.Panel{Title: p.title}
		for _, l := range p.lines {
			values := plot.Line{Name: l.name, Colour: l.colour}
			for _, s := range samples {
				values.Values = append(values.Values, l.of(s))
			}
			d.Lines = append(d.Lines, values)
		}
		drawn = append(drawn, d)
	}
	return plot.Draw(w, seconds, drawn)
}
