package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"tfserving/embedded"
)

// monitor starts the monitoring of the stack's embedded cluster and prints where it is. It can draw what the dashboards show.
func (s *pulumiStack) monitor(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("monitor", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set PICTURE and FOR of the Makefile
	picture := flags.String("picture", "", "file that receives a picture of the dashboards")
	length := flags.Duration("for", 30*time.Minute, "the time that the picture shows")
	if err := flags.Parse(args); err != nil || *length < time.Minute {
		return fmt.Errorf("FOR is no length of time of a minute or more: give one such as 5m or 2h (%v)", err)
	}
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
  make gameday STACK=%[3]s   real faults, and the pages that follow
  make down STACK=%[3]s      end it all
`, m.Alertmanager, m.Prometheus, s.name)
	if *picture == "" {
		return nil
	}
	return s.drawPanels(ctx, *picture, *length)
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
