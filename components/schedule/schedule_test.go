package schedule

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	batchv1 "k8s.io/api/batch/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"tfserving/internal/mockengine"
)

func newTestSchedule(t *testing.T) *mockengine.Engine {
	t.Helper()
	engine := mockengine.New("")
	if err := engine.Run(func(ctx *pulumi.Context) error {
		_, err := NewSchedule(ctx, Component, &Args{
			Namespace: pulumi.String("models"), Image: "registry.example/kubectl:1", Start: "0 7 * * 1,2", Stop: "30 19 * * 1,2", TimeZone: "Europe/Berlin",
			Deployments: []Deployment{
				{Name: pulumi.String("tf-serving-shoes").ToStringOutput(), Component: "model-server", Pods: 3},
				{Name: pulumi.String("gateway").ToStringOutput(), Component: "gateway", Pods: 2},
			},
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestJobsScaleEveryDeploymentInTheEveningAndInTheMorning(t *testing.T) {
	engine := newTestSchedule(t)
	for name, want := range map[string]struct {
		at   string
		pods []int
	}{"schedule-stop": {"30 19 * * 1,2", []int{0, 0}}, "schedule-start": {"0 7 * * 1,2", []int{3, 2}}} {
		job := mockengine.ObjectOf[*batchv1.CronJob](t, engine, name)
		if job.Spec.Schedule != want.at || job.Spec.TimeZone == nil || *job.Spec.TimeZone != "Europe/Berlin" {
			t.Errorf("%s runs at %q in %v", name, job.Spec.Schedule, job.Spec.TimeZone)
		}
		pod := job.Spec.JobTemplate.Spec.Template.Spec
		for i, deployment := range []string{"tf-serving-shoes", "gateway"} {
			got := pod.Containers[i].Args
			if args := []string{"scale", "deployment/" + deployment, "--namespace=models", fmt.Sprint("--replicas=", want.pods[i])}; !slices.Equal(got, args) {
				t.Errorf("%s: container %s has %q, want %q", name, pod.Containers[i].Name, got, args)
			}
		}
		if pod.ServiceAccountName != Component || !*pod.AutomountServiceAccountToken {
			t.Errorf("%s: its pod runs as %q with a token: %v", name, pod.ServiceAccountName, *pod.AutomountServiceAccountToken)
		}
	}
}

func TestJobsMayScaleTheirDeploymentsAndNothingElse(t *testing.T) {
	engine := newTestSchedule(t)
	role := mockengine.ObjectOf[*rbacv1.Role](t, engine, Component)
	names := []string{"tf-serving-shoes", "gateway"}
	if want := []rbacv1.PolicyRule{
		{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, ResourceNames: names, Verbs: []string{"get"}},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments/scale"}, ResourceNames: names, Verbs: []string{"get", "patch"}},
	}; !reflect.DeepEqual(role.Rules, want) {
		t.Errorf("the role allows %v", role.Rules)
	}
	policy := mockengine.ObjectOf[*networkingv1.NetworkPolicy](t, engine, Component)
	if policy.Spec.PodSelector.MatchLabels["app.kubernetes.io/component"] != Component || len(policy.Spec.Egress) != 1 || len(policy.Spec.Egress[0].Ports) != len(apiPorts) {
		t.Errorf("the policy is %+v", policy.Spec)
	}
}
