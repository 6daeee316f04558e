// Package checkout runs the commands of the README in a copy of the tree, as a person would in a clone of it.
package checkout

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const (
	// commandTimeout bounds any one command; the longest, an EKS stack from nothing, takes a few minutes.
	commandTimeout = 8 * time.Minute
	// settle bounds the wait for something the controllers do by themselves.
	settle = 2 * time.Minute
)

// Checkout is a copy of the tree under test in a folder of its own, as a clone of it would be.
type Checkout struct {
	T   testing.TB
	Dir string
	// Env is what commands get on top of the environment of the test, NAME=value.
	Env []string
}

// New copies what git knows of the tree at root.
func New(t testing.TB, root string) *Checkout {
	t.Helper()
	c := &Checkout{T: t, Dir: RealPath(t, t.TempDir())}
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing the tree: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // deleted and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(c.Dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// RealPath is a folder's path without symbolic links, by which its processes are known.
func RealPath(t testing.TB, dir string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Set changes a setting in Pulumi.local.yaml, by its path below tfserving:.
func (c *Checkout) Set(path string, value any) {
	c.T.Helper()
	c.Edit("Pulumi.local.yaml", path, value)
}

// Edit changes a setting in a stack's file, by its path below tfserving:; nil removes it.
func (c *Checkout) Edit(name, path string, value any) {
	c.T.Helper()
	file := filepath.Join(c.Dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		c.T.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		c.T.Fatal(err)
	}
	at := doc["config"].(map[string]any)
	keys := strings.Split("tfserving:"+path, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	if value == nil {
		delete(at, keys[len(keys)-1])
	} else {
		at[keys[len(keys)-1]] = value
	}
	if data, err = yaml.Marshal(doc); err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		c.T.Fatal(err)
	}
}

// Command is under way or has ended.
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

// Start starts a command in the checkout, in a process group of its own, as a terminal would.
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

// env is the environment without what a surrounding make passes on.
func (c *Checkout) env() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") && !strings.HasPrefix(v, "PULUMI_") && !strings.HasPrefix(v, "STACK=") {
			env = append(env, v)
		}
	}
	return append(env, c.Env...)
}

// Wait waits for the end and returns the output.
func (c *Command) Wait() (string, error) {
	c.t.Helper()
	select {
	case err := <-c.done:
		return c.output(), err
	case <-time.After(commandTimeout):
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		c.t.Fatalf("%s: not at its end after %s:\n%s", c.name, commandTimeout, c.output())
		return "", nil
	}
}

// Says waits until the output contains a text; false if the command ends without.
func (c *Command) Says(text string) bool { return c.SaysAfter("", text) }

// SaysAfter waits until the output contains a text after another one; false if the command ends without.
func (c *Command) SaysAfter(first, text string) bool {
	said := func() bool {
		_, rest, found := strings.Cut(c.output(), first)
		return found && strings.Contains(rest, text)
	}
	for {
		if said() {
			return true
		}
		select {
		case err := <-c.done:
			c.done <- err
			return said()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Interrupt is Ctrl-C: every process of the group gets it.
func (c *Command) Interrupt() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT) }

// Make runs make and must succeed.
func (c *Checkout) Make(args ...string) string {
	c.T.Helper()
	begin := time.Now()
	out, err := c.Start("make", args...).Wait()
	if err != nil {
		c.T.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	c.T.Logf("make %s: %.1f s", strings.Join(args, " "), time.Since(begin).Seconds())
	return out
}

// MakeFails runs make, which must fail and say each of the texts.
func (c *Checkout) MakeFails(texts []string, args ...string) {
	c.T.Helper()
	begin := time.Now()
	out, err := c.Start("make", args...).Wait()
	if err == nil {
		c.T.Fatalf("make %s succeeded; it must fail:\n%s", strings.Join(args, " "), out)
	}
	c.T.Logf("make %s refused: %.1f s", strings.Join(args, " "), time.Since(begin).Seconds())
	for _, text := range texts {
		if !strings.Contains(out, text) {
			c.T.Errorf("make %s does not say %q:\n%s", strings.Join(args, " "), text, out)
		}
	}
}

// Client is a client of the checkout's embedded cluster.
func (c *Checkout) Client() *kubernetes.Clientset {
	c.T.Helper()
	return Client(c.T, filepath.Join(c.Dir, ".local", "kubeconfig"))
}

// Client returns a client of the cluster that a kubeconfig leads to.
func Client(t testing.TB, kubeconfig string) *kubernetes.Clientset {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Processes are all that run for this checkout's cluster.
func (c *Checkout) Processes() (all []*process.Process) {
	c.T.Helper()
	running, err := process.Processes()
	if err != nil {
		c.T.Fatal(err)
	}
	for _, p := range running {
		line, err := p.Cmdline()
		if err == nil && strings.Contains(line, filepath.Join(c.Dir, ".local", "cluster")) {
			all = append(all, p)
		}
	}
	return all
}

// LeavesNothing fails if make down left a process, or a file that is not a cache.
func (c *Checkout) LeavesNothing() {
	c.T.Helper()
	for _, p := range c.Processes() {
		line, _ := p.Cmdline()
		c.T.Errorf("make down left process %d: %s", p.Pid, line)
	}
	entries, err := os.ReadDir(filepath.Join(c.Dir, ".local"))
	if err != nil {
		c.T.Fatal(err)
	}
	caches := map[string]bool{"bin": true, "program": true, "stack": true, "lock": true}
	for _, e := range entries {
		if !caches[e.Name()] {
			c.T.Errorf("make down left .local/%s", e.Name())
		}
	}
}

// Eventually waits until check returns nil.
func Eventually(t *testing.T, what string, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), settle)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not after %s: %v", what, settle, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
