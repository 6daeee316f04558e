// Package eks rehearses an EKS stack without an account. The program, the engine and the plugins are real, and so are the
// cluster's control plane and the Cluster Autoscaler, with the arguments and permissions that the program gives it. AWS and the
// instances are simulated.
package eks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"tfserving/catalog"
	"tfserving/config"
	"tfserving/embedded"
	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
	"tfserving/rehearsal/machines"
	"tfserving/test/emulated"
)

const (
	// passphrase encrypts the secrets in the rehearsal's state, which the test deletes.
	passphrase = "rehearsal"
	// bootTime is how long a simulated instance takes to join: short, so that a rehearsal takes minutes.
	bootTime = 3 * time.Second
	// hpaSync is how often HorizontalPodAutoscalers read metrics; EKS reads them every 15 s.
	hpaSync = 5 * time.Second
	// chart replaces the load balancer controller's chart, which only a network connection can fetch.
	chart = "rehearsal/chart"
)

// rehearsal is a stack on emulated AWS.
type rehearsal struct {
	*checkout.Checkout
	stack    string
	settings *config.Settings
	aws      *emulator.AWS
	cluster  *embedded.Cluster
	machines *machines.Machines
	begin    time.Time
	// older and newer are two successive versions of Kubernetes, which beginOlder sets. A rehearsal begins with older.
	older, newer string
}

// newRehearsal starts what a stack needs from outside: emulated AWS, a control plane and simulated machines. All of it ends
// with the test.
func newRehearsal(t testing.TB, stack string, times emulator.Times) *rehearsal {
	t.Helper()
	r := &rehearsal{Checkout: checkout.New(t, "../.."), stack: stack, begin: time.Now()}
	ctx := t.Context()
	r.logf("checkout in %s", r.Dir)
	r.shorten()
	var err error
	if r.settings, err = config.ReadStackFile(filepath.Join(r.Dir, config.StackFile(stack))); err != nil {
		t.Fatal(err)
	}
	r.Make("tools")
	r.aws = emulated.Start(t, r.folder("aws"), r.settings.Region, times)
	kubeconfig := filepath.Join(r.folder("admin"), "kubeconfig")
	r.cluster = embedded.New(embedded.Config{
		Dir: r.folder("cluster"), Bin: r.bin(), Kubeconfig: kubeconfig, Region: r.settings.Region, Zones: r.settings.Network.Zones,
		PodStart: config.Default().Local.PodStartTime, HPASync: hpaSync, TokenWebhook: r.aws.WebhookURL(), CloudControllers: true, Log: os.Stdout,
	})
	t.Cleanup(func() { r.stopped("control plane", r.cluster.Stop()) })
	if err := r.cluster.Start(ctx); err != nil {
		t.Fatal(err)
	}
	rest := r.rest()
	r.aws.SetControlPlane(rest.Host, authority(t, rest))
	r.aws.SetKubernetes(r.admin())
	// The test's own context ends before its cleanups run, and they still need the machines.
	r.machines, err = machines.Start(context.WithoutCancel(ctx), machines.Config{
		AWS: r.aws, Kubernetes: rest, ClusterName: config.ClusterName(stack), Region: r.settings.Region,
		BootTime: bootTime, Bin: r.bin(), Dir: r.folder("machines"), Log: os.Stdout,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stopped("simulated machines", r.machines.Stop()) })
	r.Env = append(r.aws.Env(),
		r.mark(),
		"PULUMI_CONFIG_PASSPHRASE="+passphrase,
		"PULUMI_SKIP_UPDATE_CHECK=true",
		"KUBECONFIG="+filepath.Join(r.folder("home"), "kubeconfig"), // no such file: the program makes its own kubeconfig
	)
	t.Cleanup(r.endPlugins)
	if plugins := os.Getenv("AWS_PLUGINS"); plugins != "" {
		r.usePlugins(plugins)
	}
	r.certify()
	return r
}

// makeSpotRole makes the role with which EC2 launches spot instances. A new account does not have it.
func (r *rehearsal) makeSpotRole() {
	r.Run("aws", "iam", "create-service-linked-role", "--aws-service-name", "spot.amazonaws.com")
}

// shorten changes the stack's settings for a quick rehearsal: short times for the autoscalers, and a local chart. All other
// settings are the stack's own.
func (r *rehearsal) shorten() {
	r.Edit(r.file(), "autoscaler", map[string]any{"scanInterval": "2s", "scaleDownUnneededTime": "10s", "scaleDownDelayAfterAdd": "10s"})
	r.Edit(r.file(), "gateway.scaling.down", map[string]any{"stabilization": "5s", "period": "5s"})
	r.Edit(r.file(), "loadBalancerController", map[string]any{"chart": chart, "repository": "", "version": ""})
	r.Edit(r.file(), "monitoring", nil) // a part of the story turns it on
	r.logf("the chart of the load balancer controller is %s, because its publisher may be out of reach", chart)
}

