package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v4/process"

	"tfserving/catalog"
	"tfserving/components/autoscaler"
	"tfserving/config"
	"tfserving/embedded"
)

const (
	// localStack is the stack that a command works on if none is named. Its embedded cluster is in workFolder, those of other
	// stacks are in folders of their names below it.
	localStack = config.LocalStack
	// localPassphrase encrypts the secrets in the state of a stack with an embedded cluster. It is public: the secrets are
	// credentials of a cluster that listens on loopback only, and they lie unencrypted beside the state.
	localPassphrase = "tfserving-local"
	// localRegion names the region of the simulated nodes if the settings name none.
	localRegion = "local-1"
)

// embedded says whether the stack brings a cluster on this machine, or has one that its settings no longer ask for. Settings
// with mistakes do not say so.
func (s *pulumiStack) embedded() bool {
	return s.settings != nil && (s.wantsCluster() || s.hasCluster())
}

func (s *pulumiStack) wantsCluster() bool {
	return s.settings.Local.Nodes != config.NodesNone && s.settings.Local.Nodes != ""
}

// hasCluster says whether there is a cluster of the stack on this machine, running or not.
func (s *pulumiStack) hasCluster() bool {
	_, err := os.Stat(s.clusterDir())
	return err == nil
}

// refuseForgottenCluster refuses to use a cluster on this machine that the settings no longer ask for, and to leave it running.
func (s *pulumiStack) refuseForgottenCluster() error {
	if s.wantsCluster() || !s.hasCluster() {
		return nil
	}
	return fmt.Errorf("stack %s has a cluster on this machine, and tfserving:local.nodes is %s now: `make down STACK=%[1]s` ends that cluster, then run this again; nothing has been changed", s.name, config.NodesNone)
}

// realNodes says whether the stack's cluster has real nodes.
func (s *pulumiStack) realNodes() bool {
	return s.settings != nil && s.settings.Local.Nodes == config.NodesReal
}

// work is the folder of the stack's embedded cluster, relative to the checkout.
func (s *pulumiStack) work() string {
	if s.folder != "" {
		return s.folder
	}
	if s.name == localStack {
		return workFolder
	}
	return filepath.Join(workFolder, s.name)
}

// kubeconfig is the file that receives the embedded cluster's kubeconfig, relative to the checkout. The cluster writes and
// deletes it.
func (s *pulumiStack) kubeconfig() string { return filepath.Join(s.work(), "kubeconfig") }

// clusterDir holds the embedded cluster and the state that describes it: `make down` deletes both at once.
func (s *pulumiStack) clusterDir() string { return filepath.Join(s.root, s.work(), "cluster") }
func (s *pulumiStack) stateDir() string   { return filepath.Join(s.root, s.work(), clusterState) }
func (s *pulumiStack) pulumiHome() string { return filepath.Join(s.clusterDir(), "pulumi") }

// clusterState is the folder of the state, relative to the folder of the stack's embedded cluster.
const clusterState = "cluster/state"

// localBackend is the URL of the state of a stack with an embedded cluster.
func (s *pulumiStack) localBackend() string { return "file://" + s.stateDir() }

// checkEmbeddedSettings refuses a kubeconfig that the embedded cluster would overwrite and delete.
func (s *pulumiStack) checkEmbeddedSettings(settings *config.Settings) error {
	k := settings.Kubernetes
	if settings.Local.Nodes == config.NodesNone || k.Kubeconfig == s.kubeconfig() && (k.Context == "" || k.Context == embedded.ContextName) {
		return nil
	}
	return fmt.Errorf("stack %s brings a cluster of its own (tfserving:local.nodes is %s), so its tfserving:kubernetes.kubeconfig must be %s, without a context; for a cluster that exists, set tfserving:local.nodes to %s",
		s.name, settings.Local.Nodes, s.kubeconfig(), config.NodesNone)
}

