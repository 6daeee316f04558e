// Command stack is what the Makefile calls: it brings a stack up, shows it, puts load on it and takes it down.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tfserving/config"
	"tfserving/embedded"
)

const usage = `usage: stack [-stack NAME] [-yes] COMMAND

  up        bring the stack up (stack local: its cluster, too)
  preview   show what up would change
  report    say what up (destroy, refresh) would do: changes, bill, risks, policies
  down      take the stack down (stack local: its cluster, too)
  status    show pods, nodes and autoscalers (stack local)
  load      put CPU demand on the pods and watch them follow (stack local)
  timeline  draw a recorded load run
  cost      print what every stack costs a month, side by side
  review    write the settings of a review stack, made from dev's
  admit     make an IAM role an administrator of the stack's cluster on EKS
  env       print what to export so that plain pulumi works in this checkout
`

var commands = []string{"up", "preview", "report", "down", "status", "load", "timeline", "env", "cost", "review", "admit"}

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage); flag.PrintDefaults() }
	name := flag.String("stack", "local", "the stack")
	yes := flag.Bool("yes", false, "do not ask before changing a stack other than local")
	flag.Parse()
	if !slices.Contains(commands, flag.Arg(0)) {
		flag.Usage()
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
	err := run(ctx, *name, *yes, flag.Arg(0), flag.Args()[1:])
	switch {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintf(os.Stderr, "stopped; `make %s` goes on from here\n", flag.Arg(0))
		os.Exit(130)
	default:
		fmt.Fprintf(os.Stderr, "\nmake %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

// errTerminated is why a run ends that was sent SIGTERM, and not interrupted with Ctrl-C.
var errTerminated = errors.New("terminated")

func run(ctx context.Context, name string, yes bool, command string, args []string) error {
	if command == "review" {
		return review(name, args)
	}
	s, wrong := open(name)
	if wrong != nil && (command != "report" || s == nil) {
		return wrong
	}
	s.yes = yes
	switch command {
	case "status":
		return s.status(ctx)
	case "load":
		return s.load(ctx, args)
	case "timeline":
		return timeline(args)
	case "env":
		return s.printEnv(ctx)
	case "cost":
		return s.cost(args)
	case "admit":
		return s.admit(ctx, args)
	}
	if err := s.ownShell(); err != nil {
		return err
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	forget, err := s.temporary()
	if err != nil {
		return err
	}
	defer forget()
	if command == "report" {
		return s.report(ctx, args, wrong)
	}
	if err := s.tools(ctx); err != nil {
		return err
	}
	switch command {
	case "up":
		return s.up(ctx)
	case "preview":
		return s.preview(ctx)
	default:
		return s.down(ctx)
	}
}

// open finds the checkout that this runs in and reads the stack's settings. Whatever is wrong with them is said here,
// before anything is changed. With an error about the stack there is a stack without settings, too, on which a report can
// say what is wrong.
func open(name string) (*stack, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "Pulumi.yaml")); err != nil {
		return nil, errors.New("run this in the checkout's top folder (Pulumi.yaml is not here)")
	}
	// One spelling of the folder, however it was reached: processes are known by it.
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	file := "Pulumi." + name + ".yaml"
	if filepath.Base(file) != file {
		return nil, fmt.Errorf("STACK=%s is no name of a stack", name)
	}
	s := &stack{name: name, root: root, dir: filepath.Join(root, workFolder)}
	settings, err := config.ReadStackFile(filepath.Join(root, file))
	if errors.Is(err, os.ErrNotExist) {
		files, _ := filepath.Glob(filepath.Join(root, "Pulumi.*.yaml"))
		for i, f := range files {
			files[i] = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "Pulumi."), ".yaml")
		}
		return s, fmt.Errorf("there is no stack %q; there are %s", name, strings.Join(files, ", "))
	}
	if err != nil {
		return s, err
	}
	if k := settings.Kubernetes; s.embedded() && (k.Kubeconfig != localKubeconfig || k.Context != "" && k.Context != embedded.ContextName) {
		return s, fmt.Errorf("stack %s brings a cluster of its own, so its tfserving:kubernetes.kubeconfig must be %s, without a context; for a cluster that you have, make a stack of another name", name, localKubeconfig)
	}
	s.settings = settings
	return s, nil
}
