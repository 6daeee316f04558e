package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"k8s.io/client-go/kubernetes"

	"tfserving/rollout"
)

// errRolloutFailed is the cause of a context that ended because a rollout had failed.
var errRolloutFailed = errors.New("a rollout has failed")

// endAtFailedRollout calls end as soon as a Deployment of the application in a namespace exceeds its progress deadline. Pulumi's
// Kubernetes plugin 4.28.0 does not: it waits until its own timeout, which has room for every wave of a rollout.
//
// Only a revision that this `up` makes counts. An older one may fail while the `up` deletes its Deployment or corrects it.
func endAtFailedRollout(ctx context.Context, client kubernetes.Interface, namespace string, log io.Writer, end context.CancelCauseFunc) {
	var before map[string]string // revisions by name
	watcher := rollout.Watcher{}
	for ; ctx.Err() == nil; rollout.Pause(ctx) {
		all, err := applicationDeployments(ctx, client, namespace)
		if err != nil {
			continue // `pulumi up` reports it
		}
		revisions := map[string]string{}
		for i := range all {
			d := &all[i]
			revisions[d.Name] = d.Annotations[revisionAnnotation]
			if failed := watcher.Failed(d); before != nil && before[d.Name] != revisions[d.Name] && failed {
				fmt.Fprintf(log, "Deployment %s has made no progress within its deadline: ending pulumi\n", d.Name)
				end(errRolloutFailed)
				return
			}
		}
		if before == nil {
			before = revisions
		}
	}
}
