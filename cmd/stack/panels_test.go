package main

import (
	"slices"
	"testing"

	"tfserving/embedded"
)

func TestALineOfThePictureHasAValueForEachStepAndItsName(t *testing.T) {
	series := embedded.Series{Labels: map[string]string{"code": "200"}, Points: []embedded.Point{{Seconds: 104, Value: 1}, {Seconds: 110, Value: 2}}}
	if got := values(series, 100, 2, 5); !slices.Equal(got, []float64{0, 0, 1, 0, 0}) {
		t.Errorf("the values are %v", got)
	}
	for pattern, want := range map[string]string{"status {{code}}": "status 200", "{{severity}} {{alertname}}": "none"} {
		if got := legend(pattern, series.Labels); got != want {
			t.Errorf("the name of %q is %q, want %q", pattern, got, want)
		}
	}
}
