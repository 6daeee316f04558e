// Package machines does what hardware, kubelets and AWS's controllers do around an EKS cluster, on emulated AWS and the
// embedded control plane: instances join as nodes, the deployed Cluster Autoscaler runs, load balancers come and go.
//
// Who acts in place of a pod has what that pod would have and no more: the Kubernetes permissions of its ServiceAccount
// and the AWS permissions of its Pod Identity association.
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

// interval is how often everything here looks. It is well below what a rehearsal measures (boots of seconds, the
// autoscaler's scans), and cheap: emulator and control plane are on this machine.
const interval = time.Second

// Config says whose machines these are.
type Config struct {
	AWS         *emulator.AWS
	Kubernetes  *rest.Config // an administrator's way into the control plane
	ClusterName string
	Region      string
	BootTime    time.Duration // from an instance's start until its node joins
	Bin         string        // the folder with cluster-autoscaler-aws
	Dir         string        // for logs, and the files that stand for a pod's mounts; the caller removes it
	Log         io.Writer     // receives a line for each thing that happens; nil: nobody
}

// Machines are at work from Start until Stop.
type Machines struct {
	cfg        Config
	kubernetes kubernetes.Interface // with the administrator's permissions
	observer   aws.Config           // of a user that only looks
	aws        *http.Client
	kube       *http.Client
	autoscaler *Autoscaler
	cancel     context.CancelFunc
	loops      sync.WaitGroup

	mu      sync.Mutex
	failing map[string]error // by what was being done
	stopErr error
}

// Start begins to watch and returns at once: what it watches need not exist yet. Everything ends with Stop or with ctx.
func Start(ctx context.Context, cfg Config) (*Machines, error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the machines' folder: %w", err)
	}
	m := &Machines{cfg: cfg, failing: map[string]error{}, aws: loopbackClient()}
	var err error
	if m.kube, err = rest.HTTPClientFor(cfg.Kubernetes); err != nil {
		return nil, fmt.Errorf("reading the way into the cluster: %w", err)
	}
	if m.kubernetes, err = kubernetes.NewForConfigAndClient(cfg.Kubernetes, m.kube); err != nil {
		return nil, fmt.Errorf("reading the way into the cluster: %w", err)
	}
	if m.observer, err = m.newObserver(ctx); err != nil {
		return nil, err
	}
	m.autoscaler = newAutoscaler(m)
	ctx, m.cancel = context.WithCancel(ctx)
	m.loop(ctx, newInstances(m).look, nil)
	m.loop(ctx, m.autoscaler.look, m.autoscaler.stop)
	controller := &controller{m: m}
	m.loop(ctx, controller.look, controller.leave)
	return m, nil
}

// Autoscaler is the process that runs in place of the deployed Cluster Autoscaler's pod.
func (m *Machines) Autoscaler() *Autoscaler { return m.autoscaler }

// Stop ends everything that Start began, and returns when it has ended. It fails if a process could not be ended.
func (m *Machines) Stop() error {
	m.cancel()
	m.loops.Wait()
	m.aws.CloseIdleConnections()
	utilnet.CloseIdleConnectionsFor(m.kube.Transport)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stopErr
}

// Err is what does not work at the moment: each piece of work that failed when it was last tried. The log has all that
// ever failed.
func (m *Machines) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []error
	for _, work := range slices.Sorted(maps.Keys(m.failing)) {
		all = append(all, fmt.Errorf("%s: %w", work, m.failing[work]))
	}
	return errors.Join(all...)
}

// report keeps how a piece of work went, and logs it where that is news.
func (m *Machines) report(ctx context.Context, work string, err error) {
	if ctx.Err() != nil {
		return // ended, so that whatever was under way failed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.failing[work]
	switch {
	case err == nil && before == nil, err != nil && before != nil && sameFailure(err, before):
	case err == nil:
		delete(m.failing, work)
		m.print("%s: works again", work)
	default:
		m.failing[work] = err
		m.print("%s: %v", work, err)
	}
}

// forget drops the failures of work that nobody waits for any more.
func (m *Machines) forget(work string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.failing, work)
}

func (m *Machines) say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.print(format, args...)
}

// print is called with the lock held: writers of tests are not all made for several goroutines.
func (m *Machines) print(format string, args ...any) {
	fmt.Fprintf(m.cfg.Log, "machines: "+format+"\n", args...)
}

// loop calls look at every interval until ctx ends, then leave.
func (m *Machines) loop(ctx context.Context, look func(context.Context), leave func() error) {
	m.loops.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for ctx.Err() == nil {
			look(ctx)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		if leave == nil {
			return
		}
		if err := leave(); err != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.stopErr = errors.Join(m.stopErr, err)
		}
	})
}
