package eks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tfserving/rehearsal/emulator"
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

// style makes the picture readable on a light and on a dark page.
const style = `<style>
.page{fill:#ffffff}.text{fill:#24292f}.faint{fill:#57606a}.grid{stroke:#d0d7de}.mark{stroke:#cf222e}.markText{fill:#cf222e}
.aws{fill:#bf6a02}.own{fill:#2f7ebc}
@media (prefers-color-scheme: dark){.page{fill:#0d1117}.text{fill:#e6edf3}.faint{fill:#9198a1}.grid{stroke:#30363d}.mark{stroke:#ff7b72}.markText{fill:#ff7b72}.aws{fill:#e3a04f}.own{fill:#58a6ff}}
</style>
`

// stretch is a time in which something is under way.
type stretch struct{ begin, end float64 }

// union joins stretches that touch.
func union(all []stretch) (joined []stretch) {
	slices.SortFunc(all, func(a, b stretch) int {
		if a.begin < b.begin {
			return -1
		}
		return 1
	})
	for _, s := range all {
		if n := len(joined); n > 0 && s.begin <= joined[n-1].end {
			joined[n-1].end = max(joined[n-1].end, s.end)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// draw is the recording as an SVG picture: first what AWS forces, then a row for each lane.
func (l *timeline) draw() string {
	rows := len(lanes) + 1
	bottom := marginTop + rows*rowHeight
	height := bottom + marginBottom
	x := func(seconds float64) float64 { return marginLeft + seconds/l.End*(pictureWidth-marginLeft-marginRight) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth, height)
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d"/>`+"\n", pictureWidth, height)
	fmt.Fprintf(&b, `<text class="text" x="12" y="24" font-weight="bold">The first make up of stack dev: %s, of which AWS forces %s</text>`+"\n", minutes(l.End), minutes(l.Forced))
	for t := 0.0; t <= l.End; t += l.tick() {
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1[1]f" y1="%[2]d" y2="%[3]d"/><text class="faint" x="%.1[1]f" y="%[4]d" text-anchor="middle">%[5]s</text>`+"\n", x(t), marginTop, bottom, bottom+16, minutes(t))
	}
	bar := func(row int, class string, s stretch) {
		top := marginTop + row*rowHeight + (rowHeight-barHeight)/2
		const least = 2 // what takes no time is seen all the same
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", class, x(s.begin), top, max(least, x(s.end)-x(s.begin)), barHeight)
	}
	label := func(row int, name string) {
		fmt.Fprintf(&b, `<text class="text" x="%d" y="%d" text-anchor="end">%s</text>`+"\n", marginLeft-10, marginTop+row*rowHeight+rowHeight/2+4, name)
	}
	label(0, "what AWS forces")
	at := 0.0
	for _, step := range l.chain() {
		bar(0, "aws", stretch{at, at + step - l.End/pictureWidth}) // a gap of a pixel between steps
		at += step
	}
	for i, lane := range lanes {
		label(i+1, lane)
		own, aws := l.stretches(lane)
		for _, s := range own {
			bar(i+1, "own", s)
		}
		for _, s := range aws {
			bar(i+1, "aws", s)
		}
	}
	fmt.Fprintf(&b, `<line class="mark" x1="%.1f" x2="%.1[1]f" y1="%[2]d" y2="%[3]d" stroke-dasharray="3 3"/>`+"\n", x(l.Forced), marginTop, bottom)
	l.legend(&b, bottom+44)
	b.WriteString("</svg>\n")
	return b.String()
}

func (l *timeline) legend(b *strings.Builder, y int) {
	fmt.Fprintf(b, `<rect class="aws" x="12" y="%d" width="12" height="12"/><text class="text" x="30" y="%d">AWS at work</text>`, y-10, y)
	fmt.Fprintf(b, `<rect class="own" x="124" y="%d" width="12" height="12"/><text class="text" x="142" y="%d">engine, plugins, pods</text>`, y-10, y)
	fmt.Fprintf(b, `<text class="markText" x="290" y="%d">dashed: the end of what AWS forces</text>`, y)
	pace := "at AWS's usual times (emulated), min:s"
	if l.Pace != 1 {
		pace = fmt.Sprintf("AWS's usual times × %g (emulated); the blue is as it was", l.Pace)
	}
	fmt.Fprintf(b, `<text class="faint" x="%d" y="24" text-anchor="end">%s</text>`+"\n", pictureWidth-marginRight, pace)
}

// stretches are when a lane's resources were under way, and how much of that AWS took.
func (l *timeline) stretches(lane string) (own, aws []stretch) {
	if lane == previewLane {
		return []stretch{{0, l.Update}}, nil
	}
	for _, m := range l.resources {
		if m.Lane != lane {
			continue
		}
		own = append(own, stretch{m.Begin, m.End})
		if m.AWS > 0 {
			aws = append(aws, stretch{m.Begin, min(m.End, m.Begin+m.AWS)})
		}
	}
	return union(own), union(aws)
}

// chain are the steps that AWS forces, in seconds.
func (l *timeline) chain() (steps []float64) {
	t := awsTimes(l.Pace)
	for _, step := range []emulator.Times{{Cluster: t.Cluster}, {NodeGroup: t.NodeGroup}, {Addon: t.Addon}} {
		steps = append(steps, forced(step).Seconds())
	}
	return steps
}

// tick is how far apart the picture's times are: at most a dozen of them.
func (l *timeline) tick() float64 {
	const most = 12
	for _, seconds := range []float64{10, 30, 60, 120, 300} {
		if l.End/seconds <= most {
			return seconds
		}
	}
	return 600
}

func minutes(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
