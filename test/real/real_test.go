//go:build linux

// Package real uses stack real as a person does: the nodes are real, and so are the containers, the network rules and the
// answer. It needs Linux and root.
package real

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"tfserving/embedded/node"
	"tfserving/embedded/traffic"
	"tfserving/examples"
	"tfserving/internal/checkout"
)

const (
	namespace = "tfserving"
	nodes     = 2
	// tolerance is the largest difference between a score and TensorFlow's own that rounding explains.
	tolerance = 1e-5
)

// stack is stack real of a checkout of its own.
type stack struct {
	*checkout.Checkout
}

func newStack(t *testing.T) *stack {
	t.Helper()
	missing := node.Check(t.TempDir(), nodes, false)
	if err := examples.Check(t.Context()); err != nil {
		missing = append(missing, err.Error())
	}
	if len(missing) > 0 {
		t.Skipf("stack real is NOT tested: this machine cannot run real nodes: %s", strings.Join(missing, "; "))
	}
	return &stack{checkout.New(t, "../..")}
}

func (s *stack) up() string { s.T.Helper(); return s.Make("up", "STACK=real") }

func (s *stack) client() *kubernetes.Clientset {
	s.T.Helper()
	return checkout.Client(s.T, filepath.Join(s.Dir, ".local", "real", "kubeconfig"))
}

// kubectl runs kubectl on the stack's cluster. It must succeed.
func (s *stack) kubectl(args ...string) string {
	s.T.Helper()
	kubeconfig := filepath.Join(s.Dir, ".local", "real", "kubeconfig")
	return s.Run(filepath.Join(s.Dir, ".local", "bin", "kubectl"), append([]string{"--kubeconfig", kubeconfig}, args...)...)
}

// pods returns the pods of a component that receive requests.
func (s *stack) pods(component string) (ready []corev1.Pod) {
	s.T.Helper()
	all, err := s.client().CoreV1().Pods(namespace).List(context.Background(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=" + component})
	if err != nil {
		s.T.Fatal(err)
	}
	for i := range all.Items {
		if checkout.PodReady(&all.Items[i]) {
			ready = append(ready, all.Items[i])
		}
	}
	return ready
}

// eventually waits for what controllers do.
func (s *stack) eventually(what string, check func(context.Context) error) {
	s.T.Helper()
	checkout.Eventually(s.T.(*testing.T), what, check)
}

// TestStackReal takes one checkout from a fresh clone to make down. Each part begins where the one before ended.
func TestStackReal(t *testing.T) {
	s := newStack(t)
	before := machine(t, s.Dir)
	t.Cleanup(func() {
		begin := time.Now()
		s.Make("down", "STACK=real")
		if took := time.Since(begin); took > downTime {
			t.Errorf("make down took %s, want under %s", took, downTime)
		}
		for _, difference := range before.changes(machine(t, s.Dir)) {
			t.Errorf("after make down the machine differs: %s", difference)
		}
	})
	for _, part := range []struct {
		name string
		run  func(*testing.T, *stack)
	}{
		{"make up ends with a command that returns the prediction that TensorFlow computes without a server", prediction},
		{"a pod runs without privileges, with a read-only root and no token", podAsItRuns},
		{"the network rules admit the path of a request and nothing else", flows},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, &stack{&checkout.Checkout{T: t, Dir: s.Dir, Env: s.Env}}) }) {
			t.FailNow()
		}
	}
}

// downTime is the longest time of make down, on two cores.
const downTime = 10 * time.Second

// curlLine is the command at the end of make up.
var curlLine = regexp.MustCompile(`(?m)^ +(curl .*'(\{.*\})' (http://\S+)/predict)$`)

func prediction(t *testing.T, s *stack) {
	out := s.up()
	command := curlLine.FindStringSubmatch(out)
	if command == nil {
		t.Fatalf("make up does not end with a command:\n%s", out)
	}
	scores, err := examples.Prediction(filepath.Join(s.Dir, ".local", "images", examples.Model+".tar"))
	if err != nil {
		t.Fatal(err)
	}
	// The gateway fetches the example's picture from the server in the nodes' network.
	if err := traffic.CheckScores(scores, tolerance)([]byte(s.Shell(command[1]))); err != nil {
		t.Errorf("%s: %v", command[1], err)
	}
}
