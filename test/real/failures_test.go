//go:build linux

package real

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// modelKilled kills a model server's process, which the kubelet starts again.
func modelKilled(_ *testing.T, s *stack) {
	s.losesNothing(func() {
		before := s.pods("model-server")
		if err := s.processOf(&before[0], programs["model-server"]).Kill(); err != nil {
			s.T.Fatal(err)
		}
		s.eventually("its container has started again", func(ctx context.Context) error {
			pod, err := s.client().CoreV1().Pods(namespace).Get(ctx, before[0].Name, metav1.GetOptions{})
			if err == nil && pod.Status.ContainerStatuses[0].RestartCount == before[0].Status.ContainerStatuses[0].RestartCount {
				err = errors.New("not yet")
			}
			return err
		})
		s.settled()
	})
}

const (
	// failuresEnd is the longest time in which requests fail after the loss of a node. Until then a load balancer, a controller
	// and the gateways notice it one after the other.
	failuresEnd = time.Minute
	// replacedWithin is the longest time until other nodes run the pods of a lost node: 20 s until it counts as lost, the 30 s
	// of nodeFailureTimeout, and the start of a model server.
	replacedWithin = 90 * time.Second
)

func nodeKilled(t *testing.T, s *stack) {
	const name = "real-2"
	s.up() // with the settings of before
	s.settled()
	var killed time.Time
	begin := time.Now()
	report := s.underTraffic(rate, func() {
		killed = time.Now()
		if err := syscall.Kill(s.nodePID(name), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.eventually("every pod runs on the other node", func(context.Context) error {
			for _, component := range []string{"gateway", "model-server"} {
				elsewhere := 0
				for _, pod := range s.pods(component) {
					if pod.Spec.NodeName != name {
						elsewhere++
					}
				}
				if elsewhere < 2 {
					return fmt.Errorf("%d pods of %s are ready elsewhere", elsewhere, component)
				}
			}
			return nil
		})
		if took := time.Since(killed); took > replacedWithin {
			t.Errorf("the pods were replaced after %s, want under %s", took.Round(time.Second), replacedWithin)
		} else {
			t.Logf("the pods were replaced after %s", took.Round(time.Second))
		}
		time.Sleep(max(0, failuresEnd-time.Since(killed)) + 10*time.Second)
	})
	_, last := report.FailingTime()
	failing := begin.Add(last).Sub(killed)
	t.Logf("%d of %d requests failed, the last %s after the end of the node", report.Failed(), len(report.Answers), failing.Round(time.Second))
	if failing > failuresEnd {
		t.Errorf("requests failed until %s after the end of the node, want at most %s\n%s", failing.Round(time.Second), failuresEnd, report)
	}
	s.up()
	// The node is used again: it takes a new pod when the other one takes none.
	s.kubectl("cordon", "real-1")
	defer s.kubectl("uncordon", "real-1")
	before := s.pods("gateway")
	s.kubectl("-n", namespace, "delete", "pod", before[0].Name)
	s.eventually("the node that came back runs a pod", func(context.Context) error {
		for _, pod := range s.pods("gateway") {
			if pod.Spec.NodeName == name {
				return nil
			}
		}
		return errors.New("it runs none")
	})
}

// daemonsKilled kills the daemons of all nodes. Process 1 of each node starts them again.
func daemonsKilled(t *testing.T, s *stack) {
	skipIfShort(t)
	s.settled()
	s.losesNothing(func() {
		for _, daemon := range []string{"/kubelet", "/kube-proxy", "/kube-router", "/containerd"} {
			s.killDaemon(daemon)
		}
		time.Sleep(30 * time.Second) // longer than a node may be silent, which is 20 s
		s.settled()
	})
}

// processesKilled kills process 1 of a node, then the network between the nodes, then the API server.
func processesKilled(t *testing.T, s *stack) {
	skipIfShort(t)
	for _, round := range []struct {
		name string
		kill func()
	}{
		{"a node", func() { _ = syscall.Kill(s.nodePID("real-1"), syscall.SIGKILL) }},
		{"the network between the nodes", func() { _ = syscall.Kill(s.networkPID(), syscall.SIGKILL) }},
		{"the API server", func() { s.killDaemon("/kube-apiserver") }},
	} {
		t.Logf("killing %s", round.name)
		round.kill()
		s.up()
		s.settled()
		s.losesNothing(func() {})
	}
}

// killDaemon kills the processes of the checkout's cluster that run a pinned command.
func (s *stack) killDaemon(command string) {
	s.T.Helper()
	killed := 0
	for _, p := range processesOf(s.T.(*testing.T), s.Dir) {
		arguments, _ := p.CmdlineSlice()
		if len(arguments) > 0 && strings.HasSuffix(arguments[0], command) {
			if p.Kill() == nil {
				killed++
			}
		}
	}
	if killed == 0 {
		s.T.Fatalf("there is no process %s", command)
	}
}

// secondCheckout brings stack real up in another checkout. Both answer, and the end of one leaves the other as it was.
func secondCheckout(t *testing.T, s *stack) {
	skipIfShort(t)
	s.losesNothing(func() {
		second := newStack(t)
		second.set("model.replicas", map[string]any{"min": 1, "max": 1})
		second.set("gateway.replicas", map[string]any{"min": 1, "max": 1})
		defer second.Make("down", "STACK=real")
		prediction(t, second)
		if second.url == s.url {
			t.Errorf("both checkouts have the address %s", s.url)
		}
		second.losesNothing(func() {})
	})
}
