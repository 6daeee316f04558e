package local

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tfserving/internal/checkout"
	"tfserving/monitoring"
)

// monitored starts the monitoring. Every query of the dashboards has data, every metric of a rule is there, and no alert fires.
func monitored(t *testing.T, c *checkout.Checkout) {
	prometheus := regexp.MustCompile(`http://127\.0\.0\.1:\d+/api`).FindString(c.Make("monitor"))
	if prometheus == "" {
		t.Fatal("make monitor does not say where Prometheus is")
	}
	checkout.Eventually(t, "every source to be read", func(ctx context.Context) error {
		if up := query(ctx, t, prometheus, `up == 1`); len(up) != 3 {
			return fmt.Errorf("%d sources are read, want kube-state-metrics, the API server, the autoscaler: %v", len(up), up)
		}
		return nil
	})
	checkout.Eventually(t, "data in every panel that needs no requests", func(ctx context.Context) error {
		for _, d := range monitoring.Dashboards {
			for _, p := range d.Panels {
				for _, q := range p.Queries {
					if !p.Requests && len(query(ctx, t, prometheus, q.Expr)) == 0 {
						return fmt.Errorf("panel %q of %s has no data: %s", p.Title, d.Name, q.Expr)
					}
				}
			}
		}
		return nil
	})
	// Metrics of the autoscaler exist once what they count has happened.
	absent := map[string]bool{"cluster_autoscaler_node_group_backoff_status": true, "kube_pod_status_unschedulable": true,
		"kube_pod_container_status_waiting_reason": true, "kube_pod_container_status_last_terminated_reason": true}
	names, err := monitoring.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if len(query(t.Context(), t, prometheus, name)) == 0 && !absent[name] && !strings.HasPrefix(name, "skipper_") {
			t.Errorf("metric %s, which a rule or a panel uses, is not there", name)
		}
	}
	if out := c.Make("status"); !strings.Contains(out, "alerts that fire: 0\n") {
		t.Errorf("make status does not say that no alert fires:\n%s", out)
	}
	if again := c.Make("monitor"); !strings.Contains(again, prometheus) {
		t.Errorf("a second make monitor does not find the first's Prometheus at %s:\n%s", prometheus, again)
	}
}

// query returns the series that a query has at the moment.
func query(ctx context.Context, t *testing.T, prometheus, expr string) []any {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, prometheus+"/v1/query?query="+url.QueryEscape(expr), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Error string
		Data  struct{ Result []any }
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.Error != "" {
		t.Fatalf("%s: %v %s", expr, err, body.Error)
	}
	return body.Data.Result
}
