package traffic

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Cluster is what a run sees of the cluster at one moment. The zero value is a cluster that it cannot see.
type Cluster struct {
	Gateways, Models     int    // pods that are ready
	GatewayCPU, ModelCPU string // the autoscalers' readings and targets
	Nodes                int    // nodes that are ready
}

// rowEvery is the time between two rows of the table.
const rowEvery = 5 * time.Second

// Watch sends traffic and writes a row of a table every 5 s: what was sent and answered until then, and how fast the answers in
// the last 5 s were, and the cluster. Look returns the cluster's state; nil leaves it out.
func Watch(ctx context.Context, run Run, look func(context.Context) (Cluster, error), out io.Writer) (*Report, error) {
	fmt.Fprintf(out, "%7s %7s %9s %7s %7s %7s %7s  %-18s %-18s %s\n", "time", "sent", "answered", "failed", "p50", "p95", "p99", "by gateway pod", "by model pod", "cluster")
	var sent atomic.Int64
	var lock sync.Mutex // of report and shown
	report := &Report{}
	begin, shown := time.Now(), 0
	row := func() {
		state := "-"
		if look != nil {
			if c, err := look(ctx); err == nil {
				state = fmt.Sprintf("%d gateways %s, %d models %s, %d nodes", c.Gateways, c.GatewayCPU, c.Models, c.ModelCPU, c.Nodes)
			}
		}
		lock.Lock()
		defer lock.Unlock()
		recent := &Report{Answers: report.Answers[shown:]}
		shown = len(report.Answers)
		elapsed := time.Since(begin)
		failed := report.Failed()
		fmt.Fprintf(out, "%7s %7d %9d %7d %7s %7s %7s  %-18s %-18s %s\n", elapsed.Round(time.Second), sent.Load(), shown-failed, failed,
			milliseconds(recent.Latency(0.5)), milliseconds(recent.Latency(0.95)), milliseconds(recent.Latency(0.99)),
			shares(recent.ByGatewayPod()), shares(recent.ByModelPod()), state)
		for _, f := range largestFirst(recent.Failures()) {
			fmt.Fprintf(out, "%7s %7d failed: %s\n", "", f.count, f.name)
		}
	}
	done := make(chan struct{})
	var rows sync.WaitGroup
	rows.Go(func() {
		ticks := time.NewTicker(rowEvery)
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
				row()
			}
		}
	})
	err := Send(ctx, run, &sent, func(a Answer) {
		lock.Lock()
		defer lock.Unlock()
		report.Add(a)
	})
	close(done)
	rows.Wait()
	if err != nil {
		return nil, err
	}
	if sent := int(sent.Load()); sent != len(report.Answers) {
		return nil, fmt.Errorf("%d requests were sent and %d are accounted for: this is a mistake in the program", sent, len(report.Answers))
	}
	return report, nil
}

// mostShares is how many pods a row shows. The verdict at the end shows all.
const mostShares = 4

// shares returns the numbers of the pods that answered most, such as 51 49.
func shares(counts map[string]int) string {
	var all []string
	for i, c := range largestFirst(counts) {
		if i == mostShares {
			all = append(all, "…")
			break
		}
		all = append(all, fmt.Sprint(c.count))
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, " ")
}
