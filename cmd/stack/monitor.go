package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tfserving/embedded"
)

// monitor starts the monitoring of the stack's embedded cluster and prints where it is.
func (s *pulumiStack) monitor(ctx context.Context, _ []string) error {
	m, err := s.startMonitor(ctx, "")
	if err != nil {
		return err
	}
	fmt.Printf(`
  Alertmanager   %s               the alerts that fire, in a browser
  Prometheus     %s/api/v1/query?query=up   its API; a Grafana of yours can read it
  rules          monitoring/rules.yaml

Next:
  make status STACK=%[3]s    pods and nodes, and the alerts that fire
  make gameday             real faults, and the pages that follow (stack local)
  make down STACK=%[3]s      end it all
`, m.Alertmanager, m.Prometheus, s.name)
	return nil
}

// startMonitor starts what of the monitoring does not run. Alertmanager sends its messages to webhook, or to nobody if that is
// empty.
func (s *pulumiStack) startMonitor(ctx context.Context, webhook string) (*embedded.Monitor, error) {
	if !s.embedded() {
		return nil, fmt.Errorf("monitor watches a cluster on this machine, and stack %s has none; docs/monitoring.md says how to use the rules elsewhere", s.name)
	}
	if !s.hasCluster() {
		return nil, fmt.Errorf("stack %s is not up: `make up STACK=%[1]s` starts it", s.name)
	}
	if err := s.buildTools(ctx, "monitoring"); err != nil {
		return nil, err
	}
	return s.cluster().StartMonitor(ctx, webhook)
}

// printAlerts prints the alerts that fire, if the cluster is monitored.
func (s *pulumiStack) printAlerts(ctx context.Context) {
	alerts, running, err := s.cluster().Alerts(ctx)
	if err != nil {
		fmt.Printf("\nalerts that fire: unknown: %v\n", err)
	}
	if err != nil || !running {
		return
	}
	alerts = slices.DeleteFunc(alerts, func(a embedded.Alert) bool { return a.State != "firing" })
	slices.SortFunc(alerts, func(a, b embedded.Alert) int {
		return cmp.Or(cmp.Compare(a.Labels["alertname"], b.Labels["alertname"]), cmp.Compare(a.Annotations["summary"], b.Annotations["summary"]))
	})
	fmt.Printf("\nalerts that fire: %d\n", len(alerts))
	for _, a := range alerts {
		fmt.Printf("  %-7s %-20s %s\n          %s\n", a.Labels["severity"], a.Labels["alertname"], a.Annotations["summary"], a.Annotations["runbook"])
	}
}
