package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const (
	// usageName is the name of the ClusterResourceUsage that sets the usage of all simulated pods.
	usageName = "tfserving"
	usagePath = "/apis/kwok.x-k8s.io/v1alpha1/clusterresourceusages/"
	// idleMilliCPU and idleMemory are the usage of a pod without requests.
	idleMilliCPU = 5
	idleMemory   = "64Mi"
	// loadInterval is the time after which the demand is spread again over the running pods.
	loadInterval = time.Second
	// tableInterval is the time between two lines of the table while nothing changes.
	tableInterval = 10 * time.Second
	// removeLoadTimeout bounds the request that ends the load, also after Ctrl-C.
	removeLoadTimeout = 5 * time.Second
)

// Load is a demand for CPU.
type Load struct {
	Component string        // the component whose pods have the demand
	MilliCPU  int64         // in total, in thousandths of a core
	For       time.Duration // how long the demand lasts; 0 means until the pods have settled
	// Quiet is the time without a change after which the pods have settled. It must be longer than the autoscaler's
	// reaction time.
	Quiet time.Duration
	// Demand, if it is not nil, replaces MilliCPU: it returns the demand a time after the beginning. It needs For.
	Demand func(time.Duration) int64
	// BackWithin bounds the time in which the pods and nodes get back to where they were; 0 sets no bound.
	BackWithin time.Duration
}

// Sample is a recorded line of the table.
type Sample struct {
	Seconds  float64 `json:"seconds"`  // since the beginning
	MilliCPU int64   `json:"milliCPU"` // demand
	Wanted   int     `json:"wanted"`   // pods
	Running  int     `json:"running"`  // pods
	Pending  int     `json:"pending"`  // pods
	Nodes    int     `json:"nodes"`
	Booting  int     `json:"booting"` // nodes
	CPU      int     `json:"cpu"`     // % of the request; -1 where there is no reading
	Target   int     `json:"target"`  // % of the request
}

// SetDemand sets the usage of the simulated pods: perPod has thousandths of a core for each pod of a component, and all
// other pods are idle.
func (c *Cluster) SetDemand(ctx context.Context, client *kubernetes.Clientset, perPod map[string]int64) error {
	expression := fmt.Sprintf(`Quantity("%dm")`, idleMilliCPU)
	for component, milli := range perPod {
		expression = fmt.Sprintf(`%q in pod.metadata.labels && pod.metadata.labels[%q] == %q ? Quantity("%dm") : (%s)`,
			componentLabel, componentLabel, component, max(milli, idleMilliCPU), expression)
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "kwok.x-k8s.io/v1alpha1",
		"kind":       "ClusterResourceUsage",
		"metadata":   map[string]any{"name": usageName},
		"spec": map[string]any{"usages": []any{map[string]any{"usage": map[string]any{
			"cpu":    map[string]any{"expression": expression},
			"memory": map[string]any{"value": idleMemory},
		}}}},
	})
	if err != nil {
		return err
	}
	err = client.RESTClient().Patch(types.ApplyPatchType).AbsPath(usagePath+usageName).
		Param("fieldManager", "tfserving").Param("force", "true").Body(body).Do(ctx).Error()
	if err != nil {
		return fmt.Errorf("setting the CPU usage of the pods: %w", err)
	}
	return nil
}

// share is the part of a demand that each pod has. It can exceed the pod's CPU limit, so that the autoscaler sees the whole
// demand.
func share(milliCPU int64, pods int) int64 { return milliCPU / int64(max(pods, 1)) }

