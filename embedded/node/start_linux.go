package node

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Hidden commands of the binary that starts nodes. It calls Hidden with its arguments before it does anything else.
const (
	nodeCommand    = "node"
	networkCommand = "node-network"
	importCommand  = "node-import"
)

// Hidden runs this process as process 1 of a node, or as the process of the network, which serves a picture in PNG format, if
// its arguments say so.
func Hidden(args []string, picture []byte) (is bool, err error) {
	switch {
	case len(args) == 2 && args[0] == nodeCommand:
		return true, Run(args[1])
	case len(args) == 2 && args[0] == networkCommand:
		return true, RunNetwork(picture)
	case len(args) == 2 && args[0] == importCommand:
		return true, runImport(args[1])
	}
	return false, nil
}

// hidden prepares a process of this binary in new namespaces and in a session of its own, so that Ctrl-C of the terminal does
// not reach it. Its last argument is a path in the cluster's folder, by which the cluster recognises its processes.
func hidden(command, path, logFile string, namespaces uintptr) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, command, path)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: namespaces}
	return cmd, nil
}

// start starts a command, writes its process identifier to a file, and closes this process' end of its log.
func start(cmd *exec.Cmd, pidFile string) error {
	defer cmd.Stdout.(*os.File).Close()
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		_ = cmd.Process.Kill()
		return err
	}
	return nil
}

// StartNetwork starts the process of the network between the nodes. Its folder dir receives network.log and its process
// identifier in pidFile. On the machine, it forwards from the two addresses on loopback to the API server and to the ingress
// controller.
func StartNetwork(dir, pidFile, api, ingress string) error {
	cmd, err := hidden(networkCommand, dir, filepath.Join(dir, "network.log"), syscall.CLONE_NEWNET)
	if err != nil {
		return err
	}
	for _, at := range []string{api, ingress} {
		listener, err := net.Listen("tcp4", at)
		if err != nil {
			return fmt.Errorf("%w (another process has this port of the machine: end it)", err)
		}
		defer listener.Close()
		file, err := listener.(*net.TCPListener).File()
		if err != nil {
			return err
		}
		defer file.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	ready, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles, write)
	err = start(cmd, pidFile)
	write.Close()
	if err != nil {
		return fmt.Errorf("starting the network between the nodes: %w", err)
	}
	if said, err := io.ReadAll(ready); err != nil || string(said) != readyText {
		return fmt.Errorf("the network between the nodes did not start: its log is %s", filepath.Join(dir, "network.log"))
	}
	return nil
}

// InNetwork calls a function that starts processes: they are in the network namespace of a process.
func InNetwork(pid int, start func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // without an unlock: the thread ends with this goroutine
		ns, err := netns.GetFromPid(pid)
		if err == nil {
			err = netns.Set(ns)
			ns.Close()
		}
		if err == nil {
			err = start()
		}
		result <- err
	}()
	return <-result
}

// Start starts the node that Prepare has written, and links it to the network of a process. Its process identifier is in
// pidFile.
func (c Config) Start(network int, pidFile string) error {
	if err := makeCgroups(c.CgroupRoot()[1:]); err != nil {
		return err
	}
	cmd, err := hidden(nodeCommand, c.file(configFile), c.file("node.log"), syscall.CLONE_NEWNET|syscall.CLONE_NEWNS|syscall.CLONE_NEWPID)
	if err != nil {
		return err
	}
	if err := start(cmd, pidFile); err != nil {
		return err
	}
	if err := c.link(network, cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("linking node %s to the network: %w", c.Name(), err)
	}
	return nil
}

// link makes a pair of virtual interfaces: eth0 in the node's namespace, and a port of the bridge.
func (c Config) link(network, pid int) error {
	bridgeNamespace, err := netns.GetFromPid(network)
	if err != nil {
		return err
	}
	defer bridgeNamespace.Close()
	nodeNamespace, err := netns.GetFromPid(pid)
	if err != nil {
		return err
	}
	defer nodeNamespace.Close()
	outside, err := netlink.NewHandleAt(bridgeNamespace)
	if err != nil {
		return err
	}
	defer outside.Close()
	inside, err := netlink.NewHandleAt(nodeNamespace)
	if err != nil {
		return err
	}
	defer inside.Close()

	bridge, err := outside.LinkByName(bridgeName)
	if err != nil {
		return err
	}
	port := c.Name()
	if old, err := outside.LinkByName(port); err == nil { // of a node that was killed a moment ago
		if err := outside.LinkDel(old); err != nil {
			return err
		}
	}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: port, MasterIndex: bridge.Attrs().Index}, PeerName: "eth0", PeerNamespace: netlink.NsFd(nodeNamespace)}
	if err := outside.LinkAdd(pair); err != nil {
		return err
	}
	made, err := outside.LinkByName(port)
	if err != nil {
		return err
	}
	eth0, err := inside.LinkByName("eth0")
	if err != nil {
		return err
	}
	lo, err := inside.LinkByName("lo")
	if err != nil {
		return err
	}
	at, err := netlink.ParseAddr(fmt.Sprintf("%s/%d", c.Address(), networkPrefix))
	if err != nil {
		return err
	}
	err = errors.Join(outside.LinkSetUp(made), inside.LinkSetUp(lo), inside.AddrAdd(eth0, at), inside.LinkSetUp(eth0))
	if err != nil {
		return err
	}
	for number := range MaxNodes {
		if number+1 == c.Number {
			continue
		}
		if err := routePods(inside, number+1); err != nil {
			return err
		}
	}
	return inside.RouteAdd(&netlink.Route{Gw: net.ParseIP(NetworkAddress)})
}
