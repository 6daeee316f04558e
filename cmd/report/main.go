// Command report writes one report on recorded previews of one or several stacks. It runs no preview and needs no network.
// `make report` calls it for FILE=…. Without FILE, cmd/stack runs the preview and writes the report.
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

A record is the event log of a preview. make report writes records to .local/report.
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
	flags.SetOutput(io.Discard) // errors are enough
	out.Flags(flags)
	flags.Func("file", "a record, or STACK=record; one flag for each stack", func(arg string) error {
		e := environment(arg)
		if slices.ContainsFunc(all, func(other report.Environment) bool { return other.Name == e.Name }) {
			return fmt.Errorf("two records have the stack name %s", e.Name)
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
		return fmt.Errorf("%d records given and arguments %q left over: give each record with -file", len(all), flags.Args())
	}
	// A report on several stacks lists the missing records. A report on one missing record would be empty.
	if len(all) == 1 && all[0].Problem != nil {
		return all[0].Problem
	}
	for i, e := range all {
		if errors.Is(e.Problem, fs.ErrNotExist) {
			// A workflow has one job for each stack.
			all[i].Problem = fmt.Errorf("the job of this stack wrote no record; its log says why (%w)", e.Problem)
		}
	}
	if err := out.Write(all, time.Now()); err != nil {
		return err
	}
	return report.Verdict(all)
}

// environment is the stack of a record. Its name is given, or in the record.
func environment(arg string) report.Environment {
	name, file, named := strings.Cut(arg, "=")
	if !named {
		name, file = "", arg
	}
	p, err := preview.ReadFile(file)
	if name == "" && err == nil {
		if name = p.Stack; name == "" {
			err = errors.New(file + " has no stack name, because the preview failed early: give STACK=" + file)
		}
	}
	if name == "" {
		name = file
	}
	return report.Environment{Name: name, Preview: p, Problem: err}
}
