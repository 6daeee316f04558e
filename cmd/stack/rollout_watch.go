package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// errRolloutFailed is the cause of a context that ended because a rollout had failed.
var errRolloutFailed = errors.New("a rollout has failed")

// endAtFailedRollout calls end as soon as a Deployment of the application in a namespace exceeds its progress deadline. Pulumi's
// Kubernetes plugin 4.28.0 does not: it waits until its own timeout, which has room for every wave of a rollout.
//
// A Deployment that has failed before counts only if it fails in another revision.
func endAtFailedRollout(ctx context.Context, client kubernetes.Interface, namespace string, log io.Writer, end context.CancelCauseFunc) {
	var before map[string]string // revisions of failed Deployments, by name
	for ; ctx.Err() == nil; pause(ctx) {
		list, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: applicationSelector})
		if err != nil {
			continue // `pulumi up` reports it
		}
		failed := map[string]string{}
		for i := range list.Items {
			if d := &list.Items[i]; rolloutFailed(d) {
				failed[d.Name] = d.Annotations[revisionAnnotation]
			}
		}
		for name, revision := range failed {
			if before != nil && before[name] != revision {
				fmt.Fprintf(log, "Deployment %s has made no progress within its deadline: ending pulumi\n", name)
				end(errRolloutFailed)
				return
			}
		}
		if before == nil {
			before = failed
		}
	}
}
