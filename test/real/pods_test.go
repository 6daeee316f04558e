//go:build linux

package real

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"tfserving/embedded/node"
	"tfserving/examples"
	"tfserving/internal/checkout"
)

// processOf returns the process of a pod whose command line contains a text. The kubelet names the cgroup of a pod for its
// UID.
func (s *stack) processOf(pod *corev1.Pod, text string) *process.Process {
	s.T.Helper()
	running, err := process.Processes()
	if err != nil {
		s.T.Fatal(err)
	}
	for _, p := range running {
		cgroup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.Pid))
		if line, _ := p.Cmdline(); strings.Contains(line, text) && strings.Contains(string(cgroup), "pod"+string(pod.UID)) {
			return p
		}
	}
	s.T.Fatalf("pod %s has no process %s", pod.Name, text)
	return nil
}

// programs are texts in the command line of each component's program.
var programs = map[string]string{"gateway": "gunicorn", "model-server": "server.py"}

func podAsItRuns(t *testing.T, s *stack) {
	for component, program := range programs {
		pod := s.pods(component)[0]
		pid := s.processOf(&pod, program).Pid
		at := func(name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }
		status, err := os.ReadFile(at("status"))
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]string{}
		for line := range strings.Lines(string(status)) {
			name, value, _ := strings.Cut(line, ":")
			fields[name] = strings.Join(strings.Fields(value), " ")
		}
		for name, want := range map[string]string{
			"Uid": "1000 1000 1000 1000", "Gid": "1000 1000 1000 1000",
			"CapEff": "0000000000000000", "CapBnd": "0000000000000000", "CapPrm": "0000000000000000",
			"NoNewPrivs": "1", "Seccomp": "2", // 2 is a filter (proc(5))
		} {
			if fields[name] != want {
				t.Errorf("%s: %s is %q, want %q", component, name, fields[name], want)
			}
		}
		// Root of this machine may write wherever a mount allows it.
		if err := os.WriteFile(at("root/written"), nil, 0o644); err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: writing a file at the root of the container: %v; the file system must be read-only", component, err)
		}
		for _, secrets := range []string{"root/var/run/secrets", "root/run/secrets"} {
			if found, err := os.ReadDir(at(secrets)); err == nil {
				t.Errorf("%s: its container has secrets: %v", component, found)
			}
		}
	}
}

// flow is a connection that a pod opens. The address is one of a pod, a Service or a node.
type flow struct {
	from, to string
	port     int
	open     bool
}

// metadataAddress is where a cloud's node has its credentials.
const metadataAddress = "169.254.169.254"

func flows(t *testing.T, s *stack) {
	s.startStranger()
	defer s.kubectl("delete", "pod", "stranger", "--grace-period=0", "--force")
	s.serveMetadata()
	client := s.client()
	address := map[string]string{"picture": node.PictureAddress, "dns service": node.DNSAddress, "api service": "10.0.0.1", "api server": node.NetworkAddress,
		"metadata": metadataAddress, "kubelet 1": "10.213.0.11", "kubelet 2": "10.213.0.12"}
	pid := map[string]int32{}
	addPod := func(name string, pod corev1.Pod) {
		address[name] = pod.Status.PodIP
		pid[name] = s.processOf(&pod, "/pause").Pid
	}
	for _, component := range []string{"gateway", "model-server"} {
		pods := s.pods(component)
		if len(pods) < 2 {
			t.Fatalf("%d pods of %s, want 2", len(pods), component)
		}
		addPod(component, pods[0])
		address["other "+component] = pods[1].Status.PodIP
	}
	for name, of := range map[string]struct{ namespace, labels string }{
		"stranger": {"default", "app=stranger"}, "ingress": {"skipper", "app=skipper"}, "dns": {"kube-system", "k8s-app=kube-dns"},
	} {
		pods, err := client.CoreV1().Pods(of.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: of.labels})
		if err != nil || len(pods.Items) == 0 {
			t.Fatalf("there is no pod %s (%v)", name, err)
		}
		addPod(name, pods.Items[0])
	}
	for name, service := range map[string]string{"gateway service": "gateway", "model service": "tf-serving-clothing-model"} {
		found, err := client.CoreV1().Services(namespace).Get(t.Context(), service, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		address[name] = found.Spec.ClusterIP
	}
	const open, closed = true, false
	for _, f := range []flow{
		// The path of a request.
		{"ingress", "gateway", 9696, open}, {"ingress", "other gateway", 9696, open}, {"ingress", "gateway service", 80, open},
		{"gateway", "model-server", 8500, open}, {"gateway", "other model-server", 8500, open}, {"gateway", "model service", 8500, open},
		{"gateway", "picture", 80, open}, {"gateway", "dns", 53, open}, {"gateway", "dns service", 53, open}, {"model-server", "dns", 53, open},
		// What a pod without rules reaches: each of these addresses answers.
		{"stranger", "picture", 80, open}, {"stranger", "kubelet 1", 10250, open}, {"stranger", "kubelet 2", 10250, open}, {"stranger", "api service", 443, open},
		{"stranger", "api server", 6443, open}, {"stranger", "metadata", 80, open}, {"stranger", "ingress", 9090, open}, {"ingress", "stranger", strangerPort, open},
		// Strangers, and the ingress controller past the gateway.
		{"stranger", "gateway", 9696, closed}, {"stranger", "gateway service", 80, closed}, {"stranger", "model-server", 8500, closed},
		{"stranger", "model service", 8500, closed}, {"stranger", "model-server", 8501, closed},
		{"ingress", "model-server", 8500, closed}, {"ingress", "model service", 8500, closed}, {"ingress", "model-server", 8501, closed},
		// The gateway, which calls addresses that callers give.
		{"gateway", "model-server", 8501, closed}, {"gateway", "other gateway", 9696, closed}, {"gateway", "stranger", strangerPort, closed}, {"gateway", "ingress", 9090, closed},
		{"gateway", "kubelet 1", 10250, closed}, {"gateway", "kubelet 2", 10250, closed}, {"gateway", "api service", 443, closed},
		{"gateway", "api server", 6443, closed}, {"gateway", "metadata", 80, closed},
		// The model server, which calls nothing.
		{"model-server", "gateway", 9696, closed}, {"model-server", "other model-server", 8500, closed}, {"model-server", "picture", 80, closed},
		{"model-server", "kubelet 1", 10250, closed}, {"model-server", "kubelet 2", 10250, closed}, {"model-server", "api service", 443, closed},
		{"model-server", "api server", 6443, closed}, {"model-server", "metadata", 80, closed}, {"model-server", "stranger", strangerPort, closed},
	} {
		err := dial(pid[f.from], address[f.to], f.port)
		if f.open != (err == nil) {
			t.Errorf("from %s to %s (%s), port %d: %v; it must be open: %v", f.from, f.to, address[f.to], f.port, err, f.open)
		}
	}
}

