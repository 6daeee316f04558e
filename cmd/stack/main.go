// Command stack is what the Makefile calls. It brings a stack up, shows what would change, puts load on the stack and takes
// it down.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"tfserving/embedded/node"
	"tfserving/examples"
)

// requirement is what the stack and the checkout must have before a command runs.
type requirement uint

const (
	validSettings requirement = 1 << iota // the stack's file exists and holds no mistakes
	lockedFolder                          // no other `make` changes this checkout's cluster and state
	pinnedTools                           // the pinned commands are built
	ableMachine                           // the machine can run the stack's nodes
)

// command is one of the words that follow the flags.
type command struct {
	name, summary string
	requires      requirement
	run           func(s *pulumiStack, ctx context.Context, args []string) error
}

var commands = []command{
	{"up", "bring the stack up (its embedded cluster, too)", validSettings | lockedFolder | pinnedTools | ableMachine, (*pulumiStack).up},
	{"preview", "show what up would change", validSettings | lockedFolder | pinnedTools, (*pulumiStack).preview},
	// report writes wrong settings and missing tools into its report.
	{"report", "report what up (destroy, refresh) would do: changes, bill, risks, policies", lockedFolder, (*pulumiStack).report},
	{"down", "take the stack down (its embedded cluster, too)", validSettings | lockedFolder | pinnedTools, (*pulumiStack).down},
	{"status", "show pods, nodes and autoscalers (stack local)", validSettings, (*pulumiStack).status},
	{"load", "put CPU demand on the pods and watch them follow (stack local)", validSettings, (*pulumiStack).load},
	{"drill", "replay a demand trace on two sets of settings, and compare them (stack local)", validSettings | lockedFolder | pinnedTools, (*pulumiStack).drill},
	{"monitor", "start Prometheus and Alertmanager for the embedded cluster, and say where they are", validSettings | lockedFolder, (*pulumiStack).monitor},
	{"gameday", "make faults, wait for their pages, and repair them as the runbook says", validSettings, (*pulumiStack).gameday},
	{"images", "make the images of the gateway and the model server", validSettings, (*pulumiStack).images},
	{"traffic", "send requests for a prediction at a constant rate", validSettings, (*pulumiStack).traffic},
	{"timeline", "draw a recorded load run", validSettings, (*pulumiStack).timeline},
	{"review", "write the settings of a review stack, made from dev's", 0, (*pulumiStack).review},
	{"admit", "make an IAM role an administrator of the stack's cluster on EKS", validSettings, (*pulumiStack).admit},
	{"env", "print what to export so that plain pulumi works in this checkout", validSettings, (*pulumiStack).printEnv},
}

func usage() {
	fmt.Fprint(os.Stderr, "usage: stack [-stack NAME] [-yes] COMMAND\n\n")
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-9s %s\n", c.name, c.summary)
	}
	flag.PrintDefaults()
}

func main() {
	if is, err := node.Hidden(os.Args[1:], examples.Picture); is {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Usage = usage
	name := flag.String("stack", localStack, "the stack")
	yes := flag.Bool("yes", false, "do not ask before changing a stack without an embedded cluster")
	flag.Parse()
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == flag.Arg(0) })
	if i < 0 {
		usage()
		os.Exit(2)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if <-signals == syscall.SIGTERM {
			stop(errTerminated)
		}
		stop(context.Canceled)
	}()
	err := commands[i].runOn(ctx, *name, *yes, flag.Args()[1:])
	switch {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintf(os.Stderr, "stopped; run `make %s` again to continue\n", flag.Arg(0))
		os.Exit(130)
	default:
		fmt.Fprintf(os.Stderr, "\nmake %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

// errTerminated is the cause of a context that SIGTERM ended, in contrast to Ctrl-C.
var errTerminated = errors.New("terminated")

// runOn provides what the command requires and runs it on the stack of a name.
func (c command) runOn(ctx context.Context, name string, yes bool, args []string) error {
	s, err := open(name)
	if err != nil {
		return err
	}
	if c.requires&validSettings != 0 && s.settingsErr != nil {
		return s.settingsErr
	}
	s.yes = yes
	if c.requires&ableMachine != 0 {
		if err := s.checkRealNodes(ctx); err != nil {
			return err
		}
	}
	if c.requires&lockedFolder != 0 {
		if err := s.refuseLocalShell(); err != nil {
			return err
		}
		unlock, err := s.lock(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		remove, err := s.makeTempFolder()
		if err != nil {
			return err
		}
		defer remove()
	}
	if c.requires&pinnedTools != 0 {
		if err := s.buildTools(ctx); err != nil {
			return err
		}
	}
	return c.run(s, ctx, args)
}
