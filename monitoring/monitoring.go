// Package monitoring holds the alert rules, in Prometheus' own format, and how their alerts become messages, in Alertmanager's.
// `make monitor` uses both on this machine; they are as good for a Prometheus of one's own.
package monitoring

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Rules is the file of alert rules.
//
//go:embed rules.yaml
var Rules []byte

// Routes is an Alertmanager configuration without receivers. Its route names the receiver "pages", which is the user's.
//
//go:embed alertmanager.yaml
var Routes []byte

// Receiver is the name of the receiver in Routes.
const Receiver = "pages"

// Rule is a rule of Rules: an alert, or a recorded series.
type Rule struct {
	Alert       string            `json:"alert,omitempty"`
	Record      string            `json:"record,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Parse returns the rules of a file of rules, in its order.
func Parse(file []byte) (all []Rule, err error) {
	var parsed struct {
		Groups []struct {
			Name  string `json:"name"`
			Rules []Rule `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.UnmarshalStrict(file, &parsed, yaml.DisallowUnknownFields); err != nil {
		return nil, fmt.Errorf("reading the alert rules: %w", err)
	}
	for _, group := range parsed.Groups {
		all = append(all, group.Rules...)
	}
	return all, nil
}

// FindAlert returns the rule of an alert of Rules.
func FindAlert(name string) (Rule, bool) {
	all, err := Parse(Rules)
	if err != nil {
		return Rule{}, false
	}
	i := slices.IndexFunc(all, func(r Rule) bool { return r.Alert == name })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// sources are the beginnings of the names of metrics that are scraped.
var sources = regexp.MustCompile(`\b(?:kube|kubernetes|cluster_autoscaler|skipper)_[a-z0-9_]+`)

// Metrics returns the names of the scraped metrics that the rules and the dashboards use, sorted. No others need to be kept.
func Metrics() ([]string, error) {
	rules, err := Parse(Rules)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range rules {
		names = append(names, sources.FindAllString(r.Expr, -1)...)
	}
	for _, d := range Dashboards {
		for _, p := range d.Panels {
			for _, q := range p.Queries {
				names = append(names, sources.FindAllString(q.Expr, -1)...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// WithPrefix returns the names that begin with a prefix.
func WithPrefix(names []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

// StateMetricsKinds are the kinds of objects, by API group, that kube-state-metrics makes Metrics of.
var StateMetricsKinds = map[string][]string{
	"": {"nodes", "pods"}, "apps": {"deployments"}, "autoscaling": {"horizontalpodautoscalers"}, "policy": {"poddisruptionbudgets"},
}

// StateMetricsArguments are kube-state-metrics' arguments by which it reads these objects and serves Metrics, and no others.
func StateMetricsArguments() ([]string, error) {
	names, err := Metrics()
	if err != nil {
		return nil, err
	}
	kinds := slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(StateMetricsKinds))...)))
	return []string{"--resources=" + strings.Join(kinds, ","), "--metric-allowlist=" + strings.Join(WithPrefix(names, "kube_"), ",")}, nil
}
