package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"tfserving/embedded"
)

// backMargin is how long the replay goes on after the settings' own delays, so that a node that goes a little later is seen to go.
const backMargin = 30 * time.Second

// MostWait is the longest time that Play watches after the end of a trace.
func (s Setup) MostWait() time.Duration {
	return time.Duration(s.ownDelays(s.MaxPods)*float64(time.Second)) + backMargin
}

// Play replays a trace on the pods of a component, then watches until pods and nodes are back, or should be. It writes a
// table of what happens to out. The load is off when it returns.
func Play(ctx context.Context, cluster *embedded.Cluster, client *kubernetes.Clientset, namespace, component string, setup Setup, t *Trace, out io.Writer) (*Run, error) {
	r := &Run{Setup: setup}
	begin := time.Now()
	evictions, err := watchEvictions(ctx, client, namespace, begin)
	if err != nil {
		return nil, err
	}
	var latest embedded.Sample
	err = cluster.Run(ctx, client, namespace, embedded.Load{
		Component:  component,
		For:        t.Length(),
		Demand:     func(since time.Duration) int64 { return int64(t.At(since.Seconds()) * 1000) },
		BackWithin: setup.MostWait(),
	}, out, func(s embedded.Sample) {
		if len(r.Samples) == 0 || differs(latest, s) {
			r.Samples = append(r.Samples, s)
		}
		latest = s
	})
	all, watchErr := evictions()
	if err = errors.Join(err, watchErr); err != nil {
		return nil, err
	}
	if end := r.Samples[len(r.Samples)-1]; end.Seconds < latest.Seconds {
		r.Samples = append(r.Samples, latest) // the end of the run
	}
	r.Evictions = all
	return r, nil
}

// differs says whether two samples differ in more than their time and demand, which the trace knows.
func differs(a, b embedded.Sample) bool {
	a.Seconds, a.MilliCPU = b.Seconds, b.MilliCPU
	return a != b
}

// watchEvictions collects the evictions of a namespace's pods, until the function that it returns is called.
func watchEvictions(ctx context.Context, client kubernetes.Interface, namespace string, begin time.Time) (stop func() ([]Eviction, error), err error) {
	events, err := client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("watching for evictions: %w", err)
	}
	var all []Eviction
	var collected sync.WaitGroup
	stopped, ended := make(chan struct{}), false
	collected.Go(func() {
		for {
			select {
			case <-stopped:
				return
			case e, open := <-events.ResultChan():
				if !open {
					ended = true
					return
				}
				if p, isPod := e.Object.(*corev1.Pod); isPod && e.Type == watch.Deleted && evicted(p) {
					all = append(all, Eviction{Seconds: time.Since(begin).Seconds(), Pod: p.Name, Age: time.Since(p.CreationTimestamp.Time).Seconds()})
				}
			}
		}
	})
	return func() ([]Eviction, error) {
		close(stopped)
		collected.Wait()
		events.Stop()
		if ended {
			return nil, errors.New("the watch of evictions ended before the drill")
		}
		return all, nil
	}, nil
}

// evicted says whether the API server deleted a pod for an eviction, as a drain of its node asks for. It adds the condition to the
// pod before.
func evicted(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue && c.Reason == "EvictionByEvictionAPI" {
			return true
		}
	}
	return false
}
