// Package test rehearses the stack as people use it: the commands of the README in a checkout of their own, on the real
// engine, control plane and autoscaler. Nothing here is mocked but what the embedded cluster simulates: machines and
// containers.
package test

import (
	"bytes"
	"context"
	"fmt"
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
	namespace = "tfserving"
	// commandTimeout bounds any one command; the longest, a load run there and back, takes about two minutes.
	commandTimeout = 6 * time.Minute
	// settle bounds the wait for something the controllers do by themselves.
	settle = 2 * time.Minute
)

// checkout is a copy of the tree under test in a folder of its own, as a clone of it would be.
type checkout struct {
	t   testing.TB
	dir string
}

// newCheckout copies what git knows of the tree, with short times in the settings, and takes down what is left of it
// at the end.
func newCheckout(t testing.TB) *checkout {
	t.Helper()
	c := &checkout{t: t, dir: realPath(t, t.TempDir())}
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing the tree: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("..", name))
		if os.IsNotExist(err) { // deleted and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	c.set("local", map[string]any{"nodeBootTime": "3s", "scalingSync": "5s"})
	c.set("autoscaler", map[string]any{"scanInterval": "2s", "scaleDownUnneededTime": "10s", "scaleDownDelayAfterAdd": "10s"})
	c.set("gateway.scaling.down", map[string]any{"stabilization": "5s", "period": "5s"})
	t.Cleanup(func() {
		c.make("down")
		c.leavesNothing()
	})
	return c
}

// realPath is a folder's path without symbolic links, by which its processes are known.
func realPath(t testing.TB, dir string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// set changes a setting in Pulumi.local.yaml, by its path below tfserving:.
func (c *checkout) set(path string, value any) {
	c.t.Helper()
	c.edit("Pulumi.local.yaml", path, value)
}

func (c *checkout) edit(name, path string, value any) {
	c.t.Helper()
	file := filepath.Join(c.dir, name)
	data, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		c.t.Fatal(err)
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
		c.t.Fatal(err)
	}
}

// command is under way or has ended.
type command struct {
	t    testing.TB
	cmd  *exec.Cmd
	name string
	mu   sync.Mutex
	out  bytes.Buffer
	done chan error
}

func (c *command) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *command) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// start starts a command in the checkout, in a process group of its own, as a terminal would.
func (c *checkout) start(name string, args ...string) *command {
	c.t.Helper()
	run := &command{t: c.t, name: strings.Join(append([]string{name}, args...), " "), done: make(chan error, 1)}
	run.cmd = exec.Command(name, args...)
	run.cmd.Dir = c.dir
	run.cmd.Env = c.env()
	run.cmd.Stdout, run.cmd.Stderr = run, run
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := run.cmd.Start(); err != nil {
		c.t.Fatalf("%s: %v", run.name, err)
	}
	go func() { run.done <- run.cmd.Wait() }()
	return run
}

// env is the environment without what a surrounding make passes on.
func (c *checkout) env() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") && !strings.HasPrefix(v, "PULUMI_") && !strings.HasPrefix(v, "STACK=") {
			env = append(env, v)
		}
	}
	return env
}

// wait waits for the end and returns the output.
func (c *command) wait() (string, error) {
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

// says waits until the output contains one of the texts; false if the command ends without.
func (c *command) says(text string) bool {
	for {
		if strings.Contains(c.output(), text) {
			return true
		}
		select {
		case err := <-c.done:
			c.done <- err
			return strings.Contains(c.output(), text)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// interrupt is Ctrl-C: every process of the group gets it.
func (c *command) interrupt() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGINT) }

// make runs make and must succeed.
func (c *checkout) make(args ...string) string {
	c.t.Helper()
	begin := time.Now()
	out, err := c.start("make", args...).wait()
	if err != nil {
		c.t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	c.t.Logf("make %s: %.1f s", strings.Join(args, " "), time.Since(begin).Seconds())
	return out
}

// makeFails runs make, which must fail and say each of the texts.
func (c *checkout) makeFails(texts []string, args ...string) {
	c.t.Helper()
	out, err := c.start("make", args...).wait()
	if err == nil {
		c.t.Fatalf("make %s succeeded; it must fail:\n%s", strings.Join(args, " "), out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			c.t.Errorf("make %s does not say %q:\n%s", strings.Join(args, " "), text, out)
		}
	}
}

// client is a client of the checkout's embedded cluster.
func (c *checkout) client() *kubernetes.Clientset {
	c.t.Helper()
	return clientOf(c.t, filepath.Join(c.dir, ".local", "kubeconfig"))
}

func clientOf(t testing.TB, kubeconfig string) *kubernetes.Clientset {
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

// processes are all that run for this checkout's cluster.
func (c *checkout) processes() (all []*process.Process) {
	c.t.Helper()
	running, err := process.Processes()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range running {
		line, err := p.Cmdline()
		if err == nil && strings.Contains(line, filepath.Join(c.dir, ".local", "cluster")) {
			all = append(all, p)
		}
	}
	return all
}

// leavesNothing fails if make down left a process, or a file that is not a cache.
func (c *checkout) leavesNothing() {
	c.t.Helper()
	for _, p := range c.processes() {
		line, _ := p.Cmdline()
		c.t.Errorf("make down left process %d: %s", p.Pid, line)
	}
	entries, err := os.ReadDir(filepath.Join(c.dir, ".local"))
	if err != nil {
		c.t.Fatal(err)
	}
	caches := map[string]bool{"bin": true, "program": true, "stack": true, "lock": true}
	for _, e := range entries {
		if !caches[e.Name()] {
			c.t.Errorf("make down left .local/%s", e.Name())
		}
	}
}

// eventually waits until check returns nil.
func eventually(t *testing.T, what string, check func(ctx context.Context) error) {
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

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }
