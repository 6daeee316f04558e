package local

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"tfserving/internal/checkout"
)

// offHours runs the commands of the schedule's jobs as its account, in place of the simulated containers.
func offHours(t *testing.T, c *checkout.Checkout) {
	restore := c.Keep("Pulumi.local.yaml")
	c.Set("schedule", map[string]any{"from": "07:00", "to": "19:00", "timeZone": "Europe/Berlin"})
	c.Make("up")
	kubectl := asSchedule(t, c)
	runs := func(job string) {
		t.Helper()
		found, err := c.Client().BatchV1().CronJobs(namespace).Get(t.Context(), job, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, container := range found.Spec.JobTemplate.Spec.Template.Spec.Containers {
			if out, err := kubectl(container.Args...); err != nil {
				t.Fatalf("%s: kubectl %s: %v\n%s", job, container.Args, err, out)
			}
		}
	}
	pods := func(want int32) {
		t.Helper()
		checkout.Eventually(t, fmt.Sprintf("each Deployment has %d pods", want), func(ctx context.Context) error {
			all, err := c.Client().AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			for _, d := range all.Items {
				if *d.Spec.Replicas != want || d.Status.Replicas != want || d.Status.AvailableReplicas != want {
					return fmt.Errorf("%s asks for %d, has %d, %d available", d.Name, *d.Spec.Replicas, d.Status.Replicas, d.Status.AvailableReplicas)
				}
			}
			return nil
		})
	}
	runs("schedule-stop")
	pods(0)
	if out := c.Make("up"); checkout.Changes(out) != "" {
		t.Errorf("make up out of hours changes something:\n%s", out)
	}
	pods(0) // neither make up nor an autoscaler brings pods
	for _, refused := range []string{
		"scale deployment/other --replicas=1", "delete deployment/gateway", "get pods", "get secrets", "set image deployment/gateway gateway=other:1",
	} {
		if out, err := kubectl(append(strings.Fields(refused), "--namespace="+namespace)...); err == nil || !strings.Contains(out, "forbidden") {
			t.Errorf("the schedule's account may run kubectl %s: %v\n%s", refused, err, out)
		}
	}
	// A stack without a schedule must have pods.
	restore()
	c.MakeFails([]string{"Deployment gateway asks for no pods", "kubectl -n tfserving scale deployment/gateway --replicas=1"}, "up")
	c.Set("schedule", map[string]any{"from": "07:00", "to": "19:00", "timeZone": "Europe/Berlin"})
	c.Make("up")
	runs("schedule-start")
	pods(2)
	restore()
	c.Make("up")
}

// asSchedule returns a kubectl with the permissions of the schedule's service account.
func asSchedule(t *testing.T, c *checkout.Checkout) func(args ...string) (string, error) {
	t.Helper()
	token, err := c.Client().CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), "schedule", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := clientcmd.LoadFromFile(filepath.Join(c.Dir, ".local", "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range kubeconfig.AuthInfos {
		kubeconfig.AuthInfos[name] = &api.AuthInfo{Token: token.Status.Token}
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*kubeconfig, file); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), filepath.Join(c.Dir, ".local", "bin", "kubectl"), append([]string{"--kubeconfig", file, "--cache-dir", t.TempDir()}, args...)...).CombinedOutput()
		return string(out), err
	}
}
