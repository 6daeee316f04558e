package checkout

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// settle bounds the wait for what controllers do in the background.
const settle = 2 * time.Minute

// Client returns a client of the checkout's embedded cluster.
func (c *Checkout) Client() *kubernetes.Clientset {
	c.T.Helper()
	return Client(c.T, filepath.Join(c.Dir, ".local", "kubeconfig"))
}

// Client returns a client of a kubeconfig's cluster, without a limit on requests.
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

// Processes are the running processes of the checkout's embedded cluster.
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

// LeavesNothing fails the test if make down left a process, or a file that is not a cache.
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
	caches := map[string]bool{"bin": true, "program": true, "stack": true, "cost": true, "lock": true}
	for _, e := range entries {
		if !caches[e.Name()] {
			c.T.Errorf("make down left .local/%s", e.Name())
		}
	}
}

// PodReady says whether a pod receives traffic: it is ready and is not being deleted.
func PodReady(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// Eventually waits until check returns nil. After settle it fails the test with the last error of check.
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
