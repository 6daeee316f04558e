package embedded

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	psnet "github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
	"sigs.k8s.io/yaml"
)

// endTime is how long a killed process, and the ports it held, may take to be gone.
const endTime = 5 * time.Second

// recorded is a process that this cluster started and wrote down.
type recorded struct{ *process.Process }

// recordedIn returns the running process that a file names, or nil. Process identifiers are used again, so a process
// that does not mention this cluster's folder in its command line is somebody else's.
func (c *Cluster) recordedIn(file string) *recorded {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return nil
	}
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return nil
	}
	if line, err := p.Cmdline(); err != nil || !strings.Contains(line, c.cfg.Dir) {
		return nil
	}
	return &recorded{p}
}

// kill ends a process at once and returns when it is gone, or has had the time to.
func (p *recorded) kill() {
	_ = p.Kill() // one that has ended by itself is as good
	deadline := time.Now().Add(endTime)
	for time.Now().Before(deadline) {
		if running, err := p.IsRunning(); err != nil || !running || p.ended() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ended says whether nothing is left of a process but its record, which stays until its parent has asked how it ended. Its
// state alone does not tell: it is that of the first thread, and as long as another is on its way out, the process holds
// its ports and files.
func (p *recorded) ended() bool {
	status, err := p.Status()
	if err != nil {
		return true
	}
	threads, err := p.NumThreads()
	return slices.Contains(status, process.Zombie) && (err != nil || threads <= 1)
}

// portsFree returns an error that names who holds a port of this stopped cluster.
func (c *Cluster) portsFree() error {
	data, err := os.ReadFile(c.components("kwok.yaml"))
	if err != nil {
		return fmt.Errorf("reading the cluster's ports: %w", err)
	}
	wanted := map[uint32]string{}
	for doc := range strings.SplitSeq(string(data), "\n---\n") {
		var cfg struct {
			Kind    string
			Options map[string]any
		}
		if err := yaml.Unmarshal([]byte(doc), &cfg); err != nil || cfg.Kind != "KwokctlConfiguration" {
			continue
		}
		for key, v := range cfg.Options {
			if port, ok := v.(float64); ok && strings.HasSuffix(key, "Port") && port > 0 {
				wanted[uint32(port)] = strings.TrimSuffix(key, "Port")
			}
		}
	}
	// The kernel may take a moment to let go of what a killed process held.
	deadline := time.Now().Add(endTime)
	for {
		held, err := listening(wanted)
		switch {
		case err != nil:
			return fmt.Errorf("reading who listens where: %w", err)
		case held == nil:
			return nil
		case held.Pid > 0 || time.Now().After(deadline):
			return fmt.Errorf("port %d of this cluster's %s is held by %s: end that, or `make down` and `make up` for a cluster on other ports",
				held.Laddr.Port, wanted[held.Laddr.Port], describeProcess(held.Pid))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// listening returns a socket that listens on one of the ports, or nil.
func listening(ports map[uint32]string) (*psnet.ConnectionStat, error) {
	open, err := psnet.Connections("tcp")
	if err != nil {
		return nil, err
	}
	for i := range open {
		if open[i].Status == "LISTEN" && ports[open[i].Laddr.Port] != "" {
			return &open[i], nil
		}
	}
	return nil, nil
}

func describeProcess(pid int32) string {
	if p, err := process.NewProcess(pid); err == nil {
		if name, err := p.Name(); err == nil {
			return fmt.Sprintf("%s (process %d)", name, pid)
		}
	}
	return "a process of another user"
}
