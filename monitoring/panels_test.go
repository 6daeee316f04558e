package monitoring_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"sigs.k8s.io/yaml"

	"tfserving/internal/page"
	"tfserving/monitoring"
)

// Three panels fit beside each other: Grafana divides a row into 24 columns.
const panelWidth, panelHeight = 8, 8

// grafana is a dashboard in Grafana's format.
func grafana(t *testing.T, d monitoring.Dashboard) string {
	t.Helper()
	//lint:ignore SA1019 only Grafana 12 and newer read the other format
	builder := dashboard.NewDashboardBuilder(d.Title).Uid("tfserving-"+d.Name).Time("now-1h", "now").Refresh("30s")
	for _, p := range d.Panels {
		panel := timeseries.NewPanelBuilder().Title(p.Title).Description(p.Says).Unit(p.Unit).Min(0).Span(panelWidth).Height(panelHeight)
		for _, q := range p.Queries {
			panel.WithTarget(prometheus.NewDataqueryBuilder().Expr(q.Expr).LegendFormat(q.Legend))
		}
		builder.WithPanel(panel)
	}
	built, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(built, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestTheDashboardsOfGrafanaHaveThePanels(t *testing.T) {
	for _, d := range monitoring.Dashboards {
		page.Whole(t, filepath.Join("dashboards", d.Name+".json"), "go test ./monitoring -run Dashboards -update", grafana(t, d))
	}
}

// promtool checks queries only in rules.
func TestPrometheusAcceptsTheQueriesOfTheDashboards(t *testing.T) {
	run := promtool(t)
	var rules []monitoring.Rule
	for _, d := range monitoring.Dashboards {
		for _, p := range d.Panels {
			for _, q := range p.Queries {
				rules = append(rules, monitoring.Rule{Record: fmt.Sprintf("panel:%d", len(rules)), Expr: q.Expr})
			}
		}
	}
	data, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := run("check", "rules", file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
