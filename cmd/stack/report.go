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

// operations are what a report can be of, and the pulumi command that plans it.
var operations = map[string][]string{
	"up":      {"preview"},
	"destroy": {"destroy", "--preview-only"},
	"refresh": {"refresh", "--preview-only"},
}

// failureLines is how much is kept of what a command says when it fails: its errors come last.
const failureLines = 40

// recordFolder holds the record of each stack's latest plan.
const recordFolder = "report"

func (s *stack) recordFile() string { return filepath.Join(s.dir, recordFolder, s.name+".jsonl") }

// forgetRecord removes what was planned for a stack that is gone, or is about to be planned anew.
func (s *stack) forgetRecord() error {
	if err := os.Remove(s.recordFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the record of a preview: %w", err)
	}
	_ = os.Remove(filepath.Dir(s.recordFile())) // it goes with the last record in it
	return nil
}

// report plans an operation, keeps the engine's record of it, and says what it would change. The record stays in
// .local/report/<stack>.jsonl. What is wrong with the stack, or keeps it from being planned, is a report like any other: it
// is what a failed pull request has to say. On the standard output is the report alone.
func (s *stack) report(ctx context.Context, args []string, wrong error) error {
	var out report.Output
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the Makefile calls this; its words are FORMAT, OUT, OF and DIFF
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
	// One that is left from before would be taken for this one's.
	if err := s.forgetRecord(); err != nil {
		return err
	}
	record := s.recordFile()
	if err := os.MkdirAll(filepath.Dir(record), 0o755); err != nil {
		return fmt.Errorf("making the folder for records of previews: %w", err)
	}
	fmt.Fprintf(os.Stderr, "planning %s of stack %s; the record of it will be %s\n", *of, s.name, filepath.Join(workFolder, recordFolder, filepath.Base(record)))
	if wrong == nil {
		wrong = s.ready(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	begin := time.Now()
	if wrong != nil {
		// Where the checkout lies is nothing for a comment.
		if err := writeFailure(record, strings.ReplaceAll(wrong.Error(), s.root+string(filepath.Separator), "")); err != nil {
			return errors.Join(wrong, err)
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

// ready prepares what a preview needs, and the commands that it runs.
func (s *stack) ready(ctx context.Context) error {
	if err := s.tools(ctx); err != nil {
		return err
	}
	return s.planned(ctx)
}

// planned prepares what a preview needs.
func (s *stack) planned(ctx context.Context) error {
	if s.embedded() {
		if _, err := os.Stat(s.stateDir()); err != nil {
			return errors.New("stack local is not up, so there is nothing to compare with: `make up` starts it")
		}
	}
	return s.prepare(ctx)
}

// record runs pulumi with its engine's event log going to a file. A plan that fails is a record like any other: where the
// engine has not said why, what pulumi said is written behind its events.
func (s *stack) record(ctx context.Context, file string, command []string) error {
	args := append(command, "--stack", s.name, "--non-interactive", "--color", "never", "--event-log", file)
	cmd := s.command(ctx, "pulumi", args...)
	cmd.Env = append(cmd.Env, "PULUMI_DEBUG_COMMANDS=true") // without it there is no --event-log
	said, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	p, unread := preview.ReadFile(file)
	if unread == nil && (p.Failed() || len(p.Mandatory()) > 0) {
		return nil
	}
	if unread != nil {
		// Nothing, or half of something: what pulumi said is all there is.
		_ = os.Remove(file)
	}
	return writeFailure(file, fmt.Sprintf("pulumi %s: %v\n%s", strings.Join(command, " "), err, lastLines(string(said))))
}

// lastLines are the last of what a command said.
func lastLines(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.Join(lines[max(0, len(lines)-failureLines):], "\n")
}

// writeFailure writes why there is no plan behind what the record has, if it has anything.
func writeFailure(file, text string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keeping why there is no plan: %w", err)
	}
	return errors.Join(preview.WriteFailure(f, text), f.Close())
}