// dialTimeout is the time after which a connection counts as closed: an open one takes milliseconds.
const dialTimeout = 2 * time.Second

// dial connects from the network namespace of a process.
func dial(pid int32, address string, port int) error {
	return node.InNetwork(int(pid), func() error {
		conn, err := net.DialTimeout("tcp4", net.JoinHostPort(address, strconv.Itoa(port)), dialTimeout)
		if err == nil {
			conn.Close()
		}
		return err
	})
}

const strangerPort = 8080

// startStranger starts a pod that no rule mentions, in another namespace. It listens on strangerPort.
func (s *stack) startStranger() {
	s.T.Helper()
	client := s.client()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "stranger", Labels: map[string]string{"app": "stranger"}}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "server", Image: examples.GatewayTags[0], ImagePullPolicy: corev1.PullNever,
			Command:        []string{"/opt/python/bin/python3", "-m", "http.server", strconv.Itoa(strangerPort), "--directory", "/tmp"},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(strangerPort)}}}}},
	}}
	if _, err := client.CoreV1().Pods("default").Create(context.Background(), pod, metav1.CreateOptions{}); err != nil {
		s.T.Fatal(err)
	}
	s.eventually("the stranger is ready", func(ctx context.Context) error {
		now, err := client.CoreV1().Pods("default").Get(ctx, pod.Name, metav1.GetOptions{})
		if err == nil && !checkout.PodReady(now) {
			err = errors.New("it is not ready")
		}
		return err
	})
}

// networkPID is the process of the network between the nodes.
func (s *stack) networkPID() int { s.T.Helper(); return s.pidIn("network.pid") }

// nodePID is process 1 of a node.
func (s *stack) nodePID(name string) int {
	s.T.Helper()
	return s.pidIn(filepath.Join("nodes", name, "pid"))
}

func (s *stack) pidIn(file string) int {
	s.T.Helper()
	data, err := os.ReadFile(filepath.Join(s.Dir, ".local", "real", "cluster", file))
	if err != nil {
		s.T.Fatal(err)
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil {
		s.T.Fatal(err)
	}
	return pid
}

// serveMetadata listens at the address of a cloud's metadata service, in the network between the nodes. The listener ends with
// the part of the test, the address with the network.
func (s *stack) serveMetadata() {
	s.T.Helper()
	pid := s.networkPID()
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		s.T.Fatal(err)
	}
	defer ns.Close()
	handle, err := netlink.NewHandleAt(ns)
	if err != nil {
		s.T.Fatal(err)
	}
	defer handle.Close()
	lo, err := handle.LinkByName("lo")
	if err == nil {
		var at *netlink.Addr
		if at, err = netlink.ParseAddr(metadataAddress + "/32"); err == nil {
			err = handle.AddrAdd(lo, at)
		}
	}
	if err == nil {
		err = node.InNetwork(pid, func() error {
			listener, err := net.Listen("tcp4", net.JoinHostPort(metadataAddress, "80"))
			if err == nil {
				s.T.Cleanup(func() { listener.Close() })
			}
			return err
		})
	}
	if err != nil {
		s.T.Fatal(err)
	}
}
