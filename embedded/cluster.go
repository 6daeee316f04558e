// Package embedded runs a Kubernetes cluster on this machine: a real control plane, and nodes that kwok simulates, with the
// real Cluster Autoscaler, or real nodes. Everything listens on loopback and keeps its files in one folder.
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
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"

	"tfserving/embedded/node"
)

const (
	// clusterName is kwokctl's name for the cluster. Clusters of several checkouts share it and differ by their folders.
	clusterName = "tfserving"
	// ContextName is the cluster's context in the kubeconfig that Start writes. kwokctl derives it from the name.
	ContextName = "kwok-" + clusterName
	// readyTimeout bounds the start of the control plane, which takes 3-6 s on two idle cores.
	readyTimeout = 2 * time.Minute
	// checkTimeout bounds one check of a control plane that runs, which takes milliseconds.
	checkTimeout = 5 * time.Second
	// pollInterval is the time between two checks of a process that starts.
	pollInterval = 100 * time.Millisecond
	// crashAfter is the time from the readiness of a pod of a crashing image to its crash. A gateway was seen to crash so,
	// while it imported its application behind a port that was open already.
	crashAfter = 6 * time.Second
	// slowStart is how much longer a pod of a slow image takes until it is ready, as a model server that loads a large model.
	// It is longer than any minReadySeconds of a gateway (15 s): a gateway that waits for no model is rolled out before.
	slowStart = 30 * time.Second
	// MetricResolution is the time between two readings of the nodes by metrics-server: the shortest that it accepts.
	MetricResolution = 10 * time.Second
)

// NodeGroup is a group of nodes of one instance type, whose number the autoscaler changes.
type NodeGroup struct {
	Name         string
	InstanceType string // an EC2 instance type
	Capacity     string // ON_DEMAND or SPOT, as EKS labels it
	Min, Max     int    // nodes
}

