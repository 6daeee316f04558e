package embedded

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
)

const (
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
		if _, e := SetDemand(off, client, nil); e != nil && err == nil {
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
		// The ready pods may have changed, and another process may have reset the demand.
		if _, err := SetDemand(ctx, r.client, map[string]int64{r.load.Component: milliCPU}); err != nil {
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
