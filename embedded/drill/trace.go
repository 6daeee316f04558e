// Package drill replays a trace of demand on a cluster with simulated nodes, and measures how well its autoscalers follow.
package drill

import (
	"bytes"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxTrace bounds a trace. The watch of evictions ends after half an hour at the earliest (the API server's
	// --min-request-timeout), and a trace with its way back stays below that.
	maxTrace = 15 * time.Minute
	// maxCores is the largest demand, as of `make load`.
	maxCores = 1000
)

//go:embed traces/*.csv
var builtIn embed.FS

// Point is the demand at one moment.
type Point struct {
	Seconds float64 `json:"seconds"` // since the beginning of the trace
	Cores   float64 `json:"cores"`
}

// Trace is a demand over time. Between two points the demand is on the straight line from one to the other. Two points of the
// same second are a step. After the last point there is no demand.
type Trace struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Names lists the traces that need no file.
func Names() (names []string) {
	files, _ := builtIn.ReadDir("traces")
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	return names
}

// Find returns the trace of one of Names, or of a file in their format: CSV with the columns seconds and cores. Its error names
// the line and what is wrong with it.
func Find(name string) (*Trace, error) {
	if slices.Contains(Names(), name) {
		data, err := builtIn.ReadFile("traces/" + name + ".csv")
		if err != nil {
			return nil, err
		}
		return parse(name, bytes.NewReader(data))
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no trace %q: give %s, or a CSV file with the columns seconds and cores", name, strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the trace: %w", err)
	}
	defer f.Close()
	return parse(name, f)
}

func parse(name string, from io.Reader) (*Trace, error) {
	t := &Trace{Name: strings.TrimSuffix(path.Base(name), path.Ext(name))}
	lines := csv.NewReader(from)
	lines.Comment, lines.FieldsPerRecord, lines.TrimLeadingSpace = '#', -1, true
	for header := true; ; header = false {
		fields, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading trace %s: %w", name, err)
		}
		line, _ := lines.FieldPos(0)
		if header {
			if !slices.Equal(fields, []string{"seconds", "cores"}) {
				return nil, fmt.Errorf("trace %s, line %d: its first line must be seconds,cores", name, line)
			}
			continue
		}
		if err := t.add(fields); err != nil {
			return nil, fmt.Errorf("trace %s, line %d: %w", name, line, err)
		}
	}
	if _, cores := t.Peak(); cores == 0 || t.Length() == 0 {
		return nil, fmt.Errorf("trace %s has no demand that lasts: it needs two points in different seconds, and one with more than 0 cores", name)
	}
	return t, nil
}

// add appends a point, if it can follow those before.
func (t *Trace) add(fields []string) error {
	if len(fields) != 2 {
		return fmt.Errorf("%q has %d columns; give two, seconds and cores", strings.Join(fields, ","), len(fields))
	}
	var numbers [2]float64
	for i, most := range []float64{maxTrace.Seconds(), maxCores} {
		n, err := strconv.ParseFloat(strings.TrimSpace(fields[i]), 64)
		if err != nil || !(n >= 0 && n <= most) {
			return fmt.Errorf("%q must be a number of %s from 0 to %g", fields[i], []string{"seconds", "cores"}[i], most)
		}
		numbers[i] = n
	}
	p, n := Point{numbers[0], numbers[1]}, len(t.Points)
	switch {
	case n == 0 && p.Seconds != 0:
		return fmt.Errorf("the first point is at %g s; it must be at 0", p.Seconds)
	case n > 0 && p.Seconds < t.Points[n-1].Seconds:
		return fmt.Errorf("%g s comes after %g s; the seconds must not decrease", p.Seconds, t.Points[n-1].Seconds)
	case n > 1 && p.Seconds == t.Points[n-2].Seconds:
		return fmt.Errorf("%g s is there three times; a step needs two points", p.Seconds)
	}
	t.Points = append(t.Points, p)
	return nil
}

// At returns the demand in cores. Of the two points of a step, the second counts.
func (t *Trace) At(seconds float64) float64 {
	next := slices.IndexFunc(t.Points, func(p Point) bool { return p.Seconds > seconds })
	if next <= 0 {
		return 0
	}
	a, b := t.Points[next-1], t.Points[next]
	return a.Cores + (b.Cores-a.Cores)*(seconds-a.Seconds)/(b.Seconds-a.Seconds)
}

// Length is the time of the last point.
func (t *Trace) Length() time.Duration {
	if len(t.Points) == 0 {
		return 0
	}
	return time.Duration(t.Points[len(t.Points)-1].Seconds * float64(time.Second))
}

// Peak returns the largest demand, and when the trace first reaches it.
func (t *Trace) Peak() (seconds, cores float64) {
	for _, p := range t.Points {
		if p.Cores > cores {
			seconds, cores = p.Seconds, p.Cores
		}
	}
	return seconds, cores
}

// seconds is the length in whole seconds, rounded up: figures are sums over seconds.
func (t *Trace) seconds() int { return int(math.Ceil(t.Length().Seconds())) }
