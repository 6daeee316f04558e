package report

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"tfserving/report/prose"
)

// Output has a command's flags about the form of a report.
type Output struct {
	format, file, whole string
	diff                bool
}

// Flags adds the flags.
func (o *Output) Flags(flags *flag.FlagSet) {
	flags.StringVar(&o.format, "format", "terminal", "markdown, for a comment, or terminal")
	flags.StringVar(&o.file, "out", "", "file that receives the report; empty for the standard output")
	flags.StringVar(&o.whole, "whole", "", "place of the whole report, which a shortened comment names")
	flags.BoolVar(&o.diff, "diff", false, "terminal: also show the full diff")
}

// Check returns an error if a flag has a wrong value.
func (o *Output) Check() error {
	if o.format != "markdown" && o.format != "terminal" {
		return fmt.Errorf("FORMAT=%s is not a format of a report: use markdown or terminal", o.format)
	}
	return nil
}

// Write renders and writes the report. The error is about the writing. Verdict is about the content.
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
	// Another process may post the file, so it must never be incomplete.
	part := o.file + ".part"
	err := os.WriteFile(part, []byte(text), 0o644)
	if err == nil {
		err = os.Rename(part, o.file)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Verdict returns nil if the change can be made. Otherwise the error names the stacks whose preview failed or is missing, or
// that break a mandatory policy.
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
	return fmt.Errorf("the change cannot be made as it is; the report says why for %s %s", noun, prose.Joined(stacks, "and"))
}
