//go:build linux

// Package real uses stack real as a person does, and sends it real requests meanwhile: the nodes are real, and so are the
// containers, the drains, the probes and the network rules. It needs Linux and root.
package real

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
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
	stackFile = "Pulumi.real.yaml"
	namespace = "tfserving"
	nodes     = 2
	// tolerance is the largest difference between a score and TensorFlow's own that rounding explains.
	tolerance = 1e-5
	// rate is the requests per second while something is done. Two cores compute about 40 predictions a second.
	rate = 12
	// answerTimeout is longer than the gateway waits for a prediction (20 s) and a picture (5 s).
	answerTimeout = 30 * time.Second
	// quiet is how long requests go on before and after what is done.
	quiet = 3 * time.Second
	// longestRun bounds a part under traffic.
	longestRun = 15 * time.Minute
)

// stack is stack real of a checkout of its own.
type stack struct {
	*checkout.Checkout
	*found
}

// found is what the parts of the test share.
type found struct {
	url          string    // of the gateway
	scores       []float64 // the model's prediction for the example's picture, computed by TensorFlow without a server
	sent, failed int       // requests
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
	s := &stack{Checkout: checkout.New(t, "../.."), found: &found{}}
	for _, component := range []string{"gateway", "model"} { // the default is minutes
		s.set(component+".scaling.down", map[string]any{"stabilization": "15s"})
	}
	return s
}

// of returns the stack for a part of the test.
func (s *stack) of(t *testing.T) *stack {
	part := *s
	part.Checkout = &checkout.Checkout{T: t, Dir: s.Dir, Env: s.Env}
	return &part
}

// set changes a setting of stack real.
func (s *stack) set(path string, value any) {
	s.T.Helper()
	s.Edit(stackFile, path, value)
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

// underTraffic sends requests at a constant rate while something is done, and returns what happened to each of them.
func (s *stack) underTraffic(perSecond int, do func()) *traffic.Report {
	s.T.Helper()
	body, err := json.Marshal(map[string]string{"url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(examples.Picture)})
	if err != nil {
		s.T.Fatal(err)
	}
	run := traffic.Run{URL: s.url + "/predict", Body: body, Rate: perSecond, For: longestRun, Timeout: answerTimeout, Check: traffic.CheckScores(s.scores, tolerance)}
	ctx, stop := context.WithCancel(context.Background())
	report, ended := &traffic.Report{}, make(chan error, 1)
	go func() {
		var sent atomic.Int64
		ended <- traffic.Send(ctx, run, &sent, report.Add)
	}()
	func() {
		defer stop() // also if do fails the test
		time.Sleep(quiet)
		do()
		time.Sleep(quiet)
	}()
	if err := <-ended; err != nil {
		s.T.Fatal(err)
	}
	s.sent += len(report.Answers)
	s.failed += report.Failed()
	s.T.Logf("%d requests, %d failed, longest time without an answer %s, half within %s, 99 %% within %s", len(report.Answers), report.Failed(),
		report.LongestGap().Round(time.Millisecond), report.Latency(0.5).Round(time.Millisecond), report.Latency(0.99).Round(time.Millisecond))
	return report
}

// losesNothing fails the test if a request fails while something is done.
func (s *stack) losesNothing(do func()) *traffic.Report {
	s.T.Helper()
	return s.losesNothingAt(rate, do)
}

func (s *stack) losesNothingAt(perSecond int, do func()) *traffic.Report {
	s.T.Helper()
	report := s.underTraffic(perSecond, do)
	if report.Failed() > 0 {
		s.T.Errorf("%s", report)
	}
	return report
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
		t.Logf("%d requests in all, %d failed", s.sent, s.failed)
	})
	for _, part := range []struct {
		name string
		run  func(*testing.T, *stack)
	}{
		{"make up ends with a command that returns the prediction that TensorFlow computes without a server", prediction},
		{"a second make up finds nothing to change", upAgain},
		{"a pod runs without privileges, with a read-only root and no token", podAsItRuns},
		{"the network rules admit the path of a request and nothing else", flows},
		{"an answer that comes at once comes whole", answersAtOnce},
		{"a new gateway image drops no request", newGatewayImage},
		{"a new model image drops no request", newModelImage},
		{"other resources drop no request", otherResources},
		{"other batching drops no request", otherBatching},
		{"the end of a pod drops no request", podDeleted},
		{"the end of a model server's process drops no request", modelKilled},
		{"the drain of a node drops no request", nodeDrained},
		{"an image tag that does not exist drops no request, and make up says what is wrong", missingTag},
		{"gateways spread their calls over the model servers", spread},
		{"model servers follow real CPU use up and down, and no request fails", loadUpAndDown},
		{"the pods of a node that is killed run elsewhere, and the node is used again after make up", nodeKilled},
		{"killed daemons of a node drop no request", daemonsKilled},
		{"make up recovers from killed processes", processesKilled},
		{"a second checkout runs beside the first", secondCheckout},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, s.of(t)) }) {
			t.FailNow()
		}
	}
}

// skipIfShort leaves a long part out of a short test.
func skipIfShort(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT tested: this is a short test")
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
	s.url = command[3]
	var err error
	if s.scores, err = examples.Prediction(filepath.Join(s.Dir, ".local", "images", examples.Model+".tar")); err != nil {
		t.Fatal(err)
	}
	// The gateway fetches the example's picture from the server in the nodes' network.
	if err := traffic.CheckScores(s.scores, tolerance)([]byte(s.Shell(command[1]))); err != nil {
		t.Errorf("%s: %v", command[1], err)
	}
}

// answersAtOnce sends requests that the gateway refuses without a call of the model, within about a millisecond: before the
// ingress controller has seen the end of the request.
func answersAtOnce(t *testing.T, s *stack) {
	run := traffic.Run{URL: s.url + "/predict", Body: []byte(strings.Repeat("x", 2000)), Rate: 60, For: 20 * time.Second, Timeout: answerTimeout}
	var sent atomic.Int64
	got := map[string]int{}
	if err := traffic.Send(t.Context(), run, &sent, func(a traffic.Answer) { got[a.Failure]++ }); err != nil {
		t.Fatal(err)
	}
	for reason, count := range got {
		if !strings.HasPrefix(reason, "400 Bad Request, the body must be JSON") {
			t.Errorf("%d of %d: %q", count, sent.Load(), reason)
		}
	}
	if len(got) == 0 {
		t.Error("no request was sent")
	}
}

func upAgain(t *testing.T, s *stack) {
	if out := s.up(); checkout.Changes(out) != "" || !strings.Contains(out, "unchanged") {
		t.Errorf("a second make up changes %q:\n%s", checkout.Changes(out), out)
	}
}
