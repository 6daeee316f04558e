package report

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// Output is how a report is written, as commands are told.
type Output struct {
	format, file, whole string
	diff                bool
}

// Flags adds the flags that say how.
func (o *Output) Flags(flags *flag.FlagSet) {
	flags.StringVar(&o.format, "format", "terminal", "markdown, for a comment, or terminal")
	flags.StringVar(&o.file, "out", "", "file that receives the report; empty for the standard output")
	flags.StringVar(&o.whole, "whole", "", "where that can be read which a comment has no room for")
	flags.BoolVar(&o.diff, "diff", false, "terminal: show the full diff, too")
}

// Check says what is wrong with the flags, before anything is run.
func (o *Output) Check() error {
	if o.format != "markdown" && o.format != "terminal" {
		return fmt.Errorf("FORMAT=%s is no format of a report: use markdown or terminal", o.format)
	}
	return nil
}

// Write renders the report. The error says that it could not be written, and nothing of what is in it: Verdict does.
func (o *Output) Write(all []Environment, at time.Time) error {
	options := Options{At: at, Whole: o.whole, Limit: CommentLimit}
	var text string
	if o.format == "markdown" {
		var err error
		if text, err = Markdown(all, options); err != nil {
			return err
		}
	} else {
		info, err := os.Stdout.Stat()
		colour := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && o.file == ""
		text = Terminal(all, options, colour, o.diff)
	}
	if o.file == "" {
		_, err := io.WriteString(os.Stdout, text)
		return err
	}
	// Whole or not at all: somebody may be about to post it.
	part := o.file + ".part"
	if err := os.WriteFile(part, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.Rename(part, o.file); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Verdict is nil if the change can be made, and else names the stacks for which it cannot: their preview failed or is
// missing, or they break a mandatory policy.
func Verdict(all []Environment) error {
	var stacks []string
	for _, e := range all {
		if e.Problem != nil || e.Preview.Failed() || len(e.Preview.Mandatory()) > 0 {
			stacks = append(stacks, e.Name)
		}
	}
	if len(stacks) == 0 {
		return nil
	}
	noun := "stacks"
	if len(stacks) == 1 {
		noun = "stack"
	}
	return fmt.Errorf("the change cannot be made as it is; the report says why for %s %s", noun, joined(stacks, "and"))
}
