package drill

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"tfserving/embedded"
)

// Drill is a trace that was replayed on two sets of settings.
type Drill struct {
	Trace        *Trace
	Own, Against *Run
}

// line is a line of a drill's file. The first line has the trace. Each other line has the name of a run and one more field.
type line struct {
	Trace    *Trace           `json:"trace,omitempty"`
	Run      string           `json:"run,omitempty"`
	Setup    *Setup           `json:"setup,omitempty"`
	Sample   *embedded.Sample `json:"sample,omitempty"`
	Eviction *Eviction        `json:"eviction,omitempty"`
	Figures  *Figures         `json:"figures,omitempty"`
}

// Seconds is how long the longer run lasted, in whole seconds with its last sample. All figures count for this time.
func (d *Drill) Seconds() int {
	end := d.Trace.seconds()
	for _, r := range []*Run{d.Own, d.Against} {
		end = max(end, int(math.Ceil(r.Samples[len(r.Samples)-1].Seconds))+1)
	}
	return end
}

// Runs are the two runs and the clairvoyant's, in the order of the tables.
func (d *Drill) Runs() []*Run {
	return []*Run{Clairvoyant(d.Own.Setup, d.Trace, d.Seconds()), d.Own, d.Against}
}

// Figures are those of Runs.
func (d *Drill) Figures() (all []Figures) {
	for _, r := range d.Runs() {
		all = append(all, r.Measure(d.Trace, d.Seconds()))
	}
	return all
}

// Write writes the drill as JSON lines.
func (d *Drill) Write(to io.Writer) error {
	lines := []line{{Trace: d.Trace}}
	for _, r := range []*Run{d.Own, d.Against} {
		name := r.Setup.Name
		lines = append(lines, line{Run: name, Setup: &r.Setup})
		for i := range r.Samples {
			lines = append(lines, line{Run: name, Sample: &r.Samples[i]})
		}
		for i := range r.Evictions {
			lines = append(lines, line{Run: name, Eviction: &r.Evictions[i]})
		}
	}
	runs, figures := d.Runs(), d.Figures()
	for i := range runs {
		lines = append(lines, line{Run: runs[i].Setup.Name, Figures: &figures[i]})
	}
	encoder := json.NewEncoder(to)
	for _, l := range lines {
		if err := encoder.Encode(l); err != nil {
			return fmt.Errorf("writing the drill: %w", err)
		}
	}
	return nil
}

// Read reads what Write wrote. It computes the figures anew.
func Read(from io.Reader) (*Drill, error) {
	d := &Drill{}
	var runs []*Run
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("reading a drill, line %d: %w", n, err)
		}
		switch {
		case l.Trace != nil:
			d.Trace = l.Trace
		case l.Setup != nil:
			runs = append(runs, &Run{Setup: *l.Setup})
		case len(runs) == 0:
			return nil, fmt.Errorf("reading a drill, line %d: a sample before the setup of its run", n)
		case l.Sample != nil:
			r := runs[len(runs)-1]
			r.Samples = append(r.Samples, *l.Sample)
		case l.Eviction != nil:
			r := runs[len(runs)-1]
			r.Evictions = append(r.Evictions, *l.Eviction)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading a drill: %w", err)
	}
	if d.Trace == nil || len(runs) != 2 || len(runs[0].Samples) == 0 || len(runs[1].Samples) == 0 {
		return nil, fmt.Errorf("reading a drill: it has %d runs; it must have a trace and two runs with samples", len(runs))
	}
	d.Own, d.Against = runs[0], runs[1]
	return d, nil
}
