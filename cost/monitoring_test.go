package cost

import (
	"testing"

	"tfserving/resource"
)

// Two nodes of a group that cannot grow and a Deployment of one pod, by hand: 120 + 2 x 20 + 7 = 167 series, read 87,600 times in a
// month of 730 hours: 14,629,200 samples. At 0.09 USD a million they are 1.32, and at 0.003 collected 0.04. The collector's hours are
// 730 x 0.04 = 29.20. Two alarms, on three metrics and on a query, are 0.40.
func TestMonitoringCostsItsSamplesItsCollectorAndItsAlarms(t *testing.T) {
	metric := object{"id": "m", "metric": object{"metricName": "RequestCount"}}
	of := func(nodes float64, more ...resource.Resource) map[string]Range {
		return amounts(Of(append(more, inRegion("eu-west-1"),
			newResource(resource.NodeGroup, "general", object{"capacityType": "ON_DEMAND", "instanceTypes": []any{"m6i.large"}, "scalingConfig": object{"minSize": nodes, "maxSize": nodes}}),
			newResource(resource.Deployment, "one", object{"metadata": object{"name": "one"}, "spec": object{"replicas": 1.0, "template": object{"spec": object{"containers": []any{object{"resources": object{"requests": object{"cpu": "100m", "memory": "128Mi"}}}}}}}}),
			newResource(resource.PrometheusWorkspace, "w", object{}), newResource(resource.PrometheusCollector, "c", object{}),
			newResource(resource.MetricAlarm, "fail", object{"metricQueries": []any{metric, metric, metric, object{"id": "e", "expression": "m"}}}),
			newResource(resource.MetricAlarm, "unhealthy", object{"metricQueries": []any{object{"id": "q", "expression": "SELECT 1"}}}),
			newResource(resource.Topic, "t", object{}), newResource(resource.TopicSubscription, "s", object{}),
		), today))
	}
	got := of(2)
	for what, want := range map[string]float64{"metrics taken in": 1.32, "metrics collected": 0.04, "metrics collector": 29.20, "alarm": 0.40} {
		if got[what] != (Range{want, want, want}) {
			t.Errorf("%s costs %v, want %.2f", what, got[what], want)
		}
	}
	// 120 + 4 x 20 + 7 = 207 series.
	if got := of(4)["metrics taken in"]; got.Expected != 1.63 {
		t.Errorf("with two more nodes, metrics taken in cost %v, want 1.63", got)
	}
}
