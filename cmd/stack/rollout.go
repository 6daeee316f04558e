package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"tfserving/components/workload"
	"tfserving/rollout"
)

// maxReasons is how many reasons for pods that are not ready an error gives.
const maxReasons = 3

// applicationSelector selects the objects of the application.
const applicationSelector = "app.kubernetes.io/part-of=" + workload.PartOf

// applicationDeployments are the application's Deployments in a namespace.
func applicationDeployments(ctx context.Context, client kubernetes.Interface, namespace string) ([]appsv1.Deployment, error) {
	all, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: applicationSelector})
	if err != nil {
		return nil, fmt.Errorf("reading the Deployments of namespace %s: %w", namespace, err)
	}
	return all.Items, nil
}

// awaitRollouts waits until every Deployment of the application in a namespace is rolled out.
func awaitRollouts(ctx context.Context, client kubernetes.Interface, namespace string, mayRest bool, log io.Writer) error {
	list := func(ctx context.Context) ([]appsv1.Deployment, error) {
		return applicationDeployments(ctx, client, namespace)
	}
	all, err := list(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("namespace %s has no Deployment of the application, so nothing rolled out", namespace)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	return rollout.Await(ctx, names, mayRest, list, func(text string) { fmt.Fprintln(log, text) })
}

// explainUnfinished explains the Deployments that are not rolled out at this moment, without waiting; nil if all are.
func explainUnfinished(ctx context.Context, client kubernetes.Interface, namespace string) error {
	all, err := applicationDeployments(ctx, client, namespace)
	if err != nil {
		return err
	}
	var unfinished []*appsv1.Deployment
	for i := range all {
		if d := &all[i]; !rollout.Done(d) {
			unfinished = append(unfinished, d)
		}
	}
	return explainRollouts(ctx, client, unfinished)
}

// explainRollouts is an error that says of each Deployment how far it is, which pods still serve, and why its new pods are
// not ready; nil for no Deployments.
func explainRollouts(ctx context.Context, client kubernetes.Interface, deployments []*appsv1.Deployment) error {
	if len(deployments) == 0 {
		return nil
	}
	var lines []string
	for _, d := range deployments {
		text := fmt.Sprintf("Deployment %s is not rolled out: %s", d.Name, rollout.Progress(d))
		reasons, serving, err := podReasons(ctx, client, d)
		if err != nil {
			return err
		}
		switch {
		case serving > 0:
			text += fmt.Sprintf("; the %d ready pods of the previous revision still serve", serving)
		case d.Status.AvailableReplicas == 0:
			text += "; no pod of it serves"
		}
		for _, reason := range reasons {
			text += "\n    " + reason
		}
		lines = append(lines, text)
	}
	return fmt.Errorf("not everything rolled out:\n  - %s", strings.Join(lines, "\n  - "))
}

// podReasons are the reasons why a Deployment's newest pods are not ready, each once, and the number of ready pods of
// earlier revisions.
func podReasons(ctx context.Context, client kubernetes.Interface, d *appsv1.Deployment) (reasons []string, serving int, err error) {
	options := metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)}
	sets, err := client.AppsV1().ReplicaSets(d.Namespace).List(ctx, options)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the ReplicaSets of Deployment %s: %w", d.Name, err)
	}
	newest := "" // the pod-template-hash of the newest revision
	for i := range sets.Items {
		if set := &sets.Items[i]; set.Annotations[revisionAnnotation] == d.Annotations[revisionAnnotation] {
			newest = set.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		}
	}
	pods, err := client.CoreV1().Pods(d.Namespace).List(ctx, options)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the pods of Deployment %s: %w", d.Name, err)
	}
	for i := range pods.Items {
		p := &pods.Items[i]
		isReady := podHas(p, corev1.PodReady)
		if p.Labels[appsv1.DefaultDeploymentUniqueLabelKey] != newest {
			if isReady && p.DeletionTimestamp == nil {
				serving++
			}
			continue
		}
		if isReady || p.DeletionTimestamp != nil {
			continue
		}
		for _, reason := range append(containerReasons(p), eventReasons(ctx, client, p)...) {
			if !slices.Contains(reasons, reason) && len(reasons) < maxReasons {
				reasons = append(reasons, reason)
			}
		}
	}
	return reasons, serving, nil
}

// revisionAnnotation numbers a Deployment's revisions, on the Deployment and on its ReplicaSets (Kubernetes'
// deployment/util).
const revisionAnnotation = "deployment.kubernetes.io/revision"

func podHas(p *corev1.Pod, condition corev1.PodConditionType) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == condition && c.Status == corev1.ConditionTrue
	})
}

// containerReasons say why a pod has no node, or why its containers do not run.
func containerReasons(p *corev1.Pod) (reasons []string) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			reasons = append(reasons, fmt.Sprintf("pod has no node: %s", c.Message))
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" {
			reasons = append(reasons, strings.TrimSuffix(fmt.Sprintf("container %s of image %s waits: %s: %s", c.Name, c.Image, w.Reason, w.Message), ": "))
		}
		if t := c.LastTerminationState.Terminated; t != nil {
			reasons = append(reasons, fmt.Sprintf("container %s of image %s ended with exit code %d (%s), %d restarts", c.Name, c.Image, t.ExitCode, t.Reason, c.RestartCount))
		}
	}
	return reasons
}

// eventReasons are the warnings about a pod. They only add detail, so a cluster that does not list them adds none.
func eventReasons(ctx context.Context, client kubernetes.Interface, p *corev1.Pod) (reasons []string) {
	events, err := client.CoreV1().Events(p.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(p.UID)})
	if err != nil {
		return nil
	}
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning && e.InvolvedObject.UID == p.UID {
			reasons = append(reasons, fmt.Sprintf("event %s: %s", e.Reason, strings.TrimSpace(e.Message)))
		}
	}
	return reasons
}
