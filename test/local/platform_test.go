package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/embedded"
	"tfserving/internal/checkout"
)

// TestThePlatformKubernetesDeploysToAnExistingCluster deploys the application with pulumi, without make, to a cluster of which
// the settings name kubeconfig and context. That cluster has no autoscaler of nodes.
func TestThePlatformKubernetesDeploysToAnExistingCluster(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.Make("tools")
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	cluster := embedded.New(embedded.Config{
		Dir: filepath.Join(dir, "cluster"), Bin: filepath.Join(c.Dir, ".local", "bin"), Kubeconfig: kubeconfig,
		// No autoscaler adds nodes, so these hold the pods of every shape below and the surge of its rollout.
		NodeGroups: []embedded.NodeGroup{{Name: "own", InstanceType: "m6i.large", Capacity: "ON_DEMAND", Min: 6, Max: 6}},
		Region:     "own-1", Zones: 3, HPASync: 5 * time.Second,
	})
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A second cluster runs beside the first and ends without it.
	second := embedded.New(embedded.Config{Dir: filepath.Join(dir, "second"), Bin: filepath.Join(c.Dir, ".local", "bin"),
		Kubeconfig: filepath.Join(dir, "second.kubeconfig"), Region: "own-2", Zones: 2, HPASync: 5 * time.Second})
	if err := second.Start(t.Context()); err != nil {
		t.Errorf("starting a second cluster: %v", err)
	}
	if err := second.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := checkout.Client(t, kubeconfig).CoreV1().Namespaces().Get(t.Context(), "kube-system", metav1.GetOptions{}); err != nil {
		t.Fatalf("the first cluster does not answer after the second has stopped: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(c.Dir, "Pulumi.local.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// The salt belongs to the passphrase of stack local.
	data = regexp.MustCompile(`(?m)^encryptionsalt: .*\n`).ReplaceAll(data, nil)
	if err := os.WriteFile(filepath.Join(c.Dir, "Pulumi.own.yaml"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	p := &plain{c: c, home: filepath.Join(dir, "home"), state: filepath.Join(dir, "state")}
	if err := os.MkdirAll(p.state, 0o755); err != nil {
		t.Fatal(err)
	}
	c.Edit("Pulumi.own.yaml", "kubernetes", map[string]any{"kubeconfig": kubeconfig, "context": embedded.ContextName})
	c.Edit("Pulumi.own.yaml", "local", nil)
	p.run(true, "stack", "init", "own")
	p.run(true, "up", "--yes", "--stack", "own")
	if out := p.run(true, "preview", "--stack", "own"); checkout.Changes(out) != "" {
		t.Errorf("a preview after up finds changes:\n%s", out)
	}
	env := append(p.env(), "make", "preview", "STACK=own")
	if out, err := c.Start("env", env...).Wait(); err != nil || checkout.Changes(out) != "" || !strings.Contains(out, "unchanged") {
		t.Errorf("make preview STACK=own: %v\n%s", err, out)
	}
	outputs := p.run(true, "stack", "output", "--stack", "own", "--json")
	for _, want := range []string{`"namespace": "tfserving"`, `"modelEndpoint": "tf-serving-clothing-model.tfserving.svc.cluster.local:8500"`, `"gatewayUrl": "http://ingress.invalid"`, `"kubeconfig": "[secret]"`} {
		if !strings.Contains(outputs, want) {
			t.Errorf("the outputs lack %s:\n%s", want, outputs)
		}
	}
	client := checkout.Client(t, kubeconfig)
	checkout.Eventually(t, "the pods of each component are in different zones", func(ctx context.Context) error {
		return spreadOverZones(ctx, t, c, kubeconfig)
	})

	shapes(t, c, p, kubeconfig)

	// A kubeconfig that leads to no cluster gives one error within 10 s and changes nothing.
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	hanging := filepath.Join(dir, "hanging")
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	server := text[strings.Index(string(text), "https://"):]
	server = server[:strings.Index(string(server), "\n")]
	if err := os.WriteFile(hanging, []byte(strings.Replace(string(text), string(server), "https://"+silent.Addr().String(), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct {
		name, file, context string
		want                []string // in the error
	}{
		{"no such file", filepath.Join(dir, "nosuch"), "", []string{"does not exist", "tfserving:kubernetes.kubeconfig"}},
		{"no such context", kubeconfig, "nosuch", []string{`no context "nosuch"`, embedded.ContextName}},
		{"a cluster that does not answer", hanging, embedded.ContextName, []string{"does not answer", silent.Addr().String()}},
	} {
		c.Edit("Pulumi.own.yaml", "kubernetes", map[string]any{"kubeconfig": wrong.file, "context": wrong.context})
		begin := time.Now()
		out := p.run(false, "up", "--yes", "--skip-preview", "--stack", "own")
		// The check has a limit of 10 s; the engine and its start take the rest.
		const most = 20 * time.Second
		if took := time.Since(begin); took > most {
			t.Errorf("%s: took %s, want under %s", wrong.name, took, most)
		}
		for _, want := range wrong.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: the error does not contain %q:\n%s", wrong.name, want, out)
			}
		}
	}
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil {
		t.Errorf("an update with a wrong kubeconfig deleted the namespace: %v", err)
	}
	c.Edit("Pulumi.own.yaml", "kubernetes", map[string]any{"kubeconfig": kubeconfig, "context": embedded.ContextName})
	p.run(true, "destroy", "--yes", "--stack", "own")
	checkout.Eventually(t, "the namespace is gone", func(ctx context.Context) error {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if err == nil {
			return errors.New("it exists")
		}
		return nil
	})
}

// shapes deploys the application with settings that stack local does not have, one after the other. The plugin and the API server
// must accept each.
func shapes(t *testing.T, c *checkout.Checkout, p *plain, kubeconfig string) {
	client, ctx := checkout.Client(t, kubeconfig), t.Context()
	for _, shape := range []struct {
		name  string
		set   map[string]any
		check func() error
	}{
		{"a Service of type LoadBalancer", map[string]any{"gateway.service": "LoadBalancer", "ingress.allowedCidrs": []string{"203.0.113.0/24"}}, func() error {
			s, err := client.CoreV1().Services(namespace).Get(ctx, "gateway", metav1.GetOptions{})
			if err != nil {
				return err
			}
			if got := s.Spec.LoadBalancerSourceRanges; len(got) != 1 || got[0] != "203.0.113.0/24" {
				return fmt.Errorf("the load balancer admits %v", got)
			}
			return p.hasURL("http://load-balancer.invalid")
		}},
		{"an ALB with a certificate for a host", map[string]any{"gateway.service": "ClusterIP", "ingress": map[string]any{"class": "alb", "controllerNamespace": "kube-system", "scheme": "internet-facing",
			"host": "model.example.com", "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012", "allowedCidrs": []string{"203.0.113.0/24"}}}, func() error {
			return p.hasURL("https://model.example.com")
		}},
		{"batching, and a fixed number of model servers", map[string]any{"model.batching": map[string]any{"maxBatchSize": 16}, "model.replicas": map[string]any{"min": 3, "max": 3}}, func() error {
			d, err := client.AppsV1().Deployments(namespace).Get(ctx, "tf-serving-clothing-model", metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, v := range d.Spec.Template.Spec.Volumes {
				if v.ConfigMap == nil {
					continue
				}
				files, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, v.ConfigMap.Name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				if d.Status.ReadyReplicas != 3 || !strings.Contains(files.Data["batching.config"], "max_batch_size { value: 16 }") {
					return fmt.Errorf("%d model servers are ready with batching file %q", d.Status.ReadyReplicas, files.Data)
				}
				return nil
			}
			return errors.New("the model servers mount no ConfigMap")
		}},
		{"a range of model servers again", map[string]any{"model.replicas": map[string]any{"min": 2, "max": 6}}, func() error {
			d, err := client.AppsV1().Deployments(namespace).Get(ctx, "tf-serving-clothing-model", metav1.GetOptions{})
			if err == nil && d.Status.ReadyReplicas < 2 {
				err = fmt.Errorf("%d model servers are ready", d.Status.ReadyReplicas)
			}
			return err
		}},
		{"a model server that runs as root", map[string]any{"model.runAsUser": 0}, func() error {
			ns, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if got := ns.Labels["pod-security.kubernetes.io/enforce"]; got != "baseline" {
				return fmt.Errorf("the namespace enforces Pod Security level %s, want baseline", got)
			}
			return nil
		}},
	} {
		for key, value := range shape.set {
			c.Edit("Pulumi.own.yaml", key, value)
		}
		begin := time.Now()
		p.run(true, "up", "--yes", "--skip-preview", "--stack", "own")
		checkout.Eventually(t, shape.name, func(context.Context) error { return shape.check() })
		t.Logf("%s: %.1f s", shape.name, time.Since(begin).Seconds())
	}
}

// hasURL returns an error unless the gateway has this URL.
func (p *plain) hasURL(want string) error {
	if got := strings.TrimSpace(p.run(true, "stack", "output", "gatewayUrl", "--stack", "own")); got != want {
		return fmt.Errorf("the gateway's URL is %q, want %q", got, want)
	}
	return nil
}

func spreadOverZones(ctx context.Context, t *testing.T, c *checkout.Checkout, kubeconfig string) error {
	client := checkout.Client(t, kubeconfig)
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	zone := map[string]string{}
	for _, n := range nodes.Items {
		zone[n.Name] = n.Labels["topology.kubernetes.io/zone"]
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	zones := map[string]map[string]bool{}
	for _, p := range pods.Items {
		component := p.Labels["app.kubernetes.io/component"]
		if zones[component] == nil {
			zones[component] = map[string]bool{}
		}
		if p.Spec.NodeName != "" {
			zones[component][zone[p.Spec.NodeName]] = true
		}
	}
	for _, component := range []string{"gateway", "model-server"} {
		if len(zones[component]) < 2 {
			return fmt.Errorf("the pods of %s are in %d zones", component, len(zones[component]))
		}
	}
	return nil
}

// plain runs pulumi as a person does in a shell with the tools on PATH.
type plain struct {
	c           *checkout.Checkout
	home, state string
}

// env is the environment of pulumi, with a backend of its own.
func (p *plain) env() []string {
	return []string{"PULUMI_HOME=" + p.home, "PULUMI_BACKEND_URL=file://" + p.state, "PULUMI_CONFIG_PASSPHRASE=test",
		"PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true"}
}

// run runs pulumi, which must succeed if ok and fail if not, and returns its output.
func (p *plain) run(ok bool, args ...string) string {
	p.c.T.Helper()
	bin := filepath.Join(p.c.Dir, ".local", "bin")
	plugins, err := filepath.Glob(filepath.Join(bin, "plugins", "*"))
	if err != nil {
		p.c.T.Fatal(err)
	}
	// pulumi leaves temporary files, which the test must not take for those of make.
	env := append(p.env(), "TMPDIR="+p.c.T.TempDir(), "PATH="+strings.Join(append(plugins, bin, os.Getenv("PATH")), ":"))
	run := p.c.Start("env", append(append(env, filepath.Join(bin, "pulumi")), args...)...)
	out, err := run.Wait()
	if (err == nil) != ok {
		p.c.T.Fatalf("pulumi %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}
