package recordings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The picture's measures, in pixels.
const (
	pictureWidth = 860
	rowHeight    = 24
	barHeight    = 14
	marginLeft   = 180
	marginRight  = 24
	marginTop    = 48
	marginBottom = 60
)

// style has colours for a light and for a dark page.
const style = `<style>
.page{fill:#ffffff}.text{fill:#24292f}.faint{fill:#57606a}.grid{stroke:#d0d7de}.mark{stroke:#cf222e}.markText{fill:#cf222e}
.aws{fill:#bf6a02}.own{fill:#2f7ebc}
@media (prefers-color-scheme: dark){.page{fill:#0d1117}.text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}.mark{stroke:#ff7b72}.markText{fill:#ff7b72}.aws{fill:#e3a04f}.own{fill:#58a6ff}}
</style>
`

// interval is a time from begin to end, in seconds from the start of the command.
type interval struct{ begin, end float64 }

// union joins intervals that touch.
func union(all []interval) (joined []interval) {
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.begin, b.begin) })
	for _, s := range all {
		if n := len(joined); n > 0 && s.begin <= joined[n-1].end {
			joined[n-1].end = max(joined[n-1].end, s.end)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// picture draws the recording as SVG: the first row is the time that AWS forces, then each lane has a row.
func (r *Recording) picture() string {
	rows := len(lanes) + 1
	bottom := marginTop + rows*rowHeight
	height := bottom + marginBottom
	x := func(seconds float64) float64 { return marginLeft + seconds/r.End*(pictureWidth-marginLeft-marginRight) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, height)
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d"/>`+"\n", pictureWidth, height)
	fmt.Fprintf(&b, `<text class="text" x="12" y="24" font-weight="bold">The first make up of stack dev: %s, of which AWS forces %s</text>`+"\n", minutes(r.End), minutes(r.Forced))
	for t := 0.0; t <= r.End; t += r.tick() {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1[1]f" y1="%[2]d" y2="%[3]d"/><text class="faint" x="%.1[1]f" y="%[4]d" text-anchor="middle">%[5]s</text>`+"\n", x(t), marginTop, bottom, bottom+16, minutes(t))
	}
	bar := func(row int, class string, s interval) {
		top := marginTop + row*rowHeight + (rowHeight-barHeight)/2
		const least = 2 // pixels: a bar of no length stays visible
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", class, x(s.begin), top, max(least, x(s.end)-x(s.begin)), barHeight)
	}
	label := func(row int, name string) {
		fmt.Fprintf(&b, `<text class="text" x="%d" y="%d" text-anchor="end">%s</text>`+"\n", marginLeft-10, marginTop+row*rowHeight+rowHeight/2+4, name)
	}
	label(0, "what AWS forces")
	at := 0.0
	for _, step := range forcedSteps(AWSTimes(r.Pace)) {
		bar(0, "aws", interval{at, at + step.Seconds() - r.End/pictureWidth}) // a gap of a pixel between steps
		at += step.Seconds()
	}
	for i, lane := range lanes {
		label(i+1, lane)
		own, aws := r.intervals(lane)
		for _, s := range own {
			bar(i+1, "own", s)
		}
		for _, s := range aws {
			bar(i+1, "aws", s)
		}
	}
	fmt.Fprintf(&b, `<line class="mark" x1="%.1f" x2="%.1[1]f" y1="%[2]d" y2="%[3]d" stroke-dasharray="3 3"/>`+"\n", x(r.Forced), marginTop, bottom)
	r.legend(&b, bottom+44)
	b.WriteString("</svg>\n")
	return b.String()
}

func (r *Recording) legend(b *strings.Builder, y int) {
	fmt.Fprintf(b, `<rect class="aws" x="12" y="%d" width="12" height="12"/><text class="text" x="30" y="%d">AWS at work</text>`, y-10, y)
	fmt.Fprintf(b, `<rect class="own" x="124" y="%d" width="12" height="12"/><text class="text" x="142" y="%d">engine, plugins, pods</text>`, y-10, y)
	fmt.Fprintf(b, `<text class="markText" x="290" y="%d">dashed: the end of what AWS forces</text>`, y)
	pace := "at AWS's usual times (emulated), min:s"
	if r.Pace != 1 {
		pace = fmt.Sprintf("AWS's usual times × %g (emulated); the blue is as it was", r.Pace)
	}
	fmt.Fprintf(b, `<text class="faint" x="%d" y="24" text-anchor="end">%s</text>`+"\n", pictureWidth-marginRight, pace)
}

// intervals are the times in which the engine worked on a lane's resources, and AWS's own part of them.
func (r *Recording) intervals(lane string) (own, aws []interval) {
	if lane == previewLane {
		return []interval{{0, r.Update}}, nil
	}
	for _, m := range r.Resources {
		if m.Lane != lane {
			continue
		}
		own = append(own, interval{m.Begin, m.End})
		if m.AWS > 0 {
			aws = append(aws, interval{m.Begin, min(m.End, m.Begin+m.AWS)})
		}
	}
	return union(own), union(aws)
}

// tick is the distance between two times on the picture's axis, in seconds.
func (r *Recording) tick() float64 {
	const most = 12 // more labels would touch each other
	for _, seconds := range []float64{10, 30, 60, 120, 300} {
		if r.End/seconds <= most {
			return seconds
		}
	}
	return 600
}

func minutes(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
