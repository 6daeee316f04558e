package machines

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnErrorIsLoggedOnceAndRemainsUntilTheTaskSucceeds(t *testing.T) {
	var log bytes.Buffer
	m := &Machines{cfg: Config{Log: &log}, failing: map[string]error{}}
	ctx := t.Context()
	m.report(ctx, "nodes", errors.New("api error X, RequestID: 11111111-1111-1111-1111-111111111111, no"))
	m.report(ctx, "nodes", errors.New("api error X, RequestID: 22222222-2222-2222-2222-222222222222, no"))
	if lines := strings.Count(log.String(), "\n"); lines != 1 {
		t.Errorf("the log has %d lines, want 1:\n%s", lines, log.String())
	}
	m.report(ctx, "autoscaler", errors.New("another"))
	if err := m.Err(); err == nil || !strings.Contains(err.Error(), "nodes: api error X") || !strings.Contains(err.Error(), "autoscaler: another") {
		t.Errorf("the current errors are %v", err)
	}
	m.report(ctx, "nodes", nil)
	m.forget("autoscaler")
	if err := m.Err(); err != nil {
		t.Errorf("errors that are left: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	m.report(ended, "nodes", context.Canceled)
	if err := m.Err(); err != nil {
		t.Errorf("the end of the machines is an error: %v", err)
	}
}

func TestTheLastErrorOfALogIsFound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte("I0101 fine\nE0101 12:00 no\nF0102 12:01 no groups\ngoroutine 1 [running]:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := lastLoggedError(file); got != "F0102 12:01 no groups" {
		t.Errorf("got %q", got)
	}
}
