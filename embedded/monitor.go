package embedded

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"

	"tfserving/embedded/child"
	"tfserving/monitoring"
)

//go:embed prometheus.yaml
var prometheusConfig string

const (
	prometheus       = "prometheus"
	alertmanager     = "alertmanager"
	kubeStateMetrics = "kube-state-metrics"
	// monitorFolder holds the files of the three, in the cluster's folder.
	monitorFolder = "monitor"
	// monitorTimeout bounds the start of one of them, which takes 1-2 s.
	monitorTimeout = 30 * time.Second
	// scrapeInterval is the time between two readings of a source. On EKS it is 30 s; here faults show sooner.
	scrapeInterval = 5 * time.Second
	// autoscalerTargets is the file in which Prometheus finds the autoscaler, which has another port after each start.
	autoscalerTargets = "cluster-autoscaler.targets.json"
)

// monitors are the commands that watch the cluster, in the order of their start, with the path that says that one works.
var monitors = []struct{ name, health string }{
	{kubeStateMetrics, "/healthz"}, {alertmanager, "/-/ready"}, {prometheus, "/-/ready"},
}

// Monitor is where the cluster's monitoring answers.
type Monitor struct{ Prometheus, Alertmanager string } // URLs

// StartMonitor starts kube-state-metrics, Alertmanager and Prometheus with the project's rules, or those of them that do not
// run. Alertmanager sends its messages to webhook, a URL, or to nobody if that is empty. Stop ends all of it.
func (c *Cluster) StartMonitor(ctx context.Context, webhook string) (*Monitor, error) {
	if c.ready(ctx) != nil {
		return nil, errors.New("the cluster does not run: `make up` starts it")
	}
	if err := os.MkdirAll(c.file(monitorFolder), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the monitoring: %w", err)
	}
	addresses := map[string]string{}
	for _, m := range monitors {
		address, err := c.daemonAddress(m.name)
		if err != nil {
			return nil, err
		}
		addresses[m.name] = address
	}
	changed, err := c.writeMonitorFiles(addresses, webhook)
	if err != nil {
		return nil, err
	}
	for _, m := range monitors {
		if p := c.processIn(c.file(m.name + ".pid")); p != nil {
			if changed && m.name != kubeStateMetrics { // both read their files again at SIGHUP
				if err := p.SendSignal(syscall.SIGHUP); err != nil {
					return nil, fmt.Errorf("making %s read its configuration again: %w", m.name, err)
				}
			}
			continue
		}
		c.logf("starting %s", m.name)
		args := c.monitorArguments(m.name, addresses[m.name])
		if err := c.startDaemon(ctx, daemon{name: m.name, args: args, health: "http://" + addresses[m.name] + m.health, timeout: monitorTimeout}); err != nil {
			return nil, err
		}
	}
	return &Monitor{Prometheus: "http://" + addresses[prometheus], Alertmanager: "http://" + addresses[alertmanager]}, nil
}

// monitorFile is the path of a file of the monitoring.
func (c *Cluster) monitorFile(name string) string { return filepath.Join(c.file(monitorFolder), name) }

func (c *Cluster) monitorArguments(name, address string) []string {
	switch name {
	case kubeStateMetrics:
		host, port, _ := strings.Cut(address, ":")
		what, err := monitoring.StateMetricsArguments()
		if err != nil {
			panic(err) // a test parses the same file
		}
		return append(what,
			"--kubeconfig="+c.monitorFile("kubeconfig"), "--host="+host, "--port="+port,
			"--telemetry-host="+host, "--telemetry-port=0") // its metrics about itself: nobody reads them
	case alertmanager:
		return []string{"--config.file=" + c.monitorFile("alertmanager.yaml"), "--storage.path=" + c.monitorFile("alertmanager"),
			"--web.listen-address=" + address, "--cluster.listen-address="} // one of it needs no cluster
	default:
		return []string{"--config.file=" + c.monitorFile("prometheus.yaml"), "--storage.tsdb.path=" + c.monitorFile("prometheus"),
			"--web.listen-address=" + address, "--storage.tsdb.retention.time=1d"}
	}
}

// usedMetrics are the names of the metrics that the rules and the dashboards use.
func usedMetrics() []string {
	names, err := monitoring.Metrics()
	if err != nil {
		panic(err) // a test parses the same file
	}
	return names
}

// writeMonitorFiles writes the configurations, and says whether one of them differs from what was there.
func (c *Cluster) writeMonitorFiles(addresses map[string]string, webhook string) (changed bool, err error) {
	kubeconfig, err := os.ReadFile(c.cfg.Kubeconfig)
	if err != nil {
		return false, fmt.Errorf("reading the embedded cluster's kubeconfig: %w", err)
	}
	api, err := c.RESTConfig()
	if err != nil {
		return false, err
	}
	t, err := template.New(prometheus).Delims("[[", "]]").Parse(prometheusConfig)
	if err != nil {
		return false, err
	}
	values := map[string]any{
		"ScrapeInterval":    scrapeInterval,
		"Rules":             c.monitorFile("rules.yaml"),
		"Alertmanager":      addresses[alertmanager],
		"KubeStateMetrics":  addresses[kubeStateMetrics],
		"APIServer":         strings.TrimPrefix(api.Host, "https://"),
		"PKI":               c.kwokctlFile("pki"),
		"Kubeconfig":        c.monitorFile("kubeconfig"),
		"Keep":              strings.Join(usedMetrics(), "|"),
		"AutoscalerTargets": "",
	}
	if len(c.cfg.AutoscalerFlags) > 0 {
		values["AutoscalerTargets"] = c.file(autoscalerTargets)
	}
	if c.cfg.Real != nil {
		values["IngressNamespace"] = c.cfg.Real.IngressNamespace
	}
	var config bytes.Buffer
	if err := t.Execute(&config, values); err != nil {
		return false, err
	}
	receiver := "receivers:\n  - name: " + monitoring.Receiver + "\n"
	if webhook != "" {
		receiver += fmt.Sprintf("    webhook_configs: [{url: %q, send_resolved: true}]\n", webhook)
	}
	for name, data := range map[string][]byte{
		"kubeconfig":        kubeconfig,
		"rules.yaml":        monitoring.Rules,
		"prometheus.yaml":   config.Bytes(),
		"alertmanager.yaml": append(slices.Clone(monitoring.Routes), receiver...),
	} {
		if have, err := os.ReadFile(c.monitorFile(name)); err == nil && bytes.Equal(have, data) {
			continue
		}
		changed = true
		if err := os.WriteFile(c.monitorFile(name), data, 0o600); err != nil {
			return false, fmt.Errorf("writing the configuration of the monitoring: %w", err)
		}
	}
	return changed, nil
}

// stopMonitor ends the processes of StartMonitor. Nothing of what they keep outlives the cluster.
func (c *Cluster) stopMonitor() {
	for _, m := range monitors {
		c.stopDaemon(m.name)
	}
}

// daemonAddress is the address, host:port, of a command of this cluster that runs, or a free one.
func (c *Cluster) daemonAddress(name string) (string, error) {
	p := c.processIn(c.file(name + ".pid"))
	if p == nil {
		return child.FreeAddress()
	}
	args, err := p.CmdlineSlice()
	if err != nil {
		return "", fmt.Errorf("reading the address of %s: %w", name, err)
	}
	host, port := "127.0.0.1", ""
	for _, arg := range args {
		if address, ok := strings.CutPrefix(arg, "--web.listen-address="); ok {
			return address, nil
		}
		if value, ok := strings.CutPrefix(arg, "--port="); ok {
			port = value
		}
	}
	return host + ":" + port, nil
}
