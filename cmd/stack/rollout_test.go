package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"tfserving/rollout"
)

// deploymentOf is a Deployment of two pods that is rolled out, after a change.
func deploymentOf(change func(*appsv1.Deployment)) *appsv1.Deployment {
	replicas := int32(2)
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "gateway", Namespace: "app", Generation: 3,
			Labels: map[string]string{"app.kubernetes.io/part-of": "tfserving"}, Annotations: map[string]string{revisionAnnotation: "2"}},
		Spec:   appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "gateway"}}},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2},
	}
	change(d)
	return d
}

func stuck(d *appsv1.Deployment) {
	d.Status.UpdatedReplicas, d.Status.Replicas = 1, 3
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}}
}

func podOf(name, revision string, ready bool, status corev1.PodStatus) *corev1.Pod {
	status.Conditions = append(status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: map[bool]corev1.ConditionStatus{true: "True", false: "False"}[ready]})
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "app",
		Labels: map[string]string{"app": "gateway", appsv1.DefaultDeploymentUniqueLabelKey: revision}}, Status: status}
}

func replicaSetOf(revision string) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "gateway-" + revision, Namespace: "app",
		Labels:      map[string]string{"app": "gateway", appsv1.DefaultDeploymentUniqueLabelKey: revision},
		Annotations: map[string]string{revisionAnnotation: revision}}}
}

func TestAFailedRolloutSaysWhyAndWhatServes(t *testing.T) {
	pulling := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "gateway", Image: "gateway:wrong",
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}}}}}
	crashing := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "gateway", Image: "gateway:wrong", RestartCount: 4,
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}}}}}
	homeless := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/2 nodes are available"}}}
	for name, c := range map[string]struct {
		objects []runtime.Object
		want    []string
	}{
		"an image that cannot be pulled": {[]runtime.Object{deploymentOf(stuck), podOf("old-1", "1", true, corev1.PodStatus{}), podOf("old-2", "1", true, corev1.PodStatus{}), podOf("new", "2", false, pulling)},
			[]string{"Deployment gateway is not rolled out: 1 of 2 pods updated, 2 available", "the 2 ready pods of the previous revision still serve", "container gateway of image gateway:wrong waits: ImagePullBackOff: not found"}},
		"a crash": {[]runtime.Object{deploymentOf(stuck), podOf("new", "2", false, crashing)},
			[]string{"ended with exit code 3 (Error), 4 restarts"}},
		"no node": {[]runtime.Object{deploymentOf(func(d *appsv1.Deployment) { stuck(d); d.Status.AvailableReplicas = 0 }), podOf("new", "2", false, homeless)},
			[]string{"no pod of it serves", "pod has no node: 0/2 nodes are available"}},
		"a warning about the pod": {[]runtime.Object{deploymentOf(stuck), podOf("new", "2", false, corev1.PodStatus{}),
			&corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "app"}, Type: corev1.EventTypeWarning, Reason: "FailedMount", Message: "no such volume"}},
			[]string{"event FailedMount: no such volume"}},
	} {
		client := fake.NewClientset(append(c.objects, replicaSetOf("1"), replicaSetOf("2"))...)
		err := explainUnfinished(t.Context(), client, "app")
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want %q in it", name, err, want)
			}
		}
	}
}

// Pulumi waits for all waves of a rollout, which takes much longer than the progress deadline of one.
func TestAFailedRolloutEndsPulumi(t *testing.T) {
	revision := func(number string) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) { stuck(d); d.Annotations[revisionAnnotation] = number }
	}
	for name, c := range map[string]struct {
		before, after func(*appsv1.Deployment)
		want          error
		wait          time.Duration
	}{
		"a rollout fails":                                  {func(*appsv1.Deployment) {}, revision("3"), errRolloutFailed, 0},
		"pods of the revision before fail":                 {func(*appsv1.Deployment) {}, stuck, nil, 0},
		"a rollout succeeds":                               {func(*appsv1.Deployment) {}, func(d *appsv1.Deployment) { d.Annotations[revisionAnnotation] = "3" }, nil, 0},
		"the rollout before had failed":                    {revision("2"), revision("2"), nil, 0},
		"the rollout before had failed, this does":         {revision("2"), revision("3"), errRolloutFailed, 0},
		"the status is older than the change":              {func(*appsv1.Deployment) {}, func(d *appsv1.Deployment) { stuck(d); d.Status.ObservedGeneration = 2 }, nil, 0},
		"a rollout stops, and its condition does not tell": {func(*appsv1.Deployment) {}, func(d *appsv1.Deployment) { revision("3")(d); d.Status.Conditions = nil }, errRolloutFailed, 11 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := fake.NewClientset(deploymentOf(c.before))
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			go endAtFailedRollout(ctx, client, "app", io.Discard, end)
			time.Sleep(2 * rollout.Poll)
			if _, err := client.AppsV1().Deployments("app").Update(ctx, deploymentOf(c.after), metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.wait + 2*rollout.Poll)
			if got := context.Cause(ctx); got != c.want {
				t.Errorf("%s: pulumi ends by %v, want %v", name, got, c.want)
			}
		})
	}
}

// A change of the number of nodes may move pods after the program's own wait has ended.
func TestMakeUpWaitsForPodsThatMoveAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(deploymentOf(func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 1 }))
		done := make(chan error, 1)
		go func() { done <- awaitRollouts(t.Context(), client, "app", false, io.Discard) }()
		time.Sleep(3 * rollout.Poll)
		select {
		case err := <-done:
			t.Errorf("with 1 of 2 pods, the wait ends with %v", err)
		default:
		}
		if _, err := client.AppsV1().Deployments("app").Update(t.Context(), deploymentOf(func(*appsv1.Deployment) {}), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if err := awaitRollouts(t.Context(), fake.NewClientset(), "app", false, io.Discard); err == nil || !strings.Contains(err.Error(), "has no Deployment") {
		t.Errorf("in an empty namespace, the error is %v", err)
	}
}
