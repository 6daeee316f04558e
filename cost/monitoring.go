package cost

import (
	"fmt"

	"tfserving/catalog"
	"tfserving/resource"
)

// Series that are kept, counted on stack local with the metrics of monitoring/: kube-state-metrics serves 7 of a pod of one container
// and 20 of a node; 12 of an autoscaler, 8 of a Deployment and 2 of a budget make, with the Cluster Autoscaler's, about as many as
// seriesOfTheRest in a stack on EKS.
const (
	seriesOfAPod    = 7
	seriesOfANode   = 20
	seriesOfTheRest = 120
)

// series is how many series a stack's metrics have.
func (e *estimator) series() (Range, error) {
	var nodes Range
	for _, g := range e.nodes {
		if g.err != nil {
			return Range{}, g.err
		}
		nodes = Range{nodes.Min + float64(g.min), nodes.Expected + float64(g.expected), nodes.Max + float64(g.most)}
	}
	count := func(demand, nodes float64) (float64, error) {
		pods, everyNode, err := e.pods(demand)
		return seriesOfTheRest + seriesOfANode*nodes + seriesOfAPod*(float64(len(pods))+float64(everyNode.Pods)*nodes), err
	}
	least, err := count(0, nodes.Min)
	if err != nil {
		return Range{}, err
	}
	expected, err := count(e.usage.Demand, nodes.Expected)
	if err != nil {
		return Range{}, err
	}
	most, err := count(1, nodes.Max)
	return Range{least, expected, most}, err
}

// samples adds the price of every sample of a month.
func (e *estimator) samples(r resource.Resource, what, item string) {
	series, err := e.series()
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	each := e.usage.Hours * 3600 / catalog.ScrapeInterval.Seconds()
	e.bill(r, what, item, Range{series.Min * each, series.Expected * each, series.Max * each},
		fmt.Sprintf("%.0f to %.0f series, %.0f expected, read every %s", series.Min, series.Max, series.Expected, catalog.ScrapeInterval))
}

func (e *estimator) workspace(r resource.Resource) {
	e.samples(r, "metrics taken in", "Prometheus samples")
}

func (e *estimator) collector(r resource.Resource) {
	e.bill(r, "metrics collector", "Prometheus collector", always(1), "")
	e.samples(r, "metrics collected", "Prometheus samples collected")
}

// alarm adds the price of an alarm's metrics. A query counts as one: it reads the metrics of one load balancer.
func (e *estimator) alarm(r resource.Resource) {
	const what = "alarm"
	queries, err := resource.List(r.Inputs, "metricQueries")
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	metrics := 0
	for _, q := range queries {
		if resource.At(q, "metric") != nil {
			metrics++
		}
	}
	e.bill(r, what, "CloudWatch alarm", always(float64(max(metrics, 1))), fmt.Sprintf("on %d metrics", max(metrics, 1)))
}
