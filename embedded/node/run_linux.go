package node

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// restartDelay is the pause before a daemon that has ended is started again, as systemd's RestartSec of a kubelet's unit.
	restartDelay = 2 * time.Second
	// linkTimeout bounds the wait for the node's link, which the process that started the node makes within a second.
	linkTimeout = time.Minute
	// socketTimeout bounds the wait for containerd, which takes less than a second on an idle machine.
	socketTimeout = time.Minute
	// nodePath finds the commands of the node, and of its distribution.
	nodePath = "/usr/sbin:/usr/bin:/sbin:/bin"
)

// daemon is a command that process 1 keeps running.
type daemon struct {
	name string
	args []string
}

// daemons are a node's, in the order of their start.
func (c Config) daemons() []daemon {
	return []daemon{
		{"containerd", []string{"--config", c.file(containerdFile)}},
		{"kubelet", []string{
			"--config=" + c.file(kubeletFile),
			"--kubeconfig=" + c.file("kubelet.kubeconfig"),
			"--root-dir=" + kubeletRoot,
			"--cert-dir=" + c.file("kubelet/pki"),
			"--hostname-override=" + c.Name(),
			"--node-ip=" + c.Address(),
		}},
		{"kube-proxy", []string{"--config=" + c.file(proxyFile)}},
		// Only the part of kube-router that enforces NetworkPolicies.
		{"kube-router", []string{
			"--kubeconfig=" + c.file("kube-router.kubeconfig"),
			"--hostname-override=" + c.Name(),
			"--run-firewall=true", "--run-router=false", "--run-service-proxy=false", "--run-loadbalancer=false",
			"--service-cluster-ip-range=" + ServiceRange,
			"--health-port=0", "--metrics-port=0",
		}},
	}
}

// Run is process 1 of a node: it prepares the namespaces that it is in, and keeps the node's daemons running. It does not
// return without an error. Its end ends every process of the node, and its mounts with them.
func Run(file string) error {
	var c Config
	if err := readJSON(file, &c); err != nil {
		return fmt.Errorf("reading the node's configuration: %w", err)
	}
	if err := enterRoot(c.file("root"), c.Bin, c.Work, c.file("kubelet")); err != nil {
		return err
	}
	if err := awaitLink(); err != nil {
		return err
	}
	for name, value := range map[string]string{"net/ipv4/ip_forward": "1", "net/ipv4/conf/all/rp_filter": "0"} {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil {
			return fmt.Errorf("setting %s of the node's network: %w", name, err)
		}
	}
	s := supervisor{bin: c.Bin, logs: c.Dir, running: map[int]daemon{}}
	for i, d := range c.daemons() {
		if err := s.start(d); err != nil {
			return err
		}
		if i == 0 {
			if err := awaitSocket(); err != nil {
				return err
			}
		}
	}
	return s.supervise()
}

// supervisor starts daemons and collects every process of its namespace that has ended.
type supervisor struct {
	bin, logs string
	running   map[int]daemon
}

func (s *supervisor) start(d daemon) error {
	log, err := os.OpenFile(filepath.Join(s.logs, d.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", d.name, err)
	}
	defer log.Close()
	path := filepath.Join(s.bin, d.name)
	p, err := os.StartProcess(path, append([]string{path}, d.args...), &os.ProcAttr{
		Env:   []string{"PATH=" + s.bin + ":" + nodePath, "HOME=/run"},
		Files: []*os.File{nil, log, log},
	})
	if err != nil {
		return fmt.Errorf("starting %s: %w", d.name, err)
	}
	s.running[p.Pid] = d
	return p.Release()
}

func (s *supervisor) supervise() error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for the node's processes: %w", err)
		}
		d, ok := s.running[pid]
		if !ok {
			continue // a process whose parent has ended
		}
		delete(s.running, pid)
		fmt.Printf("%s %s ended: exit status %d, signal %d\n", time.Now().Format(time.RFC3339), d.name, status.ExitStatus(), status.Signal())
		time.Sleep(restartDelay)
		if err := s.start(d); err != nil {
			return err
		}
	}
}

// awaitLink waits for the node's link to the network.
func awaitLink() error {
	return await(linkTimeout, "the node's network link", func() bool {
		state, err := os.ReadFile("/proc/net/route")
		return err == nil && len(state) > 200 // the heading, and a route
	})
}

func awaitSocket() error {
	return await(socketTimeout, "containerd", func() bool {
		_, err := os.Stat(containerdSocket)
		return err == nil
	})
}

func await(timeout time.Duration, what string, ready func() bool) error {
	for deadline := time.Now().Add(timeout); !ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not there after %s", what, timeout)
		}
	}
	return nil
}
