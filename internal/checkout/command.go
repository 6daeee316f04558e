package checkout

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// commandTimeout bounds every command. The longest ends an EKS stack with monitoring: the AWS provider waits for 8 minutes after it has
// asked for the deletion of a metrics collector.
const commandTimeout = 20 * time.Minute

// Command is a command that runs or has ended.
type Command struct {
	t    testing.TB
	cmd  *exec.Cmd
	name string
	mu   sync.Mutex
	out  bytes.Buffer
	done chan error
}

func (c *Command) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *Command) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// Start starts a command in the checkout. As in a terminal, it has a process group of its own.
func (c *Checkout) Start(name string, args ...string) *Command {
	c.T.Helper()
	run := &Command{t: c.T, name: strings.Join(append([]string{name}, args...), " "), done: make(chan error, 1)}
	run.cmd = exec.Command(name, args...)
	run.cmd.Dir = c.Dir
	run.cmd.Env = c.env()
	run.cmd.Stdout, run.cmd.Stderr = run, run
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := run.cmd.Start(); err != nil {
		c.T.Fatalf("%s: %v", run.name, err)
	}
	go func() { run.done <- run.cmd.Wait() }()
	return run
}

// env is the environment of the test without the variables of a make that runs the test, and without Pulumi's.
func (c *Checkout) env() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") && !strings.HasPrefix(v, "PULUMI_") && !strings.HasPrefix(v, "STACK=") {
			env = append(env, v)
		}
	}
	return append(env, c.Env...)
}

// Wait waits until the command ends, and returns its output.
func (c *Command) Wait() (string, error) {
	c.t.Helper()
	select {
	case err := <-c.done:
		return c.output(), err
	case <-time.After(commandTimeout):
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		c.t.Fatalf("%s still runs after %s:\n%s", c.name, commandTimeout, c.output())
		return "", nil
	}
}

// Prints waits until the output contains a text. It returns false if the command ends first.
func (c *Command) Prints(text string) bool { return c.PrintsAfter("", text) }

// PrintsAfter waits until the output contains a text after another one. It returns false if the command ends first.
func (c *Command) PrintsAfter(first, text string) bool {
	printed := func() bool {
		_, rest, found := strings.Cut(c.output(), first)
		return found && strings.Contains(rest, text)
	}
	for {
		if printed() {
			return true
		}
		select {
		case err := <-c.done:
			c.done <- err
			return printed()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Interrupt presses Ctrl-C: every process of the group receives SIGINT.
func (c *Command) Interrupt() { c.Signal(syscall.SIGINT) }

// Signal sends a signal to every process of the command's group.
func (c *Command) Signal(signal syscall.Signal) { _ = syscall.Kill(-c.cmd.Process.Pid, signal) }

// Run runs a command, which must succeed, and returns its output.
func (c *Checkout) Run(name string, args ...string) string {
	c.T.Helper()
	run := c.Start(name, args...)
	out, err := run.Wait()
	if err != nil {
		c.T.Fatalf("%s: %v\n%s", run.name, err, out)
	}
	return out
}

// Shell runs a shell script, which must succeed, and returns its output.
func (c *Checkout) Shell(script string) string {
	c.T.Helper()
	return c.Run("sh", "-ec", script)
}

// Make runs make, which must succeed, and returns its output.
func (c *Checkout) Make(args ...string) string {
	c.T.Helper()
	begin := time.Now()
	out := c.Run("make", args...)
	c.T.Logf("make %s: %.1f s", strings.Join(args, " "), time.Since(begin).Seconds())
	return out
}

// MakeFails runs make, which must fail with each of the texts in its output.
func (c *Checkout) MakeFails(texts []string, args ...string) {
	c.T.Helper()
	begin := time.Now()
	run := c.Start("make", args...)
	out, err := run.Wait()
	if err == nil {
		c.T.Fatalf("%s succeeds; it must fail:\n%s", run.name, out)
	}
	c.T.Logf("%s fails: %.1f s", run.name, time.Since(begin).Seconds())
	for _, text := range texts {
		if !strings.Contains(out, text) {
			c.T.Errorf("%s does not print %q:\n%s", run.name, text, out)
		}
	}
}

// InterruptMake runs make and presses Ctrl-C when the output after one text contains another. Make must then fail. It returns
// the output.
func (c *Checkout) InterruptMake(after, text string, args ...string) string {
	c.T.Helper()
	run := c.Start("make", args...)
	if !run.PrintsAfter(after, text) {
		out, _ := run.Wait()
		c.T.Fatalf("%s ends before it prints %q:\n%s", run.name, text, out)
	}
	run.Interrupt()
	out, err := run.Wait()
	if err == nil {
		c.T.Fatalf("%s, interrupted at %q, succeeds:\n%s", run.name, text, out)
	}
	return out
}

// changeCount is a line in which Pulumi counts resources that it changes or would change.
var changeCount = regexp.MustCompile(`(?m)^\s+([-+~]+ *\d*|\d+) (to )?(create|update|delete|replace|errored).*`)

// Changes returns the first line of Pulumi's output that counts changed resources; empty if nothing changes.
func Changes(out string) string { return changeCount.FindString(out) }
