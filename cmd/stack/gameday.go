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
	"syscall"
	"time"

	"tfserving/embedded"
	"tfserving/monitoring/gameday"
)

// runbook is the page with what to do when an alert fires.
const runbook = "docs/operations.md"

// gameday makes faults in a stack on this machine, one after the other, and repairs each as the runbook says.
func (s *pulumiStack) gameday(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("gameday", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set FAULT and RECORD of the Makefile
	fault := flags.String("fault", "", "the one fault to make")
	record := flags.String("record", "", "file to which the results are added")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !s.embedded() {
		return fmt.Errorf("gameday makes its faults in a cluster on this machine, and stack %s has none: use stack %s", s.name, localStack)
	}
	nodes := gameday.SimulatedNodes
	if s.realNodes() {
		nodes = gameday.RealNodes
	}
	faults, err := gameday.Select(*fault, nodes)
	if err != nil {
		return err
	}
	if !s.hasCluster() {
		return fmt.Errorf("stack %s is not up: `make up STACK=%[1]s` starts it", s.name)
	}
	page, err := os.ReadFile(filepath.Join(s.root, runbook))
	if err != nil {
		return fmt.Errorf("reading the runbook: %w", err)
	}
	only, err := embedded.LockFile(ctx, filepath.Join(s.clusterDir(), "gameday.lock"), func(holder string) error {
		return fmt.Errorf("another game day of stack %s is on (process %s): wait for it, or end it", s.name, holder)
	})
	if err != nil {
		return err
	}
	defer only()
	restore, err := s.keepSettings()
	if err != nil {
		return err
	}
	pager, err := gameday.StartPager()
	if err != nil {
		return err
	}
	defer pager.Close()
	if err := s.monitorForGameday(ctx, pager.URL); err != nil {
		return errors.Join(err, restore())
	}
	defer func() { // without the pager's address
		if err := s.monitorForGameday(context.WithoutCancel(ctx), ""); err != nil {
			fmt.Fprintln(os.Stderr, "gameday: taking the pager out of Alertmanager's configuration:", err)
		}
	}()
	g := gameday.Game{Stack: s.name, Runbook: string(page), Pager: pager, Out: os.Stdout, Shell: s.gamedayShell}
	g.Record = func(r gameday.Result) error {
		if *record == "" {
			return nil
		}
		return r.Append(*record)
	}
	g.Settle = func(ctx context.Context) error {
		if err := restore(); err != nil {
			return err
		}
		return s.gamedayShell(ctx, "make up\n")
	}
	results, err := g.Play(ctx, faults)
	if len(results) > 0 {
		fmt.Printf("\n%s", gameday.Table(results))
	}
	return errors.Join(err, restore(), s.dropKept())
}

// monitorForGameday starts the monitoring while no other `make` is at work.
func (s *pulumiStack) monitorForGameday(ctx context.Context, webhook string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = s.startMonitor(ctx, webhook)
	return err
}

// keptSettings is a copy of the stack's settings during a game day, whose faults and remedies change them.
func (s *pulumiStack) keptSettings() string {
	return filepath.Join(s.root, s.work(), "settings-before-gameday.yaml")
}

// keepSettings copies the stack's settings and returns a function that writes them back. If a game day was killed, its copy is
// written back first.
func (s *pulumiStack) keepSettings() (restore func() error, err error) {
	if kept, err := os.ReadFile(s.keptSettings()); err == nil {
		fmt.Printf("gameday: the last game day was killed: writing the settings from before it to %s\n", filepath.Base(s.file()))
		if err := os.WriteFile(s.file(), kept, 0o644); err != nil {
			return nil, fmt.Errorf("restoring the settings: %w", err)
		}
	}
	before, err := os.ReadFile(s.file())
	if err != nil {
		return nil, fmt.Errorf("keeping the settings: %w", err)
	}
	if err := os.WriteFile(s.keptSettings(), before, 0o644); err != nil {
		return nil, fmt.Errorf("keeping the settings: %w", err)
	}
	return func() error {
		if err := os.WriteFile(s.file(), before, 0o644); err != nil {
			return fmt.Errorf("restoring the settings (a copy is %s): %w", s.keptSettings(), err)
		}
		return nil
	}, nil
}

func (s *pulumiStack) dropKept() error { return os.Remove(s.keptSettings()) }

// gamedayShell runs shell commands as in a shell that is set up for the stack, with STACK set. Ctrl-C ends them.
func (s *pulumiStack) gamedayShell(ctx context.Context, script string) error {
	cmd := s.command(ctx, "sh", "-e", "-c", script)
	cmd.Env = append(cmd.Env, "STACK="+s.name, "CLUSTER="+s.clusterDir(), "MAKEFLAGS=", "MAKEOVERRIDES=")
	// In a group of their own, the commands that undo a fault do not get a second Ctrl-C.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = time.Minute // pulumi saves its state
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n$ %s\n%s", err, strings.TrimSpace(script), out)
	}
	return nil
}
