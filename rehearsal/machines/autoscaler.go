package machines

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	autoscalerLabel   = "app.kubernetes.io/component=cluster-autoscaler"
	autoscalerName    = "cluster-autoscaler"
	autoscalerBinary  = "cluster-autoscaler-aws" // built with the AWS provider alone
	autoscalerLogName = "cluster-autoscaler.log"
	// restartDelay keeps one that fails at once from filling its log. A kubelet waits 10 s and more.
	restartDelay = 2 * time.Second
	// healthTimeout bounds a question for health, so that the autoscaler's pod is not lost sight of meanwhile.
	healthTimeout = time.Second
)

// Autoscaler is the real Cluster Autoscaler, as a process in place of the pod that runs it.
type Autoscaler struct {
	m *Machines

	// Only the loop writes these, under mu.
	mu      sync.Mutex
	pod     types.UID // whose place the process takes
	podName string
	process *process
	argv    []string
	address string
	starts  int
	next    time.Time // not started again before
}

func newAutoscaler(m *Machines) *Autoscaler { return &Autoscaler{m: m} }

// LogPath is the file with everything that the autoscaler wrote, over all its starts.
func (a *Autoscaler) LogPath() string { return filepath.Join(a.m.cfg.Dir, autoscalerLogName) }

// Argv is what the autoscaler was last started with: the program, the arguments of its container, and the three that
// stand for a pod's surroundings. Empty if it never was.
func (a *Autoscaler) Argv() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.argv)
}

// Pod is the name of the pod in whose place the autoscaler runs, empty while it does not.
func (a *Autoscaler) Pod() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process == nil || !a.process.runs() {
		return ""
	}
	return a.podName
}

// Starts is how often the autoscaler was started. More often than its pods were made means that it failed.
func (a *Autoscaler) Starts() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.starts
}

// Healthy says whether the autoscaler runs and calls itself healthy, as its liveness probe would ask.
func (a *Autoscaler) Healthy(ctx context.Context) bool {
	a.mu.Lock()
	address, runs := a.address, a.process != nil && a.process.runs()
	a.mu.Unlock()
	if !runs {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health-check", nil)
	if err != nil {
		return false
	}
	resp, err := a.m.aws.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

const autoscalerWork = "Cluster Autoscaler"

func (a *Autoscaler) look(ctx context.Context) {
	err := a.step(ctx)
	if err == nil && a.process != nil && !a.Healthy(ctx) {
		return // it has only been started: how that went will show
	}
	a.m.report(ctx, autoscalerWork, err)
}

func (a *Autoscaler) step(ctx context.Context) error {
	pods, err := a.m.kubernetes.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{LabelSelector: autoscalerLabel})
	if err != nil {
		return fmt.Errorf("looking for its pod: %w", err)
	}
	pod := running(pods.Items)
	if pod == nil {
		a.next = time.Time{}
		return a.stop()
	}
	if a.process != nil && a.pod == pod.UID {
		if a.process.runs() {
			return nil
		}
		ended := fmt.Errorf("in place of pod %s, it ended (%v): %s", pod.Name, a.process.err, lastComplaint(a.LogPath()))
		a.forget()
		a.next = time.Now().Add(restartDelay)
		return ended
	}
	if err := a.stop(); err != nil {
		return err
	}
	if time.Now().Before(a.next) {
		return a.m.standing(autoscalerWork)
	}
	if err := a.start(ctx, pod); err != nil {
		a.next = time.Now().Add(restartDelay)
		return err
	}
	return nil
}

func (a *Autoscaler) start(ctx context.Context, pod *corev1.Pod) error {
	container, err := program(pod, autoscalerName)
	if err != nil {
		return err
	}
	args, err := arguments(container)
	if err != nil {
		return err
	}
	env, err := environment(pod, container)
	if err != nil {
		return err
	}
	region := variables(env)["AWS_REGION"]
	if region == "" {
		return fmt.Errorf("container %s of pod %s has no AWS_REGION, and no way to the instance metadata that would tell it", container.Name, pod.Name)
	}
	apiToken, err := a.m.apiToken(ctx, pod, container)
	if err != nil {
		return err
	}
	identity, err := a.m.identityToken(ctx, pod)
	if err != nil {
		return err
	}
	way, err := kubeconfig(a.m.cfg.Kubernetes, apiToken)
	if err != nil {
		return err
	}
	s, err := newSurroundings(a.m.cfg.Dir)
	if err != nil {
		return err
	}
	for file, data := range map[string][]byte{
		s.kubeconfig: way, s.token: []byte(identity), s.cloudConfig: cloudConfig(region, a.m.cfg.AWS.URL())} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return fmt.Errorf("writing what the autoscaler's pod would find: %w", err)
		}
	}
	log, err := os.OpenFile(a.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the autoscaler's log: %w", err)
	}
	defer log.Close() // the process has its own handle
	argv := s.argv(filepath.Join(a.m.cfg.Bin, autoscalerBinary), args)
	p, err := start(argv[0], argv[1:], s.env(env, a.m.cfg.AWS.CredentialsURL()), s.home, log)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.process, a.pod, a.podName, a.argv, a.address = p, pod.UID, pod.Name, argv, s.address
	a.starts++
	a.mu.Unlock()
	a.m.say("the Cluster Autoscaler runs as process %d in place of pod %s", p.cmd.Process.Pid, pod.Name)
	return nil
}

// stop ends the process, if there is one.
func (a *Autoscaler) stop() error {
	if a.process == nil {
		return nil
	}
	if err := a.process.stop(); err != nil {
		return fmt.Errorf("the Cluster Autoscaler: %w", err)
	}
	a.m.say("the Cluster Autoscaler that ran in place of pod %s has ended", a.podName)
	a.forget()
	return nil
}

func (a *Autoscaler) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.process, a.pod, a.podName = nil, "", ""
}

// standing is the failure of a piece of work that was reported last, if it has not been mended.
func (m *Machines) standing(work string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing[work]
}

// complaint is how klog begins the line of an error, or of what a process ends for.
var complaint = regexp.MustCompile(`(?m)^[EF]\d{4} .*$`)

// lastComplaint is the last error in a log, for a message.
func lastComplaint(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	all := complaint.FindAll(data, -1)
	if len(all) == 0 {
		return "see " + file
	}
	return string(all[len(all)-1])
}