// beginOlder lets the stack begin with the version before its own if the next one, to which it is to be upgraded, is not known.
func (r *rehearsal) beginOlder() {
	own := r.settings.Cluster.Version
	if r.older, r.newer = upgradePath(own); r.older != own {
		r.logf("the control plane begins with Kubernetes %s, because no version after the stack's %s is known", r.older, own)
		r.Edit(r.file(), "cluster.version", r.older)
	}
}

// upgradePath are a stack's version of Kubernetes and the next one. If the next one is not known, they are the version before and
// the stack's own.
func upgradePath(version string) (older, newer string) {
	known := catalog.Offered(time.Now())
	i := min(slices.Index(known, version), len(known)-2)
	return known[i], known[i+1]
}

// mark is an environment variable that every process of the rehearsal's commands has, and no other process. The state is beside
// .local, which belongs to stacks with an embedded cluster.
func (r *rehearsal) mark() string { return "PULUMI_BACKEND_URL=file://" + r.folder("../state") }

// endPlugins ends HashiCorp's provider, which goes on when Pulumi ends the replacement of the AWS plugin.
func (r *rehearsal) endPlugins() {
	all, err := process.Processes()
	if err != nil {
		r.T.Errorf("listing processes: %v", err)
		return
	}
	for _, p := range all {
		env, err := p.Environ()
		if err != nil || !slices.Contains(env, r.mark()) {
			continue
		}
		if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			r.T.Errorf("ending process %d, which a plugin started: %v", p.Pid, err)
		}
	}
}

// usePlugins takes the AWS and EKS plugins from a folder. rehearsal/plugin runs between Pulumi and that AWS plugin and adds
// what it lacks.
func (r *rehearsal) usePlugins(plugins string) {
	wrapped := filepath.Join(r.folder("plugins"), "pulumi-resource-aws")
	build := exec.Command("go", "build", "-o", wrapped, "tfserving/rehearsal/plugin")
	if out, err := build.CombinedOutput(); err != nil {
		r.T.Fatalf("building rehearsal/plugin: %v\n%s", err, out)
	}
	path := []string{filepath.Dir(wrapped), plugins, os.Getenv("PATH")}
	r.Env = append(r.Env,
		"REAL_PLUGIN="+filepath.Join(plugins, "pulumi-resource-aws"),
		"PATH="+strings.Join(path, string(os.PathListSeparator)),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")
}

func (r *rehearsal) logf(format string, args ...any) {
	fmt.Printf("%s rehearsal: %s\n", time.Since(r.begin).Round(time.Second), fmt.Sprintf(format, args...))
}

func (r *rehearsal) stopped(what string, err error) {
	if err != nil {
		r.T.Errorf("stopping %s: %v", what, err)
	}
}

func (r *rehearsal) bin() string { return filepath.Join(r.Dir, ".local", "bin") }

// folder makes a folder of the rehearsal, if it does not exist, and returns its path.
func (r *rehearsal) folder(name string) string {
	dir := filepath.Join(r.Dir, ".local", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.T.Fatal(err)
	}
	return dir
}

func (r *rehearsal) rest() *rest.Config {
	cfg, err := r.cluster.RESTConfig()
	if err != nil {
		r.T.Fatal(err)
	}
	return cfg
}

// admin is a client of the control plane with its own administrator certificate, which needs no AWS.
func (r *rehearsal) admin() *kubernetes.Clientset {
	client, err := r.cluster.Client()
	if err != nil {
		r.T.Fatal(err)
	}
	return client
}

// authority is the certificate authority of the control plane, PEM.
func authority(t testing.TB, cfg *rest.Config) []byte {
	if len(cfg.CAData) > 0 {
		return cfg.CAData
	}
	data, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// up runs `make up` of the stack.
func (r *rehearsal) up() string { return r.Make("up", "STACK="+r.stack, "YES=1") }

// pulumi runs the pinned Pulumi CLI on the stack, in the environment that `make env` prints.
func (r *rehearsal) pulumi(args string) string {
	r.T.Helper()
	return r.Shell(`eval "$(make -s env STACK=` + r.stack + `)" && exec pulumi ` + args + ` --stack ` + r.stack)
}
