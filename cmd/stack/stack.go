package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"tfserving/components/autoscaler"
	"tfserving/config"
	"tfserving/embedded"
)

const (
	// workFolder holds everything that a run leaves in the checkout; git ignores it.
	workFolder = ".local"
	// localKubeconfig is where that cluster's kubeconfig is written, and deleted: no other place will do.
	localKubeconfig = workFolder + "/kubeconfig"
	// localStack is the stack with an embedded cluster.
	localStack = "local"
	// localPassphrase encrypts the secrets in the state of stack local. It is no secret: they are the credentials of a
	// cluster that listens on loopback only, and lie beside the state.
	localPassphrase = "tfserving-local"
	// localRegion names the simulated nodes' region where the settings name none.
	localRegion = "local-1"
	// settleTimeout bounds the wait for the autoscalers' first readings, which takes 30-40 s.
	settleTimeout = 3 * time.Minute
)

// stack is one environment, operated from a checkout.
type stack struct {
	name      string
	root, dir string // the checkout, and its folder for what runs leave behind
	settings  *config.Settings
	tmp       string // where commands put temporary files; empty leaves it to the system
	yes       bool   // do not ask before changing a stack other than local
}

func (s *stack) embedded() bool { return s.name == localStack }
func (s *stack) bin() string    { return filepath.Join(s.dir, "bin") }

// clusterDir holds the embedded cluster and the state that describes it: they end together.
func (s *stack) clusterDir() string { return filepath.Join(s.dir, "cluster") }
func (s *stack) stateDir() string   { return filepath.Join(s.clusterDir(), "state") }
func (s *stack) pulumiHome() string { return filepath.Join(s.clusterDir(), "pulumi") }

// lock keeps two runs in one checkout apart: they share the cluster and the state.
func (s *stack) lock(ctx context.Context) (func(), error) {
	return embedded.Lock(ctx, filepath.Join(s.dir, "lock"), func(holder string) error {
		return fmt.Errorf("another `make` is at work in this checkout (process %s): wait for it, or end it", holder)
	})
}

// tools makes sure that the pinned commands are in s.bin().
func (s *stack) tools(ctx context.Context) error {
	mode := os.Getenv("TOOLS")
	if mode == "" {
		mode = "auto"
	}
	cmd := s.command(ctx, "go", "run", "-C", "tools", ".", "-bin", s.bin(), "-mode", mode)
	// The standard output is for what was asked for.
	var said bytes.Buffer
	cmd.Stdout = io.MultiWriter(os.Stderr, &said)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("getting the pinned commands: %w\n%s", err, lastLines(said.String()))
	}
	return nil
}

// cluster is the embedded cluster as the stack's settings shape it.
func (s *stack) cluster() *embedded.Cluster {
	cfg := embedded.Config{
		Dir:        s.clusterDir(),
		Bin:        s.bin(),
		Kubeconfig: s.kubeconfig(),
		Region:     cmp.Or(s.settings.Region, localRegion),
		Zones:      s.settings.Network.Zones,
		BootTime:   s.settings.Local.NodeBootTime,
		HPASync:    s.settings.Local.ScalingSync,
		Log:        os.Stdout,
		AutoscalerFlags: autoscaler.Flags(autoscaler.Pace{
			ScanInterval:           s.settings.Autoscaler.ScanInterval,
			ScaleDownUnneededTime:  s.settings.Autoscaler.ScaleDownUnneededTime,
			ScaleDownDelayAfterAdd: s.settings.Autoscaler.ScaleDownDelayAfterAdd,
		}),
	}
	for _, g := range s.settings.NodeGroups {
		capacity := map[string]string{"onDemand": "ON_DEMAND", "spot": "SPOT"}[g.Capacity]
		cfg.NodeGroups = append(cfg.NodeGroups, embedded.NodeGroup{Name: g.Name, InstanceType: g.InstanceTypes[0], Capacity: capacity, Min: g.Min, Max: g.Max})
	}
	return embedded.New(cfg)
}

func (s *stack) kubeconfig() string {
	file := s.settings.Kubernetes.Kubeconfig
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.root, file)
	}
	return file
}

func (s *stack) up(ctx context.Context) error {
	if !s.embedded() {
		if err := s.prepare(ctx); err != nil {
			return err
		}
		args := s.confirmed("up")
		if s.settings.Platform == config.PlatformEKS {
			// A change of a node group's bounds goes out together with the number of nodes that the state has. Read anew,
			// that is the autoscaler's number and not one of last week.
			args = append(args, "--refresh")
		}
		return s.pulumi(ctx, args...)
	}
	cluster := s.cluster()
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	if err := s.compile(ctx); err != nil {
		return err
	}
	if err := s.selectLocal(ctx); err != nil {
		return err
	}
	if err := s.pulumi(ctx, "up", "--stack", s.name, "--yes", "--skip-preview"); err != nil {
		return err
	}
	client, err := cluster.Client()
	if err != nil {
		return err
	}
	settle, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	fmt.Println("waiting for the autoscalers' first readings (30-40 s after the first deployment)")
	if err := embedded.AwaitReadings(settle, client, s.settings.Namespace); err != nil {
		return err
	}
	return s.summary(ctx)
}

