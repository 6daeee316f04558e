package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tfserving/preview"
	"tfserving/report"
)

// operations are the operations that can be reported, each with the pulumi command that plans it.
var operations = map[string][]string{
	"up":      {"preview"},
	"destroy": {"destroy", "--preview-only"},
	"refresh": {"refresh", "--preview-only"},
}

const (
	// failureLines is how many lines of a failed command's output are kept. Errors come last.
	failureLines = 40
	// recordFolder holds the record of each stack's latest plan.
	recordFolder = "report"
)

func (s *pulumiStack) recordFile() string { return filepath.Join(s.dir, recordFolder, s.name+".jsonl") }

// removeRecord removes the record of the stack's latest plan.
func (s *pulumiStack) removeRecord() error {
	if err := os.Remove(s.recordFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the record of a preview: %w", err)
	}
	_ = os.Remove(filepath.Dir(s.recordFile())) // succeeds if the folder is empty
	return nil
}

// report plans an operation, keeps the engine's record of it in .local/report/<stack>.jsonl, and prints what the operation
// would change. If the operation cannot be planned, the report says why: a pull request shows it like any other report.
// Standard output has the report only.
func (s *pulumiStack) report(ctx context.Context, args []string) error {
	var out report.Output
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set FORMAT, OUT, OF and DIFF of the Makefile, not these flags
	out.Flags(flags)
	of := flags.String("of", "up", "up, destroy or refresh")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := out.Check(); err != nil {
		return err
	}
	plan, known := operations[*of]
	if !known {
		return fmt.Errorf("OF=%s is nothing to report on: use up, destroy or refresh", *of)
	}
	// If this plan fails early, no older record must remain.
	if err := s.removeRecord(); err != nil {
		return err
	}
	record := s.recordFile()
	if err := os.MkdirAll(filepath.Dir(record), 0o755); err != nil {
		return fmt.Errorf("making the folder for records of previews: %w", err)
	}
	fmt.Fprintf(os.Stderr, "planning %s of stack %s; the record of it will be %s\n", *of, s.name, filepath.Join(workFolder, recordFolder, filepath.Base(record)))
	notPlanned := s.settingsErr
	if notPlanned == nil {
		notPlanned = s.buildTools(ctx)
	}
	if notPlanned == nil {
		notPlanned = s.preparePreview(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	begin := time.Now()
	if notPlanned != nil {
		// The report is published in a comment, so it must not show paths of this machine.
		if err := writeFailure(record, strings.ReplaceAll(notPlanned.Error(), s.root+string(filepath.Separator), "")); err != nil {
			return errors.Join(notPlanned, err)
		}
	} else if err := s.record(ctx, record, plan); err != nil {
		return err
	}
	planned := time.Now()
	p, err := preview.ReadFile(record)
	if err != nil {
		return err
	}
	all := []report.Environment{{Name: s.name, Preview: p}}
	if err := out.Write(all, planned); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\nplanned in %.3f s, reported in %.3f s\n", planned.Sub(begin).Seconds(), time.Since(planned).Seconds())
	return report.Verdict(all)
}

// record runs pulumi and writes its engine's event log to a file. A plan that fails is recorded, too: if no event says why,
// pulumi's output is appended to the events.
func (s *pulumiStack) record(ctx context.Context, file string, command []string) error {
	args := append(command, "--stack", s.name, "--non-interactive", "--color", "never", "--event-log", file)
	cmd := s.command(ctx, "pulumi", args...)
	cmd.Env = append(cmd.Env, "PULUMI_DEBUG_COMMANDS=true") // without it there is no --event-log
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	p, readErr := preview.ReadFile(file)
	if readErr == nil && (p.Failed() || len(p.Mandatory()) > 0) {
		return nil
	}
	if readErr != nil {
		_ = os.Remove(file) // it is empty or cut off
	}
	return writeFailure(file, fmt.Sprintf("pulumi %s: %v\n%s", strings.Join(command, " "), err, lastLines(string(output))))
}

// lastLines are the last failureLines lines of a command's output.
func lastLines(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-failureLines):], "\n")
}

// writeFailure appends the reason why there is no plan to a record.
func writeFailure(file, text string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("recording why there is no plan: %w", err)
	}
	return errors.Join(preview.WriteFailure(f, text), f.Close())
}
