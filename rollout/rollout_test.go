package rollout

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// deploymentOf is a Deployment of two pods that is rolled out, after a change.
func deploymentOf(name string, change func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 3},
		Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](2), ProgressDeadlineSeconds: ptr.To[int32](300)},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2},
	}
	change(d)
	return d
}

func complete(*appsv1.Deployment) {}

func stuck(d *appsv1.Deployment) {
	d.Status.UpdatedReplicas, d.Status.Replicas = 1, 3
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}}
}

func TestADeploymentIsRolledOutOnceAllItsPodsAreNewAndAvailable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*appsv1.Deployment)
		want   bool
	}{
		"all pods are new and available":             {func(*appsv1.Deployment) {}, true},
		"the status is older than the change":        {func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 2 }, false},
		"one pod is not updated":                     {func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }, false},
		"one pod is not available":                   {func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 1 }, false},
		"a pod of the previous revision is still up": {func(d *appsv1.Deployment) { d.Status.Replicas = 3 }, false},
		"fewer pods than asked for":                  {func(d *appsv1.Deployment) { *d.Spec.Replicas = 4 }, false},
	} {
		if got := Done(deploymentOf("gateway", c.change)); got != c.want {
			t.Errorf("%s: rolled out is %v, want %v", name, got, c.want)
		}
	}
}

// moment is what the API server answers from a time on.
type moment struct {
	from        time.Duration // after the begin
	deployments []*appsv1.Deployment
	err         error
}

// await waits for the Deployments gateway and model at a cluster whose answers are these moments.
func await(ctx context.Context, mayRest bool, moments ...moment) (reports []string, err error) {
	begin := time.Now()
	list := func(context.Context) (all []appsv1.Deployment, err error) {
		for _, m := range moments {
			if time.Since(begin) >= m.from {
				all, err = nil, m.err
				for _, d := range m.deployments {
					all = append(all, *d)
				}
			}
		}
		return all, err
	}
	err = Await(ctx, []string{"gateway", "model"}, mayRest, list, func(text string) { reports = append(reports, text) })
	return reports, err
}

func TestRolloutsAreAwaited(t *testing.T) {
	model := deploymentOf("model", complete)
	gateway := func(change func(*appsv1.Deployment)) []*appsv1.Deployment {
		return []*appsv1.Deployment{deploymentOf("gateway", change), model, deploymentOf("of-a-model-before", stuck)}
	}
	rolling := func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }
	unrecorded := func(d *appsv1.Deployment) {
		stuck(d)
		d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"}}
	}
	stale := func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 2 }
	added := func(d *appsv1.Deployment) {
		d.Spec.Replicas = ptr.To[int32](3)
		d.Status.Replicas, d.Status.UpdatedReplicas = 3, 3
	}
	resting := func(d *appsv1.Deployment) { d.Spec.Replicas, d.Namespace = ptr.To[int32](0), "app" }
	none := func(d *appsv1.Deployment) {
		resting(d)
		d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.AvailableReplicas = 0, 0, 0
	}
	for name, c := range map[string]struct {
		moments      []moment
		least, most  time.Duration // how long it waits
		error        string
		wantsReports bool
		mayRest      bool
	}{
		"it asks for no pods":                                  {moments: []moment{{0, gateway(none), nil}}, error: "Deployment gateway asks for no pods, so nothing serves, and its autoscaler rests: start it with kubectl -n app scale deployment/gateway --replicas=1"},
		"it asks for no pods out of hours":                     {moments: []moment{{0, gateway(none), nil}}, mayRest: true},
		"its pods have not ended out of hours":                 {moments: []moment{{0, gateway(resting), nil}, {20 * time.Second, gateway(none), nil}}, mayRest: true, least: 20 * time.Second, most: 21 * time.Second, wantsReports: true},
		"all are rolled out":                                   {moments: []moment{{0, gateway(complete), nil}}},
		"one rolls out":                                        {moments: []moment{{0, gateway(rolling), nil}, {40 * time.Second, gateway(complete), nil}}, least: 40 * time.Second, most: 41 * time.Second, wantsReports: true},
		"the status is older than the change":                  {moments: []moment{{0, gateway(stale), nil}, {time.Second, gateway(rolling), nil}, {9 * time.Second, gateway(complete), nil}}, least: 9 * time.Second, most: 10 * time.Second},
		"no controller sees the change":                        {moments: []moment{{0, gateway(stale), nil}}, least: time.Minute, most: 62 * time.Second, error: "Deployment gateway is not rolled out", wantsReports: true},
		"one fails":                                            {moments: []moment{{0, gateway(stuck), nil}}, error: "Deployment gateway is not rolled out: 1 of 2 pods updated, 2 available"},
		"a new revision keeps the condition of the one before": {moments: []moment{{0, gateway(unrecorded), nil}}, least: 5 * time.Minute, most: 302 * time.Second, error: "1 of 2 pods updated", wantsReports: true},
		"a pod is added, and no node has room":                 {moments: []moment{{0, gateway(added), nil}}, least: 5 * time.Minute, most: 302 * time.Second, error: "3 of 3 pods updated, 2 available", wantsReports: true},
		"one does not exist":                                   {moments: []moment{{0, gateway(complete)[1:], nil}}, error: "Deployment gateway does not exist"},
		"the API server restarts":                              {moments: []moment{{0, nil, errors.New("refused")}, {30 * time.Second, gateway(complete), nil}}, least: 30 * time.Second, most: 31 * time.Second, wantsReports: true},
		"the API server does not come back":                    {moments: []moment{{0, nil, errors.New("refused")}}, least: time.Minute, most: 62 * time.Second, error: "refused", wantsReports: true},
		"one fails, and the other one rolls out":               {moments: []moment{{0, []*appsv1.Deployment{deploymentOf("gateway", stuck), deploymentOf("model", rolling)}, nil}, {5 * time.Second, gateway(stuck), nil}}, least: 5 * time.Second, most: 6 * time.Second, error: "gateway is not rolled out"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				reports, err := await(t.Context(), c.mayRest, c.moments...)
				if took := time.Since(begin); took < c.least || took > c.most {
					t.Errorf("it waits for %s, want %s to %s", took, c.least, c.most)
				}
				if (err == nil) != (c.error == "") || err != nil && !strings.Contains(err.Error(), c.error) {
					t.Errorf("the error is %v, want %q", err, c.error)
				}
				if (len(reports) > 0) != c.wantsReports {
					t.Errorf("it reports %q", reports)
				}
			})
		})
	}
}

func TestCtrlCEndsTheWait(t *testing.T) {
	for name, answer := range map[string]moment{"no answer": {err: errors.New("connection refused")}, "a rollout goes on": {deployments: []*appsv1.Deployment{deploymentOf("gateway", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 })}}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), Poll/2)
			defer cancel()
			begin := time.Now()
			if _, err := await(ctx, false, answer); err == nil || time.Since(begin) >= Poll {
				t.Errorf("%s: the wait ends after %s with %v, want an error at once", name, time.Since(begin), err)
			}
		})
	}
}
