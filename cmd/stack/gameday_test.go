package main

import (
	"os"
	"strings"
	"testing"

	"tfserving/config"
)

// settingsStack is stack local in a checkout of its own, with a file of settings.
func settingsStack(t *testing.T, settings string) *pulumiStack {
	t.Helper()
	s := stackIn(t.TempDir(), localStack)
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAGameDayAfterAKilledOneBeginsWithTheSettingsFromBeforeIt(t *testing.T) {
	s := settingsStack(t, "before\n")
	if _, err := s.keepSettings(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(), []byte("a fault\n"), 0o644); err != nil { // and the game day is killed
		t.Fatal(err)
	}
	restore, err := s.keepSettings()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(s.file()); string(got) != "before\n" {
		t.Errorf("the next game day begins with settings %q", got)
	}
	if err := os.WriteFile(s.file(), []byte("another fault\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(s.file()); string(got) != "before\n" {
		t.Errorf("after a fault the settings are %q", got)
	}
	if err := s.dropKept(); err != nil {
		t.Error(err)
	}
}

func TestMonitorAndGamedayRefuseWhatTheyCannotDo(t *testing.T) {
	s := settingsStack(t, "")
	if err := s.monitor(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "make up STACK=local") {
		t.Errorf("monitor without a cluster: %v", err)
	}
	if err := s.gameday(t.Context(), []string{"-fault", "flood"}); err == nil || !strings.Contains(err.Error(), "FAULT=flood is no fault of this stack; there are no-image, no-room, ") {
		t.Errorf("an unknown fault: %v", err)
	}
	if err := s.gameday(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "make up STACK=local") {
		t.Errorf("gameday without a cluster: %v", err)
	}
	if _, err := os.Stat(s.keptSettings()); err == nil {
		t.Error("a refused game day leaves a copy of the settings")
	}
	s.settings.Local.Nodes = config.NodesReal
	if err := s.gameday(t.Context(), []string{"-fault", "no-room"}); err == nil || !strings.Contains(err.Error(), "there are no-image, model-killed, ") {
		t.Errorf("a fault of simulated nodes on real ones: %v", err)
	}
	s.settings.Local.Nodes = config.NodesNone
	if err := s.monitor(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "docs/monitoring.md") {
		t.Errorf("monitor of a stack without a cluster here: %v", err)
	}
	if err := s.gameday(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "use stack local") {
		t.Errorf("gameday of a stack without a cluster here: %v", err)
	}
}