// Config shapes a cluster.
type Config struct {
	Dir        string // absolute; holds everything that the cluster writes, except Kubeconfig
	Bin        string // the folder with the pinned commands
	Kubeconfig string // the file that receives the administrator's kubeconfig
	NodeGroups []NodeGroup
	Region     string
	Zones      int           // availability zones that the nodes spread over
	BootTime   time.Duration // from an instance's request to its ready node
	PodStart   time.Duration // from a pod's scheduling until it is ready
	HPASync    time.Duration // time between two evaluations of a HorizontalPodAutoscaler
	// AutoscalerFlags are arguments of the Cluster Autoscaler, in addition to those for an embedded cluster. If there are
	// none, no autoscaler is started.
	AutoscalerFlags []string
	// AutoscalerData is the data of ConfigMaps that these flags name, by the ConfigMap's name. They are in kube-system.
	AutoscalerData map[string]map[string]string
	// TokenWebhook is the URL of a TokenReview webhook that reviews the tokens that the API server does not know. Empty
	// means no webhook.
	TokenWebhook string
	// CloudControllers says that a controller of the caller makes load balancers. Otherwise Ingresses and Services of type
	// LoadBalancer get an address at which nothing answers.
	CloudControllers bool
	// Real makes real nodes, in place of the simulated ones of NodeGroups. Nil simulates.
	Real *RealNodes
	// Log receives a line for each step of Start.
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

func (c *Cluster) logf(format string, args ...any) {
	fmt.Fprintf(c.cfg.Log, "cluster: "+format+"\n", args...)
}

// file is the path of a file in the cluster's folder.
func (c *Cluster) file(name string) string { return filepath.Join(c.cfg.Dir, name) }

// kwokctlFile is the path of a file or folder in kwokctl's folder for the cluster. Its subfolders pids and logs hold a
// file for each component of the control plane.
func (c *Cluster) kwokctlFile(name string) string {
	return filepath.Join(c.cfg.Dir, "clusters", clusterName, name)
}

const (
	// configurationHash is a file with the hash of the configuration that the cluster was created from. It is written
	// last, so a cluster without it is incomplete.
	configurationHash = "made"
	// kubeconfigFile is the kubeconfig that kwokctl writes. publishKubeconfig copies it.
	kubeconfigFile = "kubeconfig"
	// loadLock is locked while a load runs.
	loadLock = "load.lock"
)

// Start brings the cluster up from any state: absent, incomplete, stopped, partly killed or running. If the cluster has to
// be created again, Start first deletes everything in its folder.
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
	createdFrom, err := os.ReadFile(c.file(configurationHash))
	switch {
	case err == nil && string(createdFrom) == key && c.alive() && c.networkRuns() && c.publishKubeconfig() == nil && c.ready(ctx) == nil:
	case err == nil && string(createdFrom) == key:
		c.logf("starting the control plane again: part of it is not running")
		err = c.restart(ctx)
	default:
		if err == nil {
			c.logf("its configuration has changed: creating it again")
		}
		if err = c.Stop(); err == nil {
			err = c.create(ctx, settings)
		}
		if err == nil {
			err = os.WriteFile(c.file(configurationHash), []byte(key), 0o644)
		}
	}
	if err != nil {
		return err
	}
	steps := []func(context.Context) error{c.ensureNodes, c.setIdleDemand, c.ensureAutoscaler}
	if c.cfg.Real != nil {
		steps = []func(context.Context) error{c.ensureRealNodes, c.ensureSystemPods}
	}
	for _, step := range steps {
		if err := retry.OnError(startBackoff, isStartError, func() error { return step(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// startBackoff repeats a step for up to 7 s if it fails because the control plane is new.
var startBackoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 1.5, Steps: 10}

// isStartError says whether a control plane that has just started may return this error: it answers before it has its
// custom resources, its namespaces or etcd's leader.
func isStartError(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err)
}

// setIdleDemand sets the usage of idle pods, unless a load runs. Without any usage, the pods would have no metrics.
func (c *Cluster) setIdleDemand(ctx context.Context) error {
	loaded := errors.New("a load runs")
	unlock, err := LockFile(ctx, c.file(loadLock), func(string) error { return loaded })
	if err == loaded {
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
	_, err = SetDemand(ctx, client, nil)
	return err
}

// publishKubeconfig copies the kubeconfig to the file that the configuration names.
func (c *Cluster) publishKubeconfig() error {
	data, err := os.ReadFile(c.file(kubeconfigFile))
	if err != nil {
		return fmt.Errorf("reading the embedded cluster's kubeconfig: %w", err)
	}
	if c.cfg.Real != nil { // the API server is in the network between the nodes
		inside := net.JoinHostPort("127.0.0.1", strconv.Itoa(node.APIPort))
		data = bytes.ReplaceAll(data, []byte(inside), []byte(c.apiAddress()))
	}
	if published, err := os.ReadFile(c.cfg.Kubeconfig); err == nil && bytes.Equal(published, data) {
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
	c.stopMonitor()
	c.stopAutoscaler()
	c.stopComponents()
	if err := c.stopRealNodes(); err != nil {
		return err
	}
	if err := os.RemoveAll(c.cfg.Dir); err != nil {
		return fmt.Errorf("removing the embedded cluster's files: %w", err)
	}
	if err := os.Remove(c.cfg.Kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the embedded cluster's kubeconfig: %w", err)
	}
	return nil
}

// pidFiles are the files in which kwokctl keeps the process identifiers of the control plane's components.
func (c *Cluster) pidFiles() []string {
	files, _ := filepath.Glob(filepath.Join(c.kwokctlFile("pids"), "*.pid"))
	return files
}

// stopComponents kills the control plane's processes. etcd keeps its data, which is on disk. SIGTERM would take many
// seconds: the API server waits for its clients.
func (c *Cluster) stopComponents() {
	for _, file := range c.pidFiles() {
		if p := c.processIn(file); p != nil {
			p.kill()
		}
		os.Remove(file)
	}
}

// alive says whether every component that kwokctl started still runs.
func (c *Cluster) alive() bool { return len(c.pidFiles()) > 0 && c.endedComponent() == "" }

// endedComponent is the name of a component that kwokctl started and that no longer runs. It is empty if all run.
func (c *Cluster) endedComponent() string {
	for _, file := range c.pidFiles() {
		if c.processIn(file) == nil {
			return strings.TrimSuffix(filepath.Base(file), ".pid")
		}
	}
	return ""
}

// RESTConfig returns the administrator's client configuration for the cluster.
func (c *Cluster) RESTConfig() (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.cfg.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the embedded cluster's kubeconfig: %w", err)
	}
	cfg.QPS = -1 // no rate limit: the API server is on this machine
	return cfg, nil
}

// Client returns a client with the administrator's permissions.
func (c *Cluster) Client() (*kubernetes.Clientset, error) {
	cfg, err := c.RESTConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(cfg)
}

// ready returns nil if the API server is ready and serves the metrics API and the custom resources that set the usage of
// pods.
func (c *Cluster) ready(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for _, path := range []string{"/readyz", "/apis/metrics.k8s.io/v1beta1", usagePath} {
		if err := client.RESTClient().Get().AbsPath(path).Do(ctx).Error(); err != nil {
			return fmt.Errorf("reading %s of the embedded cluster: %w", path, err)
		}
	}
	return nil
}

// errComponentEnded means that a process of the control plane ended before the control plane was ready.
var errComponentEnded = errors.New("a component has ended")

// maxRestarts is how often the control plane is started again after a component ended. A new API server writes a ConfigMap
// a moment after it answers. metrics-server ends if it starts before that, and runs at the next start. A component that
// ends three times is broken.
const maxRestarts = 2

// awaitReady waits until the API server and metrics-server answer. kwokctl waits only until their processes run.
func (c *Cluster) awaitReady(ctx context.Context) error {
	for restarts := 0; ; restarts++ {
		err := c.awaitAnswer(ctx)
		if !errors.Is(err, errComponentEnded) || restarts == maxRestarts {
			return err
		}
		c.logf("%v: starting the control plane again", err)
		if err := c.startComponents(ctx); err != nil {
			return err
		}
	}
}

// awaitAnswer waits until the control plane is ready. It returns errComponentEnded as soon as a component has ended.
func (c *Cluster) awaitAnswer(ctx context.Context) error {
	if err := c.publishKubeconfig(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := c.ready(ctx)
		if err == nil {
			return nil
		}
		if ended := c.endedComponent(); ended != "" {
			return fmt.Errorf("%w: %s (logs are in %s)", errComponentEnded, ended, c.kwokctlFile("logs"))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the control plane is not ready after %s: %w (logs are in %s)", readyTimeout, err, c.kwokctlFile("logs"))
		case <-time.After(pollInterval):
		}
	}
}
