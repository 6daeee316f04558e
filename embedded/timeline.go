package embedded

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Sizes of the picture, in pixels.
const (
	pictureWidth = 760
	panelHeight  = 120
	panelGap     = 46
	marginLeft   = 56
	marginRight  = 150
	marginTop    = 34
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
	if len(samples) < 2 {
		return errors.New("a picture needs at least two samples")
	}
	end := samples[len(samples)-1].Seconds
	height := marginTop + len(panels)*(panelHeight+panelGap)
	x := func(seconds float64) float64 {
		return marginLeft + seconds/end*(pictureWidth-marginLeft-marginRight)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, height, pictureWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", pictureWidth, height)
	for i, p := range panels {
		drawPanel(&b, p, samples, float64(marginTop+i*(panelHeight+panelGap)), x)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// tick is the distance between a panel's horizontal lines: 1, 2 or 5 times a power of ten, so that a panel whose largest value
// is most has at most four lines above zero.
func tick(most float64) float64 {
	for power := 1.0; ; power *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if n*power*4 >= most {
				return n * power
			}
		}
	}
}

func drawPanel(b *strings.Builder, p panel, samples []Sample, top float64, x func(float64) float64) {
	most := 1.0
	for _, l := range p.lines {
		for _, s := range samples {
			most = math.Max(most, l.of(s))
		}
	}
	step := tick(most)
	most = math.Ceil(most/step) * step
	bottom, right := top+panelHeight, float64(pictureWidth-marginRight)
	y := func(v float64) float64 { return bottom - v/most*panelHeight }
	fmt.Fprintf(b, `<text x="%d" y="%.0f" font-weight="bold">%s</text>`+"\n", marginLeft, top-8, p.title)
	for v := 0.0; v <= most; v += step {
		fmt.Fprintf(b, `<line x1="%d" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n",
			marginLeft, right, y(v), y(v), marginLeft-8, y(v)+4, v)
	}
	const minute = 60
	for t := 0.0; t <= samples[len(samples)-1].Seconds; t += minute {
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#bbbbbb"/><text x="%.1f" y="%.1f" text-anchor="middle" fill="#666666">%.0f min</text>`+"\n",
			x(t), x(t), bottom, bottom+4, x(t), bottom+17, t/minute)
	}
	for i, l := range p.lines {
		var path strings.Builder
		for j, s := range samples {
			if j == 0 {
				fmt.Fprintf(&path, "M%.1f %.1f", x(s.Seconds), y(l.of(s)))
				continue
			}
			if l.of(s) == l.of(samples[j-1]) && j != len(samples)-1 {
				continue
			}
			fmt.Fprintf(&path, "H%.1fV%.1f", x(s.Seconds), y(l.of(s)))
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), l.colour)
		fmt.Fprintf(b, `<text x="%.0f" y="%.0f" fill="%s">%s</text>`+"\n", right+10, top+14+float64(i)*18, l.colour, l.name)
	}
}