// cluster is the embedded cluster, shaped by the stack's settings.
func (s *pulumiStack) cluster() *embedded.Cluster {
	cfg := embedded.Config{
		Dir:        s.clusterDir(),
		Bin:        s.bin(),
		Kubeconfig: filepath.Join(s.root, s.kubeconfig()),
		Region:     cmp.Or(s.settings.Region, localRegion),
		Zones:      s.settings.Network.Zones,
		BootTime:   s.settings.Local.NodeBootTime,
		PodStart:   s.settings.Local.PodStartTime,
		HPASync:    s.settings.Local.ScalingSync,
		Log:        os.Stdout,
		AutoscalerFlags: autoscaler.Flags(autoscaler.Pace{
			ScanInterval:           s.settings.Autoscaler.ScanInterval,
			ScaleDownUnneededTime:  s.settings.Autoscaler.ScaleDownUnneededTime,
			ScaleDownDelayAfterAdd: s.settings.Autoscaler.ScaleDownDelayAfterAdd,
			NodeStart:              s.settings.NodeStartTimeout,
		}),
		AutoscalerData: map[string]map[string]string{catalog.AutoscalerPriorities: {
			// The embedded cluster's groups have the names of the settings.
			catalog.AutoscalerPrioritiesKey: autoscaler.Priorities(s.settings.Priorities(), func(name string) string { return "^" + name + "$" }),
		}},
	}
	if s.realNodes() {
		cfg.AutoscalerFlags = nil
		cfg.Real = &embedded.RealNodes{
			Count:            s.settings.Local.RealNodes,
			Images:           s.imageArchives(),
			ImageStore:       s.imageStore(),
			IngressClass:     s.settings.Ingress.Class,
			IngressNamespace: s.settings.Ingress.ControllerNamespace,
			Pause:            s.pauseCommand(),
		}
		return embedded.New(cfg)
	}
	for _, g := range s.settings.NodeGroups {
		capacity := map[string]string{config.CapacityOnDemand: "ON_DEMAND", config.CapacitySpot: "SPOT"}[g.Capacity]
		cfg.NodeGroups = append(cfg.NodeGroups, embedded.NodeGroup{Name: g.Name, InstanceType: g.InstanceTypes[0], Capacity: capacity, Min: g.Min, Max: g.Max})
	}
	return embedded.New(cfg)
}

// selectLocal makes the state of a stack with an embedded cluster if there is none, and removes what a killed run left: its plugins and its lock.
func (s *pulumiStack) selectLocal(ctx context.Context) error {
	for _, dir := range []string{s.stateDir(), s.pulumiHome()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making the folder for the state: %w", err)
		}
	}
	// The link is relative, so that the checkout can be moved.
	plugins, err := filepath.Rel(s.pulumiHome(), filepath.Join(s.bin(), "plugins"))
	if err == nil {
		err = os.Symlink(plugins, filepath.Join(s.pulumiHome(), "plugins"))
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("linking the plugins: %w", err)
	}
	if out, err := s.command(ctx, "pulumi", "stack", "select", "--create", s.name).CombinedOutput(); err != nil {
		return fmt.Errorf("making stack %s: %w\n%s", s.name, err, out)
	}
	s.endOrphans()
	locks, _ := filepath.Glob(filepath.Join(s.stateDir(), ".pulumi", "locks", "*", "*", "*", "*.json"))
	for _, file := range locks {
		data, err := os.ReadFile(file)
		var lock struct{ PID int }
		if err != nil || json.Unmarshal(data, &lock) != nil || pulumiRuns(lock.PID) {
			continue
		}
		fmt.Printf("process %d was killed while it changed stack %s: removing its lock\n", lock.PID, s.name)
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("removing the lock of a killed run: %w", err)
		}
	}
	return nil
}

// endOrphans ends the plugins of the stack whose pulumi was killed: they go on changing the cluster until they notice.
func (s *pulumiStack) endOrphans() {
	all, err := process.Processes()
	if err != nil {
		return
	}
	for _, p := range all {
		name, _ := p.Name()
		environment, _ := p.Environ()
		if !strings.HasPrefix(name, "pulumi-") || !slices.Contains(environment, "PULUMI_HOME="+s.pulumiHome()) {
			continue
		}
		if parent, err := p.Ppid(); err == nil && pulumiRuns(int(parent)) {
			continue
		}
		fmt.Printf("ending %s (process %d): the pulumi that started it was killed\n", name, p.Pid)
		_ = p.Kill() // it may have ended by itself
	}
}

// pulumiRuns says whether the process with this identifier is a pulumi: the system uses identifiers again.
func pulumiRuns(pid int) bool {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return false
	}
	name, err := p.Name()
	return err != nil || strings.Contains(name, "pulumi")
}
