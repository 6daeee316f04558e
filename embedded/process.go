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

// killTimeout bounds the time that a killed process and its ports need to disappear.
const killTimeout = 5 * time.Second

// clusterProcess is a process of this cluster.
type clusterProcess struct{ *process.Process }

// processIn returns the running process whose identifier is in a file, or nil. The system uses identifiers again, so a
// process without this cluster's folder in its command line does not count.
func (c *Cluster) processIn(file string) *clusterProcess {
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
	return &clusterProcess{p}
}

// kill sends SIGKILL and waits until the process has ended, for killTimeout at most.
func (p *clusterProcess) kill() {
	_ = p.Kill() // it fails if the process has ended
	deadline := time.Now().Add(killTimeout)
	for time.Now().Before(deadline) {
		if running, err := p.IsRunning(); err != nil || !running || p.ended() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ended says whether all threads of a process have ended. The process remains a zombie until its parent waits for it. The
// process' state is not enough: it is the state of the first thread, and the process holds its ports and files until the
// last thread has ended.
func (p *clusterProcess) ended() bool {
	status, err := p.Status()
	if err != nil {
		return true
	}
	threads, err := p.NumThreads()
	return slices.Contains(status, process.Zombie) && (err != nil || threads <= 1)
}

// checkPorts returns an error if another process holds a port of this stopped cluster. The error names the process.
func (c *Cluster) checkPorts() error {
	data, err := os.ReadFile(c.kwokctlFile("kwok.yaml"))
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
	// The kernel may take a moment to free the ports of a killed process.
	deadline := time.Now().Add(killTimeout)
	for {
		held, err := listening(wanted)
		switch {
		case err != nil:
			return fmt.Errorf("listing the listening ports: %w", err)
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
