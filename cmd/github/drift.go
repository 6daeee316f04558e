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

const (
	// driftLabel is the label of the issues of drifted stacks.
	driftLabel = "drift"
	// maxEvent is the maximum size of an event of a record in bytes. An event has the old and the new state of a resource.
	maxEvent = 64 << 20
)

// unchanged are the operations in a refresh that are no drift.
var unchanged = []string{"same", "read", "refresh"}

// event has the parts of an engine event that show how a refresh ended. Pulumi's own types would make the job, which compiles in
// seconds, compile a large part of Pulumi's library.
type event struct {
	Summary    *struct{ ResourceChanges map[string]int } `json:"summaryEvent"`
	Diagnostic *struct{ Severity, Message string }       `json:"diagnosticEvent"`
}

// hasDrifted says whether a refresh would change the state, by the engine's event log of the refresh. A log of a refresh that
// failed or did not end is an error.
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
		return false, fmt.Errorf("the record of the refresh, %s, has no end, so it does not say whether the stack has drifted", file)
	}
	return drifted, nil
}

// driftMarker is the first line of a stack's issue. GitHub does not show it. It replaces the report's marker and is not longer,
// so that a report of maximum length still fits. A hash keeps it short for every name.
func driftMarker(stack string) string {
	return fmt.Sprintf("<!-- drift: %.4x -->", sha256.Sum256([]byte(stack)))
}

// drift opens or updates the issue of a drifted stack, and closes the issue of a stack that has not drifted.
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
		comment := map[string]string{"body": "The stack is again as it was last brought up."}
		if err := g.call(ctx, http.MethodPost, fmt.Sprintf("/issues/%d/comments", old.Number), comment, nil); err != nil {
			return err
		}
		return g.call(ctx, http.MethodPatch, fmt.Sprintf("/issues/%d", old.Number), map[string]string{"state": "closed", "state_reason": "completed"}, nil)
	}
	body = marker + strings.TrimPrefix(body, reportMarker+"\n")
	if err := checkLength(body); err != nil {
		return err
	}
	if old != nil {
		return g.call(ctx, http.MethodPatch, fmt.Sprintf("/issues/%d", old.Number), map[string]string{"body": body}, nil)
	}
	return g.call(ctx, http.MethodPost, "/issues", map[string]any{
		"title": fmt.Sprintf("Stack %s has drifted", stack), "body": body, "labels": []string{driftLabel},
	}, nil)
}
