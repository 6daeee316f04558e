// Command github makes the workflows' calls to GitHub. It keeps one comment on each pull request and one issue for each drifted
// stack, and lists the review stacks that can be taken down.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

const usage = `usage: github COMMAND [FLAGS]

  comment   -pull N -body FILE            write or update the report on a pull request
  drift     -stack NAME -record FILE -body FILE
                                          open or update the issue of a drifted stack, or close it
                                          (files: the record and the report of make report OF=refresh)
  reviews   -stacks FILE -ttl TIME        print over=[...], the review stacks to take down, as an output of a workflow's step
                                          (FILE: pulumi stack ls --json), and fail if the state of one is unknown

The variables GITHUB_API_URL, GITHUB_REPOSITORY and GH_TOKEN select the repository and the caller.
`

// timeout bounds all calls of one command. A call takes a second or two.
const timeout = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		if errors.Is(err, errUsage) {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(2)
		}
		fmt.Fprintf(os.Stderr, "github: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	pull := flags.Int("pull", 0, "")
	stack := flags.String("stack", "", "")
	body := flags.String("body", "", "")
	record := flags.String("record", "", "")
	stacks := flags.String("stacks", "", "")
	ttl := flags.Duration("ttl", 0, "")
	if err := flags.Parse(args[1:]); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	g, err := newClient(getenv)
	if err != nil {
		return err
	}
	switch {
	case args[0] == "comment" && *pull > 0 && *body != "":
		text, err := os.ReadFile(*body)
		if err != nil {
			return fmt.Errorf("reading the report: %w", err)
		}
		return g.comment(ctx, *pull, string(text))
	case args[0] == "drift" && *stack != "" && *record != "" && *body != "":
		drifted, err := hasDrifted(*record)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(*body)
		if err != nil {
			return fmt.Errorf("reading the report on the drift: %w", err)
		}
		return g.drift(ctx, *stack, drifted, string(text))
	case args[0] == "reviews" && *stacks != "" && *ttl > 0:
		text, err := os.ReadFile(*stacks)
		if err != nil {
			return fmt.Errorf("reading the list of stacks: %w", err)
		}
		over, unknown := g.reviewsOver(ctx, text, time.Now(), *ttl)
		if over == nil {
			return unknown
		}
		names, err := json.Marshal(over)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "over=%s\n", names)
		return errors.Join(unknown, err)
	}
	return errUsage
}
