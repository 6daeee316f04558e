package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
)

// driftLabel is on the issues of drifted stacks.
const driftLabel = "drift"

// maxEvent bounds one event of a record, in bytes: a resource with its old and its new state, user data and all.
const maxEvent = 64 << 20

// unchanged are what the engine counts of a refresh that is no drift.
var unchanged = []string{"same", "read", "refresh"}

// event is as much of an event of the engine's log as tells how the refresh ended. Its own types would bring a good part of
// Pulumi's library into a job that otherwise compiles in seconds.
type event struct {
	Summary    *struct{ ResourceChanges map[string]int } `json:"summaryEvent"`
	Diagnostic *struct{ Severity, Message string }       `json:"diagnosticEvent"`
}

// hasDrifted tells from the engine's event log of a refresh whether it would change the state. A log without an end is an
// error: of a refresh that failed nothing can be said.
func hasDrifted(file string) (bool, error) {
	log, err := os.Open(file)
	if err != nil {
		return false, fmt.Errorf("reading the record of the refresh: %w", err)
	}
	defer log.Close()
	ended, drifted := false, false
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return false, fmt.Errorf("reading the record of the refresh, %s: %w", file, err)
		}
		if e.Diagnostic != nil && e.Diagnostic.Severity == "error" {
			return false, fmt.Errorf("the refresh failed: %s", e.Diagnostic.Message)
		}
		if e.Summary == nil {
			continue
		}
		ended = true
		for op, count := range e.Summary.ResourceChanges {
			drifted = drifted || count > 0 && !slices.Contains(unchanged, op)
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("reading the record of the refresh, %s: %w", file, err)
	}
	if !ended {
		return false, fmt.Errorf("the record of the refresh, %s, has no end: what came to light before it is no answer", file)
	}
	return drifted, nil
}

// driftMarker is the first line of a stack's issue, which no reader sees. It is of one length however long the name is, and
// no longer than the report's own marker: a report of the greatest length still fits below it.
func driftMarker(stack string) string {
	return fmt.Sprintf("<!-- drift: %.4x -->", sha256.Sum256([]byte(stack)))
}

// drift keeps one open issue for a stack while it is drifted, and closes it once the stack is as it should be.
func (g *client) drift(ctx context.Context, stack string, drifted bool, body string) error {
	marker := driftMarker(stack) + "\n"
	old, err := g.find(ctx, "/issues?state=open&labels="+driftLabel, marker)
	if err != nil {
		return err
	}
	if !drifted {
		if old == nil {
			return nil
		}
		said := map[string]string{"body": "The stack is again as it was last brought up."}
		if err := g.call(ctx, http.MethodPost, fmt.Sprintf("/issues/%d/comments", old.Number), said, nil); err != nil {
			return err
		}
		return g.call(ctx, http.MethodPatch, fmt.Sprintf("/issues/%d", old.Number), map[string]string{"state": "closed", "state_reason": "completed"}, nil)
	}
	// The report's first line gives way to the stack's.
	body = marker + strings.TrimPrefix(body, reportMarker+"\n")
	if err := fits(body); err != nil {
		return err
	}
	if old != nil {
		return g.call(ctx, http.MethodPatch, fmt.Sprintf("/issues/%d", old.Number), map[string]string{"body": body}, nil)
	}
	return g.call(ctx, http.MethodPost, "/issues", map[string]any{
		"title": fmt.Sprintf("Stack %s has drifted", stack), "body": body, "labels": []string{driftLabel},
	}, nil)
}
