package local

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tfserving/embedded"
	"tfserving/internal/checkout"
)

// metrics-server sometimes ends during the start: it reads a ConfigMap that the API server may not have written yet.
func TestAComponentThatEndsDuringTheStartIsStartedAgain(t *testing.T) {
	c := checkout.New(t, "../..")
	c.Make("tools")
	dir := checkout.RealPath(t, t.TempDir())
	var log strings.Builder
	cluster := embedded.New(embedded.Config{
		Dir: filepath.Join(dir, "cluster"), Bin: filepath.Join(c.Dir, ".local", "bin"), Kubeconfig: filepath.Join(dir, "kubeconfig"),
		Region: "test-1", Zones: 1, HPASync: 15 * time.Second, Log: &log,
	})
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	killed := make(chan int, 1)
	go func() {
		file := filepath.Join(dir, "cluster", "clusters", "tfserving", "pids", "metrics-server.pid")
		for t.Context().Err() == nil {
			data, _ := os.ReadFile(file)
			if pid, err := strconv.Atoi(strings.TrimSpace(string(data))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				killed <- pid
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	begin := time.Now()
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	select {
	case <-killed:
	default:
		t.Fatal("metrics-server never ran, so the test killed nothing")
	}
	t.Logf("ready in %.1f s:\n%s", time.Since(begin).Seconds(), &log)
	if !strings.Contains(log.String(), "metrics-server") {
		t.Errorf("the log does not name metrics-server:\n%s", &log)
	}
}
