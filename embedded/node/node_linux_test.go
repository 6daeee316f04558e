package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be the hidden commands, as cmd/stack is.
func TestMain(m *testing.M) {
	if is, err := Hidden(os.Args[1:], []byte("a picture")); is {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// testTimeout bounds each wait, which takes 0.1 to 3 s on an idle machine.
const testTimeout = time.Minute

// needsRoot skips a test where namespaces cannot be made.
func needsRoot(t *testing.T) {
	t.Helper()
	if missing := Check(t.TempDir(), 1, false); len(missing) > 0 {
		t.Skipf("real nodes are NOT tested: this machine cannot run them: %s", strings.Join(missing, "; "))
	}
}

// machine is what a cluster must leave as it was: mounts, links and cgroups.
func machine(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, link := range links {
		names += link.Name + " "
	}
	cgroups, _ := filepath.Glob(cgroupMount + "/tfserving-test*")
	more, _ := filepath.Glob(cgroupMount + "/*/tfserving-test*")
	sysctls := ""
	for _, name := range sysctlsOfTheMachine {
		value, _ := os.ReadFile("/proc/sys/" + name)
		sysctls += name + "=" + string(value)
	}
	return fmt.Sprint(string(mounts), names, cgroups, more, sysctls)
}

var sysctlsOfTheMachine = []string{"net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic"}

// testNode is a node whose commands are scripts.
func testNode(t *testing.T, scripts map[string]string) Config {
	t.Helper()
	work := t.TempDir()
	c := Config{Number: 1, Work: work, Dir: filepath.Join(work, "nodes", "real-1"), Bin: filepath.Join(work, "bin"),
		CgroupParent: "tfserving-test-" + strconv.Itoa(os.Getpid()), CA: filepath.Join(work, "ca.crt"), CAKey: filepath.Join(work, "ca.key")}
	if err := os.MkdirAll(c.Bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range c.daemons() {
		script := "#!/bin/bash\n" + scripts[d.name] + "\nexec sleep 1000\n"
		if err := os.WriteFile(filepath.Join(c.Bin, d.name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeAuthority(t, c)
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	return c
}

func writeAuthority(t *testing.T, c Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{c.CA: {Type: "CERTIFICATE", Bytes: der}, c.CAKey: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// startTest starts a network and a node, and returns the identifiers of their processes. Both end with the test.
func startTest(t *testing.T, c Config, ingress string) (network, node int) {
	t.Helper()
	networkPID, nodePID := filepath.Join(c.Work, "network.pid"), filepath.Join(c.Work, "node.pid")
	t.Cleanup(func() {
		for _, file := range []string{nodePID, networkPID} {
			if pid := readPID(file); pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if err := RemoveCgroups(c.CgroupParent); err != nil {
			t.Error(err)
		}
	})
	if err := StartNetwork(c.Work, networkPID, "127.213.255.1:"+strconv.Itoa(APIPort), ingress); err != nil {
		t.Fatal(err, logs(c))
	}
	if err := c.Start(readPID(networkPID), nodePID); err != nil {
		t.Fatal(err, logs(c))
	}
	return readPID(networkPID), readPID(nodePID)
}

func readPID(file string) int {
	data, _ := os.ReadFile(file)
	pid, _ := strconv.Atoi(string(data))
	return pid
}

func logs(c Config) (all string) {
	for _, pattern := range []string{"*.log", "nodes/*/*.log"} {
		names, _ := filepath.Glob(filepath.Join(c.Work, pattern))
		for _, name := range names {
			data, _ := os.ReadFile(name)
			all += "\n" + name + ":\n" + string(data)
		}
	}
	return all
}

func waitFor(t *testing.T, c Config, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(testTimeout); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s%s", testTimeout, what, logs(c))
		}
	}
}

// The kubelet's script fetches the picture through the bridge, and writes where a kubelet writes on a machine.
func TestANodeReachesTheNetworkAndLeavesNothingOnTheMachine(t *testing.T) {
	needsRoot(t)
	before := machine(t)
	c := testNode(t, map[string]string{
		"containerd": "mkdir -p /run/containerd; touch " + containerdSocket,
		"kubelet": `cd "$(dirname "$0")/.."
exec 3<>/dev/tcp/` + PictureAddress + `/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; head -c 15 <&3 >nodes/real-1/answer
mkdir -p /var/lib/kubelet /var/log/pods; touch /var/log/pods/tfserving-test /etc/tfserving-test 2>/dev/null
echo 1 >/proc/sys/vm/overcommit_memory; echo 11 >/proc/sys/kernel/panic
touch nodes/real-1/done`,
	})
	_, node := startTest(t, c, "127.213.255.1:8081")
	waitFor(t, c, "the node's kubelet", func() bool {
		_, err := os.Stat(c.file("done"))
		return err == nil
	})
	if answer, err := os.ReadFile(c.file("answer")); err != nil || string(answer) != "HTTP/1.0 200 OK" {
		t.Errorf("the picture's server answers %q (%v)", answer, err)
	}
	for _, name := range []string{"/var/log/pods/tfserving-test", "/etc/tfserving-test"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("the node has written %s on the machine", name)
			os.Remove(name)
		}
	}
	if err := syscall.Kill(node, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := RemoveCgroups(c.CgroupParent); err != nil {
		t.Error(err)
	}
	if after := machine(t); after != before {
		t.Errorf("the machine was\n%s\nand is\n%s", before, after)
	}
}

// A daemon that ends is started again. The end of process 1 ends all of them.
func TestProcess1KeepsTheDaemonsRunningAndEndsThemWithItself(t *testing.T) {
	needsRoot(t)
	c := testNode(t, map[string]string{
		"containerd": "mkdir -p /run/containerd; touch " + containerdSocket,
		"kube-proxy": `echo started >>"$(dirname "$0")/../nodes/real-1/starts"; exit 1`,
	})
	_, node := startTest(t, c, "127.213.255.1:8082")
	waitFor(t, c, "a second start of a daemon that ends", func() bool {
		starts, _ := os.ReadFile(c.file("starts"))
		return strings.Count(string(starts), "started") >= 2
	})
	children := func() (all []string) { // of every thread: Go starts a process on any of them
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", node))
		for _, list := range lists {
			out, _ := os.ReadFile(list)
			all = append(all, strings.Fields(string(out))...)
		}
		return all
	}
	waitFor(t, c, "the daemons", func() bool { return len(children()) >= 3 })
	daemons := children()
	if err := syscall.Kill(node, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, c, "the end of the daemons", func() bool {
		for _, pid := range daemons {
			if _, err := os.Stat("/proc/" + pid); err == nil {
				return false
			}
		}
		return true
	})
}

// The address on the machine leads to the port of a node at which kube-proxy reaches the ingress controller.
func TestTheMachineReachesTheIngressControllerThroughANode(t *testing.T) {
	needsRoot(t)
	c := testNode(t, map[string]string{"containerd": "mkdir -p /run/containerd; touch " + containerdSocket})
	_, node := startTest(t, c, "127.213.255.1:8083")
	if err := InNetwork(node, func() error {
		listener, err := net.Listen("tcp4", net.JoinHostPort(c.Address(), strconv.Itoa(IngressNodePort)))
		if err != nil {
			return err
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "from the node") }))
		}()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 2 * time.Second}
	waitFor(t, c, "an answer", func() bool {
		answer, err := client.Get("http://127.213.255.1:8083/")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return string(body) == "from the node"
	})
}
