// Package rollout says how far the rollout of a Deployment is, and waits for its end.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	// Poll is the pause between two looks at the Deployments.
	Poll = 500 * time.Millisecond
	// answerTimeout bounds the wait for an API server that does not answer, and for the Deployment controller to see a change,
	// which takes less than a second.
	answerTimeout = time.Minute
	// reportEvery is the time between two reports of a rollout that goes on.
	reportEvery = 10 * time.Second
)

// observed says whether the Deployment controller has seen the Deployment as it is now.
func observed(d *appsv1.Deployment) bool { return d.Status.ObservedGeneration >= d.Generation }

// Replicas is the number of pods that a Deployment asks for. The API server sets 1 where the field is missing.
func Replicas(d *appsv1.Deployment) int32 { return ptr.Deref(d.Spec.Replicas, 1) }

// Done says whether a Deployment has as many pods as it asks for, all of the newest revision and available.
func Done(d *appsv1.Deployment) bool {
	wanted, is := Replicas(d), d.Status
	return observed(d) && is.UpdatedReplicas == wanted && is.Replicas == wanted && is.AvailableReplicas == wanted
}

// Progress shows how far a rollout is: 1 of 2 pods updated, 2 available.
func Progress(d *appsv1.Deployment) string {
	return fmt.Sprintf("%d of %d pods updated, %d available", d.Status.UpdatedReplicas, Replicas(d), d.Status.AvailableReplicas)
}

// Watcher tells rollouts that have failed. It must see each Deployment again and again.
type Watcher map[string]lastChange // by the Deployment's name

type lastChange struct {
	numbers string // the Deployment's generation and its numbers of pods
	at      time.Time
}

// Failed says whether a Deployment is not rolled out and makes no progress: by its own status, or because its numbers of pods
// have not changed within its progress deadline. Kubernetes' status does not tell of pods that are added to a complete
// revision. It does not tell of a new revision either if something changed the Deployment, as an autoscaler does, in the
// moment in which the Deployment controller recorded the revision: the controller then keeps the condition of the one before.
func (w Watcher) Failed(d *appsv1.Deployment) bool {
	numbers := fmt.Sprint(d.Generation, d.Status.ObservedGeneration, Progress(d), d.Status.Replicas, d.Status.ReadyReplicas)
	if w[d.Name].numbers != numbers {
		w[d.Name] = lastChange{numbers, time.Now()}
	}
	if Done(d) {
		return false
	}
	limit := answerTimeout
	if observed(d) {
		if slices.ContainsFunc(d.Status.Conditions, exceeded) {
			return true
		}
		const deadline = 600 // seconds, Kubernetes' default
		limit = max(limit, time.Duration(ptr.Deref(d.Spec.ProgressDeadlineSeconds, deadline))*time.Second)
	}
	return time.Since(w[d.Name].at) > limit
}

// exceeded says whether a condition of a Deployment tells of no progress within the deadline.
func exceeded(c appsv1.DeploymentCondition) bool {
	return c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse
}

// Await waits until the Deployments with the given names are rolled out. list reads Deployments, those and perhaps others. The
// error names each Deployment that is not rolled out; it comes when all others are, or have failed. report gets a line about
// each rollout that goes on, every 10 s.
//
// Pulumi's Kubernetes plugin 4.28.0 may report success from a status that is older than its own change: it never compares
// the observed generation with the one that it has applied (pulumi-kubernetes pull requests 2943 and 4094).
//
// A Deployment that asks for no pods serves nothing. That is an error unless mayRest says that the stack has off hours.
func Await(ctx context.Context, names []string, mayRest bool, list func(context.Context) ([]appsv1.Deployment, error), report func(string)) error {
	reported, answered := time.Now(), time.Now()
	watcher := Watcher{}
	for {
		all, err := list(ctx)
		switch {
		case err == nil:
			answered = time.Now()
		case ctx.Err() != nil || time.Since(answered) > answerTimeout:
			return fmt.Errorf("reading the Deployments, to see whether they rolled out: %w", err)
		}
		var going, ended []string
		for _, name := range names {
			i := slices.IndexFunc(all, func(d appsv1.Deployment) bool { return d.Name == name })
			switch {
			case err != nil:
				going = append(going, "the API server does not answer")
			case i < 0:
				ended = append(ended, fmt.Sprintf("Deployment %s does not exist", name))
			case Done(&all[i]) && Replicas(&all[i]) == 0 && !mayRest:
				ended = append(ended, fmt.Sprintf("Deployment %s asks for no pods, so nothing serves, and its autoscaler rests: start it with kubectl -n %s scale deployment/%[1]s --replicas=1", name, all[i].Namespace))
			case Done(&all[i]):
			case watcher.Failed(&all[i]):
				ended = append(ended, fmt.Sprintf("Deployment %s is not rolled out: %s", name, Progress(&all[i])))
			default:
				going = append(going, fmt.Sprintf("waiting for Deployment %s: %s", name, Progress(&all[i])))
			}
		}
		if len(going) == 0 && len(ended) > 0 {
			return errors.New(strings.Join(ended, "; "))
		}
		if len(going) == 0 {
			return nil
		}
		if time.Since(reported) > reportEvery {
			reported = time.Now()
			report(strings.Join(slices.Compact(going), "; "))
		}
		if Pause(ctx); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Pause waits for Poll, or until the context ends.
func Pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(Poll):
	}
}
