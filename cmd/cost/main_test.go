package main

import (
	"io"
	"strings"
	"testing"
)

func TestDemandIsAShare(t *testing.T) {
	for text, want := range map[string]float64{"0": 0, "0.25": 0.25, "1": 1} {
		if got, err := parseDemand(text); err != nil || got != want {
			t.Errorf("DEMAND=%s is %g (%v)", text, got, err)
		}
	}
	for _, text := range []string{"abc", "2", "-1", "NaN", "50%", ""} {
		if err := run([]string{"-demand", text}, io.Discard); err == nil || !strings.HasPrefix(err.Error(), "DEMAND="+text+" is no share of the demand: give a number from 0 ") {
			t.Errorf("DEMAND=%s: %v", text, err)
		}
	}
}
