// Package machines simulates what runs around the control plane of an EKS cluster: instances join as nodes, the deployed
// Cluster Autoscaler runs as a process, and the load balancer controller makes load balancers. It works on emulated AWS and
// an embedded control plane.
//
// A simulated pod has exactly the permissions of the real one: in Kubernetes those of its ServiceAccount, in AWS those of
// its Pod Identity association.
package machines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tfserving/rehearsal/emulator"
)

// interval is the time between two checks of the account and the cluster. It is shorter than everything that a rehearsal
// measures: boots and the autoscaler's scans take several seconds. A check is cheap, because the emulator and the control
// plane are on this machine.
const interval = time.Second

// Config says which account and cluster the machines belong to.
type Config struct {
	AWS         *emulator.AWS
	Kubernetes  *rest.Config // an administrator's client configuration for the control plane
	ClusterName string
	Region      string
	BootTime    time.Duration // from an instance's start until its node joins
	Bin         string        // the folder with cluster-autoscaler-aws
	Dir         string        // for logs, and for the files that replace a pod's mounts; the caller removes it
	Log         io.Writer     // receives a line for each event; nil discards them
}

// Machines run from Start until Stop.
type Machines struct {
	cfg        Config
	kubernetes kubernetes.Interface // with the administrator's permissions
	observer   aws.Config           // of a user with read-only permissions
	aws        *http.Client
	kube       *http.Client
	autoscaler *Autoscaler
	cancel     context.CancelFunc
	loops      sync.WaitGroup

	mu      sync.Mutex
	failing map[string]error // by task
	stopErr error
}

// Start starts the machines and returns at once. The cluster and its node groups need not exist yet. The machines run until
// Stop is called or ctx ends.
func Start(ctx context.Context, cfg Config) (*Machines, error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the machines' folder: %w", err)
	}
	// The client uses no proxy, because all its servers are on this machine.
	m := &Machines{cfg: cfg, failing: map[string]error{}, aws: &http.Client{Transport: &http.Transport{}, Timeout: callTimeout}}
	var err error
	if m.kube, err = rest.HTTPClientFor(cfg.Kubernetes); err != nil {
		return nil, fmt.Errorf("making a client of the cluster: %w", err)
	}
	if m.kubernetes, err = kubernetes.NewForConfigAndClient(cfg.Kubernetes, m.kube); err != nil {
		return nil, fmt.Errorf("making a client of the cluster: %w", err)
	}
	if m.observer, err = m.newObserver(ctx); err != nil {
		return nil, err
	}
	m.autoscaler = &Autoscaler{m: m}
	ctx, m.cancel = context.WithCancel(ctx)
	m.loop(ctx, newInstances(m).check, nil)
	m.loop(ctx, m.autoscaler.check, m.autoscaler.stop)
	controller := &controller{m: m}
	m.loop(ctx, controller.check, controller.endSession)
	return m, nil
}

// Autoscaler returns the process that runs in place of the deployed Cluster Autoscaler's pod.
func (m *Machines) Autoscaler() *Autoscaler { return m.autoscaler }

// Stop ends everything that Start started, and waits for the end. It fails if a process could not be ended.
func (m *Machines) Stop() error {
	m.cancel()
	m.loops.Wait()
	m.aws.CloseIdleConnections()
	utilnet.CloseIdleConnectionsFor(m.kube.Transport)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stopErr
}

// Err returns the errors of all tasks whose last attempt failed. The log has all earlier errors, too.
func (m *Machines) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []error
	for _, task := range slices.Sorted(maps.Keys(m.failing)) {
		all = append(all, fmt.Errorf("%s: %w", task, m.failing[task]))
	}
	return errors.Join(all...)
}

// report stores the result of a task and logs it if it differs from the last one.
func (m *Machines) report(ctx context.Context, task string, err error) {
	if ctx.Err() != nil {
		return // the end of ctx made the task fail
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.failing[task]
	switch {
	case err == nil && before == nil, err != nil && before != nil && sameFailure(err, before):
	case err == nil:
		delete(m.failing, task)
		m.print("%s: works again", task)
	default:
		m.failing[task] = err
		m.print("%s: %v", task, err)
	}
}

// forget removes the error of a task that is no longer needed.
func (m *Machines) forget(task string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.failing, task)
}

func (m *Machines) logf(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.print(format, args...)
}

// print writes to the log. The caller holds the lock: a test's writer may not be safe for several goroutines.
func (m *Machines) print(format string, args ...any) {
	fmt.Fprintf(m.cfg.Log, "machines: "+format+"\n", args...)
}

// loop calls check at every interval until ctx ends, then end.
func (m *Machines) loop(ctx context.Context, check func(context.Context), end func() error) {
	m.loops.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for ctx.Err() == nil {
			check(ctx)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		if end == nil {
			return
		}
		if err := end(); err != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.stopErr = errors.Join(m.stopErr, err)
		}
	})
}
