// Command report tells what recorded previews would change: one stack's, or those of several stacks in one report. It runs
// nothing and needs no network. `make report` calls it for FILE=…; without, cmd/stack runs the preview itself.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"tfserving/preview"
	"tfserving/report"
)

const usage = `usage: report [flags] -file [STACK=]RECORD …

A record is the event log of a preview, as make report leaves it in .local/report.
`

func main() {
	if err := run(os.Args[1:]); errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "\nmake report: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var out report.Output
	var all []report.Environment
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error says by itself what is wrong with a call
	out.Flags(flags)
	flags.Func("file", "a record, or STACK=record; once for each stack", func(arg string) error {
		e := environment(arg)
		if slices.ContainsFunc(all, func(other report.Environment) bool { return other.Name == e.Name }) {
			return fmt.Errorf("there are two records of stack %s", e.Name)
		}
		all = append(all, e)
		return nil
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(os.Stderr, usage)
		flags.SetOutput(os.Stderr)
		flags.PrintDefaults()
		return err
	} else if err != nil {
		return err
	}
	if err := out.Check(); err != nil {
		return err
	}
	if len(all) == 0 || flags.NArg() > 0 {
		return fmt.Errorf("name the records, each with -file (%d named, %q left over)", len(all), flags.Args())
	}
	// Of several, the report says which it lacks; a report on nothing at all is none.
	if len(all) == 1 && all[0].Problem != nil {
		return all[0].Problem
	}
	for i, e := range all {
		if errors.Is(e.Problem, fs.ErrNotExist) {
			// Records of several stacks are those of as many jobs.
			all[i].Problem = fmt.Errorf("the job of this stack left no record; its log says why (%w)", e.Problem)
		}
	}
	if err := out.Write(all, time.Now()); err != nil {
		return err
	}
	return report.Verdict(all)
}

// environment is the stack of a record, by the name that is given or that the record has.
func environment(arg string) report.Environment {
	name, file, named := strings.Cut(arg, "=")
	if !named {
		name, file = "", arg
	}
	p, err := preview.ReadFile(file)
	if name == "" && err == nil {
		if name = p.Stack; name == "" {
			err = errors.New(file + " names no stack (the preview failed early): give it as STACK=" + file)
		}
	}
	if name == "" {
		name = file
	}
	return report.Environment{Name: name, Preview: p, Problem: err}
}
