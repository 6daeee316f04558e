package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"time"

	"tfserving/embedded"
	"tfserving/embedded/plot"
	"tfserving/monitoring"
)

// pictureSamples is how many values a line of the picture has: about one for each pixel.
const pictureSamples = 500

// colours are those of the lines of a panel, in turn.
var colours = []string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#7f7f7f"}

// drawPanels writes a picture of the dashboards' panels over a length of time that ends now, without the queries that have no data,
// and prints those.
func (s *pulumiStack) drawPanels(ctx context.Context, name string, length time.Duration) error {
	step := max(length/pictureSamples, time.Second)
	end := time.Now().Truncate(time.Second)
	begin := end.Add(-length)
	var seconds []float64
	for at := time.Duration(0); at <= length; at += step {
		seconds = append(seconds, at.Seconds())
	}
	var panels []plot.Panel
	for _, d := range monitoring.Dashboards {
		for _, p := range d.Panels {
			panel := plot.Panel{Title: p.Title}
			for _, q := range p.Queries {
				series, err := s.cluster().Range(ctx, q.Expr, begin, end, step)
				if err != nil {
					return err
				}
				if len(series) == 0 {
					fmt.Printf("  no data      %s: %s\n", p.Title, q.Expr)
				}
				for _, one := range series {
					panel.Lines = append(panel.Lines, plot.Line{
						Name: legend(q.Legend, one.Labels), Colour: colours[len(panel.Lines)%len(colours)],
						Values: values(one, float64(begin.Unix()), step.Seconds(), len(seconds)),
					})
				}
			}
			if len(panel.Lines) > 0 {
				panels = append(panels, panel)
			}
		}
	}
	var picture strings.Builder
	if err := plot.Draw(&picture, seconds, panels); err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(picture.String()), 0o644); err != nil {
		return fmt.Errorf("writing the picture: %w", err)
	}
	fmt.Printf("  picture      %s, the last %s\n", name, length)
	return nil
}

var label = regexp.MustCompile(`\{\{(\w+)\}\}`)

// legend is the name of a line: a pattern with the values of labels.
func legend(pattern string, labels map[string]string) string {
	name := label.ReplaceAllStringFunc(pattern, func(l string) string { return labels[strings.Trim(l, "{}")] })
	return cmp.Or(strings.TrimSpace(name), "none")
}

// values are those of a series at each step. Where it has none, they are 0.
func values(series embedded.Series, begin, step float64, count int) []float64 {
	all := make([]float64, count)
	for _, p := range series.Points {
		if i := int(math.Round((p.Seconds - begin) / step)); i >= 0 && i < count && !math.IsNaN(p.Value) {
			all[i] = p.Value
		}
	}
	return all
}
