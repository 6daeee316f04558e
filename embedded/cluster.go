// Package local is the embedded cluster: a real Kubernetes control plane on this machine, nodes that kwok simulates, and
// the real Cluster Autoscaler. Everything listens on loopback and keeps its files in one folder.
package embedded

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
)

const (
	// clusterName is kwokctl's name for the cluster. The folder tells clusters of several checkouts apart.
	clusterName = "tfserving"
	// ContextName is the cluster's context in the kubeconfig that Start writes; kwokctl makes it of the name.
	ContextName = "kwok-" + clusterName
	// readyTimeout bounds the start of the control plane, which takes 3-6 s on two idle cores.
	readyTimeout = 2 * time.Minute
	// podStart is how long a simulated pod takes from its node to ready.
	podStart = time.Second
	// metricResolution is how often metrics-server reads the nodes: the least that it accepts.
	metricResolution = 10 * time.Second
)

// NodeGroup is a group of like nodes that the autoscaler grows and shrinks.
type NodeGroup struct {
	Name         string
	InstanceType string // an EC2 instance type
	Capacity     string // ON_DEMAND or SPOT, as EKS labels it
	Min, Max     int    // nodes
}

// Config shapes a cluster.
type Config struct {
	Dir        string // absolute; everything the cluster writes is in it
	Bin        string // the folder with the pinned commands
	Kubeconfig string // the file that receives the way in
	NodeGroups []NodeGroup
	Region     string
	Zones      int           // availability zones the nodes spread over
	BootTime   time.Duration // from an instance's request to its ready node
	// HPASync is how often HorizontalPodAutoscalers look.
	HPASync time.Duration
	// AutoscalerFlags are the Cluster Autoscaler's arguments; the local platform's own come on top. Without any, none
	// is started.
	AutoscalerFlags []string
	// TokenWebhook is the URL of a TokenReview webhook that the API server asks about tokens that are none of its own.
	// Empty: there are none.
	TokenWebhook string
	// CloudControllers says that load balancers are made by a controller of the caller's; without, Ingresses and
	// Services are given an address at which nothing answers.
	CloudControllers bool
	// Log receives what Start is doing, a line a step.
	Log io.Writer
}

// Cluster is an embedded cluster.
type Cluster struct{ cfg Config }

// New returns the cluster of a configuration, running or not.
func New(cfg Config) *Cluster {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	return &Cluster{cfg: cfg}
}

//go:embed stages.yaml
var stages string

//go:embed kwok.yaml
var kwokConfig string

//go:embed metrics-server.yaml
var metricsServer []byte

func (c *Cluster) say(format string, args ...any) {
	fmt.Fprintf(c.cfg.Log, "cluster: "+format+"\n", args...)
}

// files inside the cluster's folder.
func (c *Cluster) file(name string) string { return filepath.Join(c.cfg.Dir, name) }

// components is kwokctl's folder for the cluster: a process identifier and a log for each component.
func (c *Cluster) components(kind string) string {
	return filepath.Join(c.cfg.Dir, "clusters", clusterName, kind)
}

const (
	// madeFile says what the cluster was made from. It is written last: without it, a cluster was left half made.
	madeFile = "made"
	// kubeconfigFile is what kwokctl writes; publish copies it.
	kubeconfigFile = "kubeconfig"
	// loadLock is held while a load is on.
	loadLock = "load.lock"
)

