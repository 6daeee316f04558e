package embedded

import (
	"encoding/json"
	"math"
	"testing"
)

func TestAPointOfPrometheusHasATimeAndAValue(t *testing.T) {
	var series []Series
	if err := json.Unmarshal([]byte(`[{"metric": {"code": "200"}, "values": [[1700000000.5, "3.25"], [1700000001, "NaN"]]}]`), &series); err != nil {
		t.Fatal(err)
	}
	points := series[0].Points
	if series[0].Labels["code"] != "200" || len(points) != 2 || points[0] != (Point{1700000000.5, 3.25}) || !math.IsNaN(points[1].Value) {
		t.Errorf("got %+v", series)
	}
}
