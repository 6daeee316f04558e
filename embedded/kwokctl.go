package embedded

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"

	"tfserving/embedded/node"
)

// render is the configuration for kwokctl and kwok.
func (c *Cluster) render() ([]byte, error) {
	version, err := c.output(context.Background(), "kube-apiserver", "--version")
	if err != nil {
		return nil, err
	}
	webhook := ""
	if c.cfg.TokenWebhook != "" {
		webhook = c.file(webhookFile)
	}
	var out bytes.Buffer
	t, err := template.New("kwok").Delims("[[", "]]").Parse(kwokConfig + "---\n" + stages)
	if err != nil {
		return nil, err
	}
	values := map[string]any{
		"Bin":               c.cfg.Bin,
		"KubernetesVersion": strings.TrimPrefix(strings.TrimSpace(version), "Kubernetes v"),
		"MetricsServer":     c.file("metrics-server"),
		"MetricResolution":  MetricResolution,
		"HPASync":           c.cfg.HPASync,
		"Zones":             c.zones(),
		"PodStart":          c.cfg.PodStart,
		"SlowPodStart":      c.cfg.PodStart + slowStart,
		"CrashMilliseconds": crashAfter.Milliseconds(),
		"TokenWebhook":      webhook,
		"TokenWebhookURL":   c.cfg.TokenWebhook,
		"CloudControllers":  c.cfg.CloudControllers,
	}
	values["Ingress"] = "hostname: ingress.invalid"
	if c.cfg.Real != nil {
		values["Real"] = true
		values["PKI"] = c.kwokctlFile("pki")
		values["NetworkAddress"], values["APIPort"] = node.NetworkAddress, node.APIPort
		values["LoopbackAddress"] = c.loopbackAddress()
		values["Ingress"] = "ip: " + c.loopbackAddress()
	}
	err = t.Execute(&out, values)
	return out.Bytes(), err
}

// webhookConfig configures the API server's token webhook, in the form of a kubeconfig.
const (
	webhookFile   = "token-webhook.yaml"
	webhookConfig = `apiVersion: v1
kind: Config
clusters: [{name: webhook, cluster: {server: %q}}]
users: [{name: api-server}]
contexts: [{name: webhook, context: {cluster: webhook, user: api-server}}]
current-context: webhook
`
)

func (c *Cluster) create(ctx context.Context, settings []byte) error {
	c.logf("starting a control plane (etcd, API server, controllers, scheduler, kwok, metrics-server)")
	begin := time.Now()
	for name, data := range map[string][]byte{
		"kwok.yaml":                          settings,
		webhookFile:                          fmt.Appendf(nil, webhookConfig, c.cfg.TokenWebhook),
		"metrics-server/metrics-server.yaml": metricsServer,
		"metrics-server/kustomization.yaml":  []byte("resources: [metrics-server.yaml]\n"),
	} {
		if err := os.MkdirAll(filepath.Dir(c.file(name)), 0o755); err != nil {
			return fmt.Errorf("making the cluster's folder: %w", err)
		}
		if err := os.WriteFile(c.file(name), data, 0o644); err != nil {
			return fmt.Errorf("writing the cluster's configuration: %w", err)
		}
	}
	// kwokctl chooses free ports and opens them a moment later, so only one cluster at a time may start.
	unlock, err := lockPorts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.ensureNetwork(); err != nil {
		return err
	}
	if err := c.kwokctl(ctx, "create", "cluster", "--config", c.file("kwok.yaml"), "--kubeconfig", c.file(kubeconfigFile), "--wait", readyTimeout.String()); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return err
	}
	c.logf("control plane ready in %.1f s", time.Since(begin).Seconds())
	return nil
}

// restart starts a stopped or killed cluster again, with its data and on its ports.
func (c *Cluster) restart(ctx context.Context) error {
	if err := c.startComponents(ctx); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

func (c *Cluster) startComponents(ctx context.Context) error {
	c.stopComponents()
	if err := c.ensureNetwork(); err != nil {
		return err
	}
	if c.cfg.Real == nil { // real nodes have a network of their own, in which every port is free
		if err := c.checkPorts(); err != nil {
			return err
		}
	}
	return c.kwokctl(ctx, "start", "cluster", "--wait", readyTimeout.String())
}

// kwokctl runs kwokctl to its end, even after Ctrl-C. kwokctl records a component's process a moment after it has started
// it, and nothing would end a process that is not recorded.
func (c *Cluster) kwokctl(ctx context.Context, args ...string) error {
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*readyTimeout)
	defer cancel()
	cmd := c.command(finish, "kwokctl", append([]string{"--name", clusterName}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // keeps Ctrl-C of the terminal from it
	var out []byte
	err := c.inNetwork(func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	})
	if err != nil {
		return fmt.Errorf("kwokctl %s: %w\n%s(logs are in %s)", strings.Join(args[:2], " "), err, out, c.kwokctlFile("logs"))
	}
	return ctx.Err()
}

// command prepares one of the pinned commands. Its PATH begins with their folder, because kwokctl calls kubectl by name.
func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.cfg.Bin, name), args...)
	cmd.Env = append(os.Environ(), "KWOK_WORKDIR="+c.cfg.Dir, "KUBECACHEDIR="+c.file("kubectl-cache"), "PATH="+c.cfg.Bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd
}

func (c *Cluster) output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := c.command(ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w (`make tools` builds the commands)", name, strings.Join(args, " "), err)
	}
	return string(out), nil
}
