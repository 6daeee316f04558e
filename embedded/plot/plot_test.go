package plot

import "testing"

func TestAPanelHasAtMostFourLinesAtRoundValues(t *testing.T) {
	for most, want := range map[float64]float64{1: 1, 4: 1, 8: 2, 9: 5, 23: 10, 800: 200, 801: 500} {
		if got := tick(most); got != want {
			t.Errorf("up to %g: a line each %g, want %g", most, got, want)
		}
	}
}
