// Package plot draws values over time as a picture in SVG format.
package plot

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
	nameGap      = 10 // between a panel and the names of its lines
	// letterWidth is the most that a letter of a line's name takes on average.
	letterWidth = 7
)

// Line is a value over time, at the times of the picture. It keeps its value until the next time.
type Line struct {
	Name, Colour string
	Values       []float64
}

// Panel is a part of the picture, with an axis of its own.
type Panel struct {
	Title string
	Lines []Line
}

// Draw writes a picture of panels, one below the other, over the same times in seconds.
func Draw(w io.Writer, seconds []float64, panels []Panel) error {
	if len(seconds) < 2 {
		return errors.New("a picture needs at least two samples")
	}
	end := seconds[len(seconds)-1]
	width, height := pictureWidth, marginTop+len(panels)*(panelHeight+panelGap)
	for _, p := range panels {
		for _, l := range p.Lines { // long names need a wider margin
			width = max(width, pictureWidth-marginRight+nameGap+letterWidth*len(l.Name))
		}
	}
	x := func(seconds float64) float64 {
		return marginLeft + seconds/end*(pictureWidth-marginLeft-marginRight)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for i, p := range panels {
		drawPanel(&b, p, seconds, float64(marginTop+i*(panelHeight+panelGap)), x)
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

func drawPanel(b *strings.Builder, p Panel, seconds []float64, top float64, x func(float64) float64) {
	most := 1.0
	for _, l := range p.Lines {
		for _, v := range l.Values {
			most = math.Max(most, v)
		}
	}
	step := tick(most)
	most = math.Ceil(most/step) * step
	bottom, right := top+panelHeight, float64(pictureWidth-marginRight)
	y := func(v float64) float64 { return bottom - v/most*panelHeight }
	fmt.Fprintf(b, `<text x="%d" y="%.0f" font-weight="bold">%s</text>`+"\n", marginLeft, top-8, p.Title)
	for v := 0.0; v <= most; v += step {
		fmt.Fprintf(b, `<line x1="%d" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n",
			marginLeft, right, y(v), y(v), marginLeft-8, y(v)+4, v)
	}
	const minute = 60
	for t := 0.0; t <= seconds[len(seconds)-1]; t += minute {
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="#bbbbbb"/><text x="%.1f" y="%.1f" text-anchor="middle" fill="#666666">%.0f min</text>`+"\n",
			x(t), x(t), bottom, bottom+4, x(t), bottom+17, t/minute)
	}
	for i, l := range p.Lines {
		var path strings.Builder
		for j, v := range l.Values {
			if j == 0 {
				fmt.Fprintf(&path, "M%.1f %.1f", x(seconds[j]), y(v))
				continue
			}
			if v == l.Values[j-1] && j != len(l.Values)-1 {
				continue
			}
			fmt.Fprintf(&path, "H%.1fV%.1f", x(seconds[j]), y(v))
		}
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), l.Colour)
		fmt.Fprintf(b, `<text x="%.0f" y="%.0f" fill="%s">%s</text>`+"\n", right+nameGap, top+14+float64(i)*18, l.Colour, l.Name)
	}
}