// prepare says what wants care in the settings, compiles the program and makes the stack in the backend that the person is
// logged in to, if it is not there yet.
func (s *stack) prepare(ctx context.Context) error {
	for _, text := range s.settings.Warnings(time.Now()) {
		fmt.Fprintln(os.Stderr, "warning: "+text)
	}
	if err := s.compile(ctx); err != nil {
		return err
	}
	if s.embedded() {
		return nil
	}
	// pulumi-eks asks the new cluster with the one, and the kubeconfig gets its tokens from the other.
	for _, tool := range []string{"aws", "kubectl"} {
		if _, err := s.lookPath(tool); err != nil && s.settings.Platform == config.PlatformEKS {
			return fmt.Errorf("%s is not on PATH, and platform eks needs it: %w", tool, err)
		}
	}
	provider, err := s.secretsProvider()
	if err != nil {
		return fmt.Errorf("reading who encrypts the secrets of stack %s: %w", s.name, err)
	}
	if out, err := s.command(ctx, "pulumi", "stack", "select", "--create", s.name, "--secrets-provider", cmp.Or(provider, "default")).CombinedOutput(); err != nil {
		return fmt.Errorf("selecting stack %s: %w (are you logged in to a backend? `pulumi login`, or `pulumi login --local`)\n%s", s.name, err, out)
	}
	return nil
}

// confirmed are the arguments of a command that asks before it changes anything, unless the person has said yes already.
func (s *stack) confirmed(command string) []string {
	args := []string{command, "--stack", s.name}
	if s.yes {
		args = append(args, "--yes")
	}
	return args
}

// selectLocal makes the stack's state if there is none, and lets go of a lock that a killed run left.
func (s *stack) selectLocal(ctx context.Context) error {
	if err := os.MkdirAll(s.stateDir(), 0o755); err != nil {
		return fmt.Errorf("making the folder for the state: %w", err)
	}
	if err := os.MkdirAll(s.pulumiHome(), 0o755); err != nil {
		return fmt.Errorf("making Pulumi's folder: %w", err)
	}
	// Relative: the checkout may be moved.
	if err := os.Symlink(filepath.Join("..", "..", "bin", "plugins"), filepath.Join(s.pulumiHome(), "plugins")); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("linking the plugins: %w", err)
	}
	if out, err := s.command(ctx, "pulumi", "stack", "select", "--create", s.name).CombinedOutput(); err != nil {
		return fmt.Errorf("making stack %s: %w\n%s", s.name, err, out)
	}
	locks, _ := filepath.Glob(filepath.Join(s.stateDir(), ".pulumi", "locks", "*", "*", "*", "*.json"))
	for _, file := range locks {
		data, err := os.ReadFile(file)
		var held struct{ PID int }
		if err != nil || json.Unmarshal(data, &held) != nil || pulumiRuns(held.PID) {
			continue
		}
		fmt.Printf("process %d was killed while it changed stack %s: letting go of its lock\n", held.PID, s.name)
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("letting go of a lock: %w", err)
		}
	}
	return nil
}

func (s *stack) preview(ctx context.Context) error {
	if err := s.planned(ctx); err != nil {
		return err
	}
	return s.pulumi(ctx, "preview", "--stack", s.name, "--diff")
}

func (s *stack) down(ctx context.Context) error {
	if !s.embedded() {
		if err := s.prepare(ctx); err != nil {
			return err
		}
		if s.settings.Platform == config.PlatformEKS {
			if err := s.othersBalancers(ctx); err != nil {
				return err
			}
		}
		if err := s.pulumi(ctx, s.confirmed("destroy")...); err != nil {
			return err
		}
		return s.forgetRecord()
	}
	// The cluster goes with everything in it, so nothing is left that the state, which goes too, could describe.
	if err := s.cluster().Stop(); err != nil {
		return err
	}
	if err := s.forgetRecord(); err != nil {
		return err
	}
	fmt.Println("stack local is down: no process of it runs, and its state is gone")
	return nil
}

// outputs are the stack's outputs that are no secrets.
func (s *stack) outputs(ctx context.Context) (map[string]any, error) {
	out, err := s.command(ctx, "pulumi", "stack", "output", "--stack", s.name, "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of stack %s: %w", s.name, err)
	}
	all := map[string]any{}
	return all, json.Unmarshal(out, &all)
}

func (s *stack) summary(ctx context.Context) error {
	all, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	fmt.Println()
	for _, key := range []string{"namespace", "gatewayUrl", "modelEndpoint"} {
		fmt.Printf("  %-14s %v\n", key, all[key])
	}
	fmt.Printf("  %-14s %s (as a secret output, too)\n\n", "kubeconfig", s.settings.Kubernetes.Kubeconfig)
	if err := s.status(ctx); err != nil {
		return err
	}
	fmt.Print(`
The pods are simulated: the control plane, its decisions and these figures are real, but nothing answers at the URL.
Next:
  make load CPU=8      put 8 cores of demand on the gateway, and watch pods and nodes follow
  make status          the table above, again
  make preview         what an edit of Pulumi.local.yaml would change
  eval "$(make env)"   then pulumi and kubectl work here as they are
  make down            end it all
`)
	return nil
}

// pulumiRuns says whether a process of this identifier exists and is a pulumi: identifiers are used again.
func pulumiRuns(pid int) bool {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return false
	}
	name, err := p.Name()
	return err != nil || strings.Contains(name, "pulumi")
}
