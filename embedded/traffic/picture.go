package traffic

import (
	"io"
	"maps"
	"slices"
	"time"

	"tfserving/embedded/plot"
)

// colours of the pods' lines. With more pods than colours, they repeat.
var colours = []string{"#2f7ebc", "#ffa600", "#2a9d4a", "#ef5675", "#7a5195", "#17becf", "#8c564b", "#999999"}

// Draw writes a picture of a run in SVG format: in each second of it, the requests sent, answered and failed, how fast the
// answers were, and which pods answered.
func (r *Report) Draw(w io.Writer) error {
	var length time.Duration
	for _, a := range r.Answers {
		length = max(length, a.Sent)
	}
	seconds := make([]float64, int(length.Seconds())+1)
	perSecond := make([][]Answer, len(seconds)) // by the time at which they were sent
	for i := range seconds {
		seconds[i] = float64(i)
	}
	for _, a := range r.Answers {
		perSecond[int(a.Sent.Seconds())] = append(perSecond[int(a.Sent.Seconds())], a)
	}
	line := func(name, colour string, of func([]Answer) float64) plot.Line {
		l := plot.Line{Name: name, Colour: colour}
		for _, answers := range perSecond {
			l.Values = append(l.Values, of(answers))
		}
		return l
	}
	count := func(chosen func(Answer) bool) func([]Answer) float64 {
		return func(answers []Answer) (n float64) {
			for _, a := range answers {
				if chosen(a) {
					n++
				}
			}
			return n
		}
	}
	latency := func(share float64) func([]Answer) float64 {
		return func(answers []Answer) float64 { return float64(quantile(answers, share).Milliseconds()) }
	}
	byPod := func(title string, pods map[string]int, of func(Answer) string) plot.Panel {
		p := plot.Panel{Title: title}
		for i, pod := range slices.Sorted(maps.Keys(pods)) {
			p.Lines = append(p.Lines, line(lastPart(pod), colours[i%len(colours)], count(func(a Answer) bool { return of(a) == pod })))
		}
		return p
	}
	panels := []plot.Panel{
		{Title: "requests a second", Lines: []plot.Line{
			line("answered", "#2a9d4a", count(func(a Answer) bool { return a.Failure == "" })),
			line("failed", "#c0392b", count(func(a Answer) bool { return a.Failure != "" }))}},
		{Title: "time to the answer (ms)", Lines: []plot.Line{
			line("half", "#2f7ebc", latency(0.5)), line("95 %", "#ffa600", latency(0.95)), line("99 %", "#ef5675", latency(0.99))}},
	}
	if pods := r.ByGatewayPod(); len(pods) > 0 {
		panels = append(panels, byPod("answers a second by gateway pod", pods, func(a Answer) string { return a.GatewayPod }))
	}
	if pods := r.ByModelPod(); len(pods) > 0 {
		panels = append(panels, byPod("answers a second by model pod", pods, func(a Answer) string { return a.ModelPod }))
	}
	return plot.Draw(w, seconds, panels)
}

// lastPart returns the part of a pod's name that differs from pod to pod of a Deployment.
func lastPart(pod string) string {
	const letters = 16 // the hash of the pod's template, and the pod's own part
	return pod[max(0, len(pod)-letters):]
}