// Run puts the load on, watches the pods until they have settled or the load's time is over, takes the load off, and watches
// until the pods are back at their minimum. It writes a table to out and calls record with each sample. The load is off when
// Run returns.
func (c *Cluster) Run(ctx context.Context, client *kubernetes.Clientset, namespace string, load Load, out io.Writer, record func(Sample)) (err error) {
	unlock, err := LockFile(ctx, c.file(loadLock), func(holder string) error {
		return fmt.Errorf("another load runs (process %s): wait for it, or end it", holder)
	})
	if err != nil {
		return err
	}
	defer unlock()
	first, err := Observe(ctx, client, namespace)
	if err != nil {
		return err
	}
	if first.Of(load.Component) == nil {
		return fmt.Errorf("namespace %s has no %s to put load on: `make up` deploys it", namespace, load.Component)
	}
	defer func() {
		off, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLoadTimeout)
		defer cancel()
		if e := c.SetDemand(off, client, nil); e != nil && err == nil {
			err = fmt.Errorf("taking the load off: %w", e)
		}
	}()
	r := &run{Cluster: c, client: client, namespace: namespace, load: load, out: out, record: record, begin: time.Now()}
	fmt.Fprintf(out, "%8s %8s %7s %8s %8s %6s %8s %12s\n", "time", "demand", "wanted", "running", "pending", "nodes", "booting", "cpu/target")
	demand := load.Demand
	if demand == nil {
		demand = func(time.Duration) int64 { return load.MilliCPU }
	}
	reached, err := r.follow(ctx, demand, func(s *State, _ *Workload, since, changed time.Duration) string {
		switch {
		case load.For > 0 && since >= load.For:
			return fmt.Sprintf("after %s", load.For)
		case load.For == 0 && s.Settled() && since-changed >= load.Quiet:
			return fmt.Sprintf("settled in %.0f s", changed.Seconds())
		}
		return ""
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: load off, and back to where it was (Ctrl-C ends the watching)\n", reached)
	none := func(time.Duration) int64 { return 0 }
	reached, err = r.follow(ctx, none, func(s *State, w *Workload, since, _ time.Duration) string {
		switch {
		case s.Settled() && w.Wanted == w.Min && s.Nodes <= first.Nodes:
			return fmt.Sprintf("back in %.0f s", since.Seconds())
		case load.BackWithin > 0 && since >= load.BackWithin:
			return fmt.Sprintf("not back after %s", load.BackWithin)
		}
		return ""
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, reached)
	return nil
}

// run is the state of one call of Run.
type run struct {
	*Cluster
	client    *kubernetes.Clientset
	namespace string
	load      Load
	out       io.Writer
	record    func(Sample)
	begin     time.Time
	lastLine  string
	printed   time.Time // when lastLine was printed
}

// follow spreads a demand over the running pods until done returns a text, which follow returns. demand gets the time since the
// beginning. done gets that time, too, and of the last change of pods or nodes.
func (r *run) follow(ctx context.Context, demand func(time.Duration) int64, done func(s *State, w *Workload, since, changed time.Duration) string) (string, error) {
	begin, changed := time.Now(), time.Duration(0)
	before := ""
	ticker := time.NewTicker(loadInterval)
	defer ticker.Stop()
	for {
		s, err := Observe(ctx, r.client, r.namespace)
		if err != nil {
			return "", err
		}
		w := s.Of(r.load.Component)
		if w == nil {
			return "", fmt.Errorf("the %s was deleted while it had load", r.load.Component)
		}
		milliCPU := demand(time.Since(begin))
		// The number of pods may have changed, and another process may have reset the demand.
		if err := r.SetDemand(ctx, r.client, map[string]int64{r.load.Component: share(milliCPU, w.Running)}); err != nil {
			return "", err
		}
		sample := Sample{Seconds: time.Since(r.begin).Seconds(), MilliCPU: milliCPU, Wanted: w.Wanted, Running: w.Running,
			Pending: w.Pending, Nodes: s.Nodes, Booting: s.Booting, CPU: w.CPU, Target: w.Target}
		r.print(sample, w)
		if now := fmt.Sprint(w.Wanted, w.Running, s.Nodes, s.Booting); now != before {
			before, changed = now, time.Since(begin)
		}
		if reached := done(s, w, time.Since(begin), changed); reached != "" {
			return reached, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-ticker.C:
		}
	}
}

// print records a sample and prints it if pods, nodes or the reading differ from the last printed ones or tableInterval has passed.
func (r *run) print(s Sample, w *Workload) {
	line := fmt.Sprintf("%7d %8d %8d %6d %8d %12s", s.Wanted, s.Running, s.Pending, s.Nodes, s.Booting, w.Reading())
	if r.record != nil {
		r.record(s)
	}
	if line == r.lastLine && time.Since(r.printed) < tableInterval {
		return
	}
	r.lastLine, r.printed = line, time.Now()
	fmt.Fprintf(r.out, "%7.0fs %8.1f %s\n", s.Seconds, float64(s.MilliCPU)/1000, strings.TrimRight(line, " "))
}
