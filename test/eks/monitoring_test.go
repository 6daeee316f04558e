package eks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/catalog"
	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
)

// outsideItsTable is in the error of the replacement of the AWS plugin for a type that it does not have.
const outsideItsTable = "is outside its table"

// monitored turns monitoring on. It stays on until make down.
func monitored(t *testing.T, r *rehearsal) {
	restore := r.Keep(r.file())
	r.Edit(r.file(), "monitoring", map[string]any{"enabled": true, "notify": []string{"oncall@example.com"}})
	if out, err := r.Start("make", "preview", "STACK="+r.stack).Wait(); err != nil {
		if restore(); strings.Contains(out, outsideItsTable) {
			t.Skipf("NOT REHEARSED, monitoring on EKS: this replacement of the AWS plugin lacks one of its types:\n%s", out)
		}
		t.Fatalf("make preview: %v\n%s", err, out)
	}
	before := len(r.aws.Journal())
	r.up()
	made := len(r.aws.Journal())
	for _, how := range []string{"", "--refresh"} {
		r.pulumi("preview --expect-no-changes --diff " + how)
	}
	r.previewRoleSuffices(t, made)
	calls := r.aws.Journal()[before:made]
	for _, want := range []string{"aps:CreateWorkspace", "aps:CreateRuleGroupsNamespace", "aps:CreateAlertManagerDefinition", "aps:CreateScraper", "sns:Subscribe", "cloudwatch:PutMetricAlarm"} {
		if !slices.ContainsFunc(calls, func(e emulator.Event) bool { return e.Service+":"+e.Action == want && e.Status < 300 }) {
			t.Errorf("make up did not call %s", want)
		}
	}
	// The alarms are on the load balancer that the controller made.
	if !slices.ContainsFunc(calls, func(e emulator.Event) bool {
		return e.Action == "PutMetricAlarm" && strings.Contains(fmt.Sprint(e.Params), "app/k8s-")
	}) {
		t.Error("no alarm is on the Ingress' load balancer")
	}
	checkout.Eventually(t, "kube-state-metrics is available", func(ctx context.Context) error {
		d, err := r.admin().AppsV1().Deployments(catalog.Monitoring).Get(ctx, "kube-state-metrics", metav1.GetOptions{})
		if err == nil && d.Status.AvailableReplicas != 1 {
			err = fmt.Errorf("it has %d pods", d.Status.AvailableReplicas)
		}
		return err
	})
}
