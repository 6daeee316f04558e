package node

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	bridgeName = "nodes"
	// dialTimeout bounds a connection to a node that may be gone. A node that lives answers in less than a millisecond.
	dialTimeout = time.Second
	// silentTimeout ends a connection whose other end no longer acknowledges, so that a caller learns that its node is gone.
	silentTimeout = 5 * time.Second
	// checkInterval is the time between two checks of a node, as in the shortest that AWS's load balancers allow (5 s) or less.
	checkInterval = 500 * time.Millisecond
)

// File descriptors that StartNetwork passes to RunNetwork.
const (
	apiListener = iota + 3
	ingressListener
	readyPipe
)

// RunNetwork is the process of the network between the nodes: it makes the bridge in the namespace that it is in, and
// forwards connections between the machine's loopback and that namespace. The two listeners that it inherits are on the
// machine. A server in the namespace answers with a picture in PNG format. It does not return without an error.
func RunNetwork(picture []byte) error {
	if err := makeBridge(); err != nil {
		return fmt.Errorf("making the network between the nodes: %w", err)
	}
	api, err := inherited(apiListener)
	if err != nil {
		return err
	}
	ingress, err := inherited(ingressListener)
	if err != nil {
		return err
	}
	pictures, err := net.Listen("tcp4", net.JoinHostPort(PictureAddress, "80"))
	if err != nil {
		return err
	}
	b := newBalancer()
	failed := make(chan error)
	go func() { failed <- forward(api, dialAPI) }()
	go func() { failed <- forward(ingress, b.dial) }()
	go func() {
		failed <- http.Serve(pictures, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(picture) // it fails if the caller has gone
		}))
	}()
	ready := os.NewFile(readyPipe, "ready")
	fmt.Fprint(ready, readyText)
	ready.Close()
	return <-failed
}

const readyText = "ready"

func inherited(descriptor uintptr) (net.Listener, error) {
	file := os.NewFile(descriptor, "listener")
	defer file.Close()
	return net.FileListener(file)
}

func makeBridge() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	picture, err := netlink.ParseAddr(PictureAddress + "/32")
	if err != nil {
		return err
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}
	at, err := netlink.ParseAddr(fmt.Sprintf("%s/%d", NetworkAddress, networkPrefix))
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return netlink.LinkSetUp(lo) },
		func() error { return netlink.AddrAdd(lo, picture) },
		func() error { return netlink.LinkAdd(bridge) },
		func() error { return netlink.AddrAdd(bridge, at) },
		func() error { return netlink.LinkSetUp(bridge) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for number := range MaxNodes {
		if err := routePods(nil, number+1); err != nil {
			return err
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// routePods sends packets to a node's pods to the node. A nil handle means the namespace of this process.
func routePods(handle *netlink.Handle, number int) error {
	_, pods, err := net.ParseCIDR(podCIDR(number))
	if err != nil {
		return err
	}
	route := &netlink.Route{Dst: pods, Gw: net.ParseIP(address(number))}
	if handle == nil {
		return netlink.RouteAdd(route)
	}
	return handle.RouteAdd(route)
}

func dialAPI() (net.Conn, error) {
	return net.DialTimeout("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(APIPort)), dialTimeout)
}

// balancer connects to the ingress controller through the nodes in turn, as a load balancer of a cloud does: it checks each
// node's port and leaves out those that do not answer.
type balancer struct {
	mu      sync.Mutex
	healthy map[string]bool
	next    int
}

func newBalancer() *balancer {
	b := &balancer{healthy: map[string]bool{}}
	for number := range MaxNodes {
		go b.check(net.JoinHostPort(address(number+1), strconv.Itoa(IngressNodePort)))
	}
	return b
}

func (b *balancer) check(node string) {
	for ; ; time.Sleep(checkInterval) {
		conn, err := net.DialTimeout("tcp4", node, dialTimeout)
		if err == nil {
			conn.Close()
		}
		b.mu.Lock()
		b.healthy[node] = err == nil
		b.mu.Unlock()
	}
}

// order lists the nodes, healthy ones first, beginning with another one each time.
func (b *balancer) order() (nodes []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	var rest []string
	for i := range MaxNodes {
		node := net.JoinHostPort(address((b.next+i)%MaxNodes+1), strconv.Itoa(IngressNodePort))
		if b.healthy[node] {
			nodes = append(nodes, node)
		} else {
			rest = append(rest, node)
		}
	}
	if len(nodes) > 0 {
		return nodes
	}
	return rest
}

func (b *balancer) dial() (net.Conn, error) {
	var last error
	for _, node := range b.order() {
		conn, err := net.DialTimeout("tcp4", node, dialTimeout)
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

// forward connects each connection to the listener with one that dial makes.
func forward(listener net.Listener, dial func() (net.Conn, error)) error {
	for {
		from, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer from.Close()
			to, err := dial()
			if err != nil {
				fmt.Printf("%s %v\n", time.Now().Format(time.RFC3339), err)
				return
			}
			defer to.Close()
			setSilentTimeout(to)
			done := make(chan struct{})
			go func() {
				_, _ = io.Copy(to, from)
				_ = to.(*net.TCPConn).CloseWrite()
				close(done)
			}()
			if _, err := io.Copy(from, to); err != nil {
				return // the caller sees the end of its connection at once
			}
			_ = from.(*net.TCPConn).CloseWrite()
			<-done
		}()
	}
}

func setSilentTimeout(conn net.Conn) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(descriptor uintptr) {
		_ = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silentTimeout/time.Millisecond))
	})
}
