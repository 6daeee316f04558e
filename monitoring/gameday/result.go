package gameday

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Result is what a fault led to. Its alert was the only one that fired. A file of results has one a line, in JSON.
type Result struct {
	Day   time.Time `json:"day"` // when its game day began, in UTC
	Stack string    `json:"stack"`
	Fault string    `json:"fault"`
	Says  string    `json:"says"`
	Alert string    `json:"alert,omitempty"`
	Page  float64   `json:"page,omitempty"`  // seconds from the fault to its page
	Clear float64   `json:"clear,omitempty"` // seconds from the first command of the runbook to the message that the alert has ended
	Quiet float64   `json:"quiet,omitempty"` // without a fault: seconds in which no alert fired
}

// Append adds a result to a file of results.
func (r Result) Append(name string) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("recording the result: %w", err)
	}
	defer file.Close()
	if _, err := file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("recording the result: %w", err)
	}
	return nil
}

// ReadResults returns the results of a file.
func ReadResults(name string) (all []Result, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the results: %w", err)
	}
	for line := range bytes.Lines(data) {
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("reading the results of %s, line %d: %w", name, len(all)+1, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// Table returns results as a table in Markdown.
func Table(results []Result) string {
	var b strings.Builder
	b.WriteString("| stack | fault | | page | after | ended after | game day |\n|---|---|---|---|---:|---:|---|\n")
	for _, r := range results {
		day := r.Day.Format("2 January, 15:04")
		if r.Quiet > 0 {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | none in %.0f min | | | %s |\n", r.Stack, r.Fault, r.Says, r.Quiet/60, day)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s` | %.0f s | %.0f s | %s |\n", r.Stack, r.Fault, r.Says, r.Alert, r.Page, r.Clear, day)
	}
	return b.String()
}
