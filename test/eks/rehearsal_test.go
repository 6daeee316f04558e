// Package aws rehearses an EKS stack without an account: the program as it is, the real engine and plugins, emulated AWS,
// a real control plane for the cluster, simulated instances that join it, and the real Cluster Autoscaler with the
// arguments and the permissions that the program gave it.
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

	"tfserving/config"
	"tfserving/embedded"
	"tfserving/internal/checkout"
	"tfserving/rehearsal/emulator"
	"tfserving/rehearsal/machines"
)

const (
	// passphrase encrypts the rehearsal's state, which ends with it.
	passphrase = "rehearsal"
	// bootTime is how long a simulated instance takes to join: short, so that a rehearsal takes minutes.
	bootTime = 3 * time.Second
	// hpaSync is how often HorizontalPodAutoscalers look.
	hpaSync = 5 * time.Second
	// chart stands in for the load balancer controller's own, which cannot be fetched without a network.
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
}

// newRehearsal starts everything that a stack needs and that is no part of it. All of it ends with the test.
func newRehearsal(t testing.TB, stack string, times emulator.Times) *rehearsal {
	t.Helper()
	r := &rehearsal{Checkout: checkout.New(t, "../.."), stack: stack, begin: time.Now()}
	ctx := t.Context()
	r.say("checkout in %s", r.Dir)
	r.shorten()
	var err error
	if r.settings, err = config.ReadStackFile(filepath.Join(r.Dir, "Pulumi."+stack+".yaml")); err != nil {
		t.Fatal(err)
	}
	r.Make("tools")
	moto, err := emulator.EnsureMoto(ctx, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	// A context of their own: what runs must outlive the test's end until its cleanups have run.
	running := context.WithoutCancel(ctx)
	r.aws, err = emulator.Start(running, emulator.Config{Dir: r.folder("aws"), MotoServer: moto, Region: r.settings.Region, Times: times, Log: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stopped("emulated AWS", r.aws.Stop()) })
	kubeconfig := filepath.Join(r.folder("admin"), "kubeconfig")
	r.cluster = embedded.New(embedded.Config{
		Dir: r.folder("cluster"), Bin: r.bin(), Kubeconfig: kubeconfig, Region: r.settings.Region, Zones: r.settings.Network.Zones,
		HPASync: hpaSync, TokenWebhook: r.aws.WebhookURL(), CloudControllers: true, Log: os.Stdout,
	})
	t.Cleanup(func() { r.stopped("control plane", r.cluster.Stop()) })
	if err := r.cluster.Start(ctx); err != nil {
		t.Fatal(err)
	}
	rest := r.rest()
	r.aws.SetControlPlane(rest.Host, authority(t, rest))
	r.aws.SetKubernetes(r.admin())
	r.machines, err = machines.Start(running, machines.Config{
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
		"KUBECONFIG="+filepath.Join(r.folder("home"), "kubeconfig"), // there is none: the program brings its own
	)
	t.Cleanup(r.endPlugins)
	if plugins := os.Getenv("AWS_PLUGINS"); plugins != "" {
		r.standIn(plugins)
	}
	r.certify()
	return r
}

// shorten makes the stack's settings quick to rehearse: the pace of the autoscalers, and the chart that is at hand.
// Nothing else differs from what is deployed.
func (r *rehearsal) shorten() {
	r.Edit(r.file(), "autoscaler", map[string]any{"scanInterval": "2s", "scaleDownUnneededTime": "10s", "scaleDownDelayAfterAdd": "10s"})
	r.Edit(r.file(), "gateway.scaling.down", map[string]any{"stabilization": "5s", "period": "5s"})
	r.Edit(r.file(), "loadBalancerController", map[string]any{"chart": chart, "repository": "", "version": ""})
	r.say("the load balancer controller's chart is a stand-in (%s): its publisher may be out of reach; it is installed in the same way", chart)
}

// mark is in the environment of every process that the rehearsal's commands start, and of no other.
func (r *rehearsal) mark() string { return "PULUMI_BACKEND_URL=file://" + r.folder("state") }

// endPlugins ends what the stand-in for the AWS plugin leaves behind when Pulumi has ended it: HashiCorp's provider.
func (r *rehearsal) endPlugins() {
	all, err := process.Processes()
	if err != nil {
		r.T.Errorf("looking for plugins left behind: %v", err)
		return
	}
	for _, p := range all {
		env, err := p.Environ()
		if err != nil || !slices.Contains(env, r.mark()) {
			continue
		}
		if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			r.T.Errorf("ending process %d, which was left behind: %v", p.Pid, err)
		}
	}
}

// standIn takes the AWS and EKS plugins from a folder, behind the small one that mends what the stand-in there lacks.
func (r *rehearsal) standIn(plugins string) {
	wrapped := filepath.Join(r.folder("plugins"), "pulumi-resource-aws")
	build := exec.Command("go", "build", "-o", wrapped, "./plugin")
	if out, err := build.CombinedOutput(); err != nil {
		r.T.Fatalf("building the plugin between Pulumi and the stand-in: %v\n%s", err, out)
	}
	path := []string{filepath.Dir(wrapped), plugins, os.Getenv("PATH")}
	r.Env = append(r.Env,
		"REAL_PLUGIN="+filepath.Join(plugins, "pulumi-resource-aws"),
		"PATH="+strings.Join(path, string(os.PathListSeparator)),
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")
}

func (r *rehearsal) say(format string, args ...any) {
	fmt.Printf("%s rehearsal: %s\n", time.Since(r.begin).Round(time.Second), fmt.Sprintf(format, args...))
}

func (r *rehearsal) stopped(what string, err error) {
	if err != nil {
		r.T.Errorf("stopping %s: %v", what, err)
	}
}

func (r *rehearsal) bin() string { return filepath.Join(r.Dir, ".local", "bin") }

// folder is one of the rehearsal's own, made if need be.
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

// admin is a client of the control plane that does without AWS.
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

// up is `make up` of the stack.
func (r *rehearsal) up() string { return r.Make("up", "STACK="+r.stack, "YES=1") }

// pulumi runs the CLI as `make env` sets it up.
func (r *rehearsal) pulumi(args ...string) (string, error) {
	return r.Start("sh", "-c", `eval "$(make -s env STACK=`+r.stack+`)" && exec pulumi `+strings.Join(args, " ")).Wait()
}
