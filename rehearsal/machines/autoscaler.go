package machines

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tfserving/embedded/child"
)

const (
	autoscalerLabel   = "app.kubernetes.io/component=cluster-autoscaler"
	autoscalerName    = "cluster-autoscaler"
	autoscalerBinary  = "cluster-autoscaler-aws" // built with the AWS provider alone
	autoscalerLogName = "cluster-autoscaler.log"
	// restartDelay is the time before the autoscaler is started again after a failure, so that its log does not fill up. A
	// kubelet waits 10 s or more.
	restartDelay = 2 * time.Second
	// healthTimeout bounds a health check. Meanwhile the autoscaler's pod is not watched.
	healthTimeout = time.Second
	// stopTimeout is the time that the autoscaler gets to end after SIGTERM. It ends at once.
	stopTimeout = 5 * time.Second
)

// Autoscaler is the real Cluster Autoscaler, run as a process in place of its pod.
type Autoscaler struct {
	m *Machines

	// Only the loop writes these, under mu.
	mu        sync.Mutex
	pod       types.UID // of the pod that the process replaces
	podName   string
	process   *child.Process
	argv      []string
	address   string
	starts    int
	nextStart time.Time // earliest time of the next start
}

// LogPath returns the path of the autoscaler's log, over all its starts.
func (a *Autoscaler) LogPath() string { return filepath.Join(a.m.cfg.Dir, autoscalerLogName) }

// Argv returns the command line of the last start: the program, the arguments of the container, and three that replace a
// pod's mounts and network. It is empty before the first start.
func (a *Autoscaler) Argv() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.argv)
}

// Pod returns the name of the pod that the process replaces. It is empty while no process runs.
func (a *Autoscaler) Pod() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process == nil || !a.process.Running() {
		return ""
	}
	return a.podName
}

// Starts returns the number of starts of the process. More starts than pods mean that it failed.
func (a *Autoscaler) Starts() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.starts
}

// Healthy says whether the autoscaler runs and would pass its liveness probe.
func (a *Autoscaler) Healthy(ctx context.Context) bool {
	a.mu.Lock()
	address, running := a.address, a.process != nil && a.process.Running()
	a.mu.Unlock()
	if !running {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return child.Healthy(ctx, a.m.aws, "http://"+address+"/health-check")
}

const autoscalerTask = "Cluster Autoscaler"

func (a *Autoscaler) check(ctx context.Context) {
	err := a.step(ctx)
	if err == nil && a.process != nil && !a.Healthy(ctx) {
		return // it is starting: a later check reports success or failure
	}
	a.m.report(ctx, autoscalerTask, err)
}

func (a *Autoscaler) step(ctx context.Context) error {
	pods, err := a.m.kubernetes.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{LabelSelector: autoscalerLabel})
	if err != nil {
		return fmt.Errorf("listing its pods: %w", err)
	}
	pod := leader(pods.Items)
	if pod == nil {
		a.nextStart = time.Time{}
		return a.stop()
	}
	if a.process != nil && a.pod == pod.UID {
		if a.process.Running() {
			return nil
		}
		ended := fmt.Errorf("in place of pod %s, it ended (%v): %s", pod.Name, a.process.ExitError(), lastLoggedError(a.LogPath()))
		a.forget()
		a.nextStart = time.Now().Add(restartDelay)
		return ended
	}
	if err := a.stop(); err != nil {
		return err
	}
	if time.Now().Before(a.nextStart) {
		return a.m.lastError(autoscalerTask)
	}
	if err := a.start(ctx, pod); err != nil {
		a.nextStart = time.Now().Add(restartDelay)
		return err
	}
	return nil
}

func (a *Autoscaler) start(ctx context.Context, pod *corev1.Pod) error {
	container, args, err := mainContainer(pod, autoscalerName)
	if err != nil {
		return err
	}
	env, err := environment(pod, container)
	if err != nil {
		return err
	}
	region := variables(env)["AWS_REGION"]
	if region == "" {
		return fmt.Errorf("container %s of pod %s has no AWS_REGION, and cannot reach the instance metadata, which has the region", container.Name, pod.Name)
	}
	apiToken, err := a.m.apiToken(ctx, pod, container)
	if err != nil {
		return err
	}
	identity, err := a.m.identityToken(ctx, pod)
	if err != nil {
		return err
	}
	config, err := kubeconfig(a.m.cfg.Kubernetes, apiToken)
	if err != nil {
		return err
	}
	e, err := newPodEnvironment(a.m.cfg.Dir)
	if err != nil {
		return err
	}
	for file, data := range map[string][]byte{
		e.kubeconfig: config, e.token: []byte(identity), e.cloudConfig: cloudConfig(region, a.m.cfg.AWS.URL())} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return fmt.Errorf("writing the files that replace mounts of the autoscaler's pod: %w", err)
		}
	}
	log, err := os.OpenFile(a.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening the autoscaler's log: %w", err)
	}
	defer log.Close() // the process has its own handle
	argv := e.argv(filepath.Join(a.m.cfg.Bin, autoscalerBinary), args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = e.env(env, a.m.cfg.AWS.CredentialsURL()), e.home
	cmd.Stdout, cmd.Stderr = log, log
	p, err := child.Start(cmd)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.process, a.pod, a.podName, a.argv, a.address = p, pod.UID, pod.Name, argv, e.address
	a.starts++
	a.mu.Unlock()
	a.m.logf("the Cluster Autoscaler runs as process %d in place of pod %s", p.PID(), pod.Name)
	return nil
}

// stop ends the process, if there is one.
func (a *Autoscaler) stop() error {
	if a.process == nil {
		return nil
	}
	if err := a.process.Stop(stopTimeout); err != nil {
		return fmt.Errorf("stopping the Cluster Autoscaler: %w", err)
	}
	a.m.logf("the Cluster Autoscaler that ran in place of pod %s has ended", a.podName)
	a.forget()
	return nil
}

func (a *Autoscaler) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.process, a.pod, a.podName = nil, "", ""
}

// lastError is the error of a task's last attempt, or nil.
func (m *Machines) lastError(task string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing[task]
}

// klogError matches a line of klog with an error or a fatal error.
var klogError = regexp.MustCompile(`(?m)^[EF]\d{4} .*$`)

// lastLoggedError is the last error in a log, for a message.
func lastLoggedError(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	all := klogError.FindAll(data, -1)
	if len(all) == 0 {
		return "see " + file
	}
	return string(all[len(all)-1])
}