// Start brings the cluster up, whatever state it is in: running, stopped, killed in part, half made, not there. Where it
// has to be made anew, everything in its folder goes first.
func (c *Cluster) Start(ctx context.Context) error {
	if err := c.validate(); err != nil {
		return err
	}
	settings, err := c.render()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(settings)
	key := hex.EncodeToString(sum[:])
	made, err := os.ReadFile(c.file(madeFile))
	switch {
	case err == nil && string(made) == key && c.alive() && c.publish() == nil && c.ready(ctx) == nil:
	case err == nil && string(made) == key:
		c.say("starting the control plane again: part of it is not running")
		err = c.restart(ctx)
	default:
		if err == nil {
			c.say("its configuration has changed: making it anew")
		}
		if err = c.Stop(); err == nil {
			err = c.create(ctx, settings)
		}
		if err == nil {
			err = os.WriteFile(c.file(madeFile), []byte(key), 0o644)
		}
	}
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.ensureNodes, c.idle, c.ensureAutoscaler} {
		if err := retry.OnError(settling, unsettled, func() error { return step(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// settling is how long, 7 s in all, a step is tried again that fails because the control plane is new.
var settling = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 1.5, Steps: 10}

// unsettled says whether an error is one of a control plane that has just started: it answers, and a resource's definition,
// a namespace or etcd's leader is not there yet.
func unsettled(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err)
}

// idle states that the pods serve nothing, unless a load is on: they use something even then, and without any statement
// they would have no metrics at all.
func (c *Cluster) idle(ctx context.Context) error {
	busy := errors.New("a load is on")
	unlock, err := Lock(ctx, c.file(loadLock), func(string) error { return busy })
	if err == busy {
		return nil
	}
	if err != nil {
		return err
	}
	defer unlock()
	client, err := c.Client()
	if err != nil {
		return err
	}
	return c.SetDemand(ctx, client, nil)
}

// publish writes the way into the cluster where people and the program look for it.
func (c *Cluster) publish() error {
	data, err := os.ReadFile(c.file(kubeconfigFile))
	if err != nil {
		return fmt.Errorf("reading the embedded cluster's kubeconfig: %w", err)
	}
	if now, err := os.ReadFile(c.cfg.Kubeconfig); err == nil && bytes.Equal(now, data) {
		return nil
	}
	if err := os.WriteFile(c.cfg.Kubeconfig, data, 0o600); err != nil {
		return fmt.Errorf("writing the embedded cluster's kubeconfig: %w", err)
	}
	return nil
}

// Stop ends every process of the cluster and removes its files.
func (c *Cluster) Stop() error {
	if _, err := os.Stat(c.cfg.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c.stopAutoscaler()
	c.stopComponents()
	if err := os.RemoveAll(c.cfg.Dir); err != nil {
		return fmt.Errorf("removing the cluster's files: %w", err)
	}
	if err := os.Remove(c.cfg.Kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the cluster's kubeconfig: %w", err)
	}
	return nil
}

// stopComponents kills the control plane's processes: all that kwokctl recorded, by their identifiers. etcd has its data
// on disk either way, and asked to end while its clients hang on, the API server takes many seconds.
func (c *Cluster) stopComponents() {
	pids, _ := filepath.Glob(filepath.Join(c.components("pids"), "*.pid"))
	for _, file := range pids {
		if p := c.recordedIn(file); p != nil {
			p.kill()
		}
		os.Remove(file)
	}
}

// alive says whether every component that kwokctl started still runs.
func (c *Cluster) alive() bool {
	pids, _ := filepath.Glob(filepath.Join(c.components("pids"), "*.pid"))
	return len(pids) > 0 && c.ended() == ""
}

// ended is a component that kwokctl started and that runs no longer, or empty.
func (c *Cluster) ended() string {
	pids, _ := filepath.Glob(filepath.Join(c.components("pids"), "*.pid"))
	for _, file := range pids {
		if c.recordedIn(file) == nil {
			return strings.TrimSuffix(filepath.Base(file), ".pid")
		}
	}
	return ""
}

// RESTConfig is the way into the cluster.
func (c *Cluster) RESTConfig() (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.cfg.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded cluster's kubeconfig: %w", err)
	}
	// Everything is on this machine: the client's own rate limit would only slow down the watching.
	cfg.QPS = -1
	return cfg, nil
}

// Client returns a client of the cluster.
func (c *Cluster) Client() (*kubernetes.Clientset, error) {
	cfg, err := c.RESTConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(cfg)
}

// ready returns nil if the API server is ready and serves metrics and the resources that state what pods use. Those are
// custom ones, which it serves a moment after it has taken their definition.
func (c *Cluster) ready(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, path := range []string{"/readyz", "/apis/metrics.k8s.io/v1beta1", usagePath} {
		if err := client.RESTClient().Get().AbsPath(path).Do(ctx).Error(); err != nil {
			return fmt.Errorf("asking the embedded cluster for %s: %w", path, err)
		}
	}
	return nil
}

// errEnded is why a control plane does not become ready of which a process has ended.
var errEnded = errors.New("a component has ended")

// maxRestarts is how often a start is tried again of which a component has ended. Of one started into a control plane that
// is still empty, metrics-server ends if it finds a ConfigMap missing that the API server writes a moment later; with the
// ConfigMap there, it does not. What ends three times is broken.
const maxRestarts = 2

// awaitReady waits for what kwokctl does not: a metrics-server that answers, and not only a process that was started.
func (c *Cluster) awaitReady(ctx context.Context) error {
	for restarts := 0; ; restarts++ {
		err := c.awaitAnswer(ctx)
		if !errors.Is(err, errEnded) || restarts == maxRestarts {
			return err
		}
		c.say("%v: starting the control plane again", err)
		if err := c.startComponents(ctx); err != nil {
			return err
		}
	}
}

func (c *Cluster) awaitAnswer(ctx context.Context) error {
	if err := c.publish(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := c.ready(ctx)
		if err == nil {
			return nil
		}
		if ended := c.ended(); ended != "" {
			return fmt.Errorf("%w: %s (logs are in %s)", errEnded, ended, c.components("logs"))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the control plane is not ready after %s: %w (logs are in %s)", readyTimeout, err, c.components("logs"))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
