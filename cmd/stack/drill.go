package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v4/process"

	"tfserving/components/gateway"
	"tfserving/config"
	"tfserving/embedded/drill"
)

// stockSettings is the value of AGAINST for the settings in stockFile, relative to the checkout.
const (
	stockSettings = "stock"
	stockFile     = "cmd/stack/stock.yaml"
)

// drillFolder holds the cluster of a drill, relative to the checkout. The stack's own cluster is not touched.
var drillFolder = filepath.Join(workFolder, "drill")

// drill replays a trace of demand on the stack's settings and on others, each on a new cluster, and compares them.
func (s *pulumiStack) drill(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("drill", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set TRACE, AGAINST, RECORD and PICTURE of the Makefile, not these flags
	traceName := flags.String("trace", "spike", "trace of the demand")
	againstName := flags.String("against", stockSettings, "settings to compare with")
	recordTo := flags.String("record", filepath.Join(s.dir, "drill.jsonl"), "file that receives the runs")
	pictureTo := flags.String("picture", filepath.Join(s.dir, "drill.svg"), "file that receives the picture")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !s.wantsCluster() || s.realNodes() {
		return errors.New("drill needs simulated nodes, and only stack local has them")
	}
	trace, err := drill.Find(*traceName)
	if err != nil {
		return fmt.Errorf("TRACE=%s: %w", *traceName, err)
	}
	// A cluster in the folder is of a drill that was killed.
	if err := s.endDrill(); err != nil {
		return err
	}
	defer func() {
		if e := s.endDrill(); e != nil && err == nil {
			err = e
		}
	}()
	own, err := s.newDrillSet("stack "+s.name, "")
	if err != nil {
		return err
	}
	against, err := s.newDrillSet(strings.TrimSuffix(filepath.Base(*againstName), filepath.Ext(*againstName)), *againstName)
	if err != nil {
		return fmt.Errorf("AGAINST=%s: %w", *againstName, err)
	}
	if against.stack.settings.Local != own.stack.settings.Local {
		return fmt.Errorf("AGAINST=%s has another tfserving:local than stack %s; both must have the same simulated machines", *againstName, s.name)
	}
	d := &drill.Drill{Trace: trace}
	for i, run := range []struct {
		set *drillSet
		to  **drill.Run
	}{{against, &d.Against}, {own, &d.Own}} {
		fmt.Printf("drill: %d of 2, trace %s on the settings of %s: a new cluster (about a minute), %s of demand, and at most %s until the extra nodes are gone\n",
			i+1, trace.Name, run.set.setup.Name, trace.Length(), run.set.setup.MostWait())
		if *run.to, err = run.set.play(ctx, trace); err != nil {
			return fmt.Errorf("trace %s on the settings of %s: %w", trace.Name, run.set.setup.Name, err)
		}
	}
	if err := writeDrill(d, *recordTo, *pictureTo); err != nil {
		return err
	}
	fmt.Printf("\ntrace %s; %s\n%s\n%s and %s have the runs\n", trace.Name, own.setup.Price, d, *recordTo, *pictureTo)
	return nil
}

// writeDrill writes the runs and their picture.
func writeDrill(d *drill.Drill, recordTo, pictureTo string) error {
	for name, write := range map[string]func(io.Writer) error{recordTo: d.Write, pictureTo: d.Draw} {
		var text strings.Builder
		if err := write(&text); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text.String()), 0o644); err != nil {
			return fmt.Errorf("writing the drill: %w", err)
		}
	}
	return nil
}

// endDrill ends the cluster of a drill and removes its files.
func (s *pulumiStack) endDrill() error {
	copied := *s
	copied.folder = drillFolder
	if all, err := process.Processes(); err == nil {
		for _, p := range all {
			// No drill runs now, so a pulumi with the drill's folder, and its plugins, are what a killed one left.
			if environment, err := p.Environ(); err == nil && slices.Contains(environment, "PULUMI_HOME="+copied.pulumiHome()) {
				_ = p.Kill() // it may have ended by itself
			}
		}
	}
	if err := copied.cluster().Stop(); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(s.root, drillFolder))
}

// drillSet is a stack with the settings of one run.
type drillSet struct {
	stack *pulumiStack
	setup drill.Setup
}

// newDrillSet writes the settings of a run into a file for pulumi: those of the stack, and in place of them those of a file in the
// format of a stack's file.
func (s *pulumiStack) newDrillSet(name, over string) (*drillSet, error) {
	file, err := config.ReadFile(s.file())
	if err != nil {
		return nil, err
	}
	copied := *s
	copied.folder = drillFolder
	if over != "" {
		if over == stockSettings {
			over = filepath.Join(s.root, filepath.FromSlash(stockFile))
		}
		others, err := config.ReadFile(over)
		if err != nil {
			return nil, err
		}
		if len(others.Config) == 0 {
			return nil, fmt.Errorf("%s has no settings: they stand below config:, as in %s", over, config.StackFile(s.name))
		}
		file.Overlay(others.Config)
	}
	file.Overlay(map[string]any{config.Project + ":kubernetes": map[string]any{"kubeconfig": copied.kubeconfig()}})
	copied.configFile = filepath.Join(s.root, drillFolder, "settings", name, config.StackFile(s.name))
	if err := os.MkdirAll(filepath.Dir(copied.configFile), 0o755); err != nil {
		return nil, err
	}
	if err := file.Write(copied.configFile); err != nil {
		return nil, err
	}
	if copied.settings, err = config.ReadStackFile(copied.configFile); err != nil {
		return nil, err
	}
	if err := copied.checkEmbeddedSettings(copied.settings); err != nil {
		return nil, err
	}
	setup, err := drillSetup(name, copied.settings)
	return &drillSet{&copied, setup}, err
}

// play deploys the settings on a new cluster and replays a trace on it. No cluster is left when it returns.
func (d *drillSet) play(ctx context.Context, trace *drill.Trace) (run *drill.Run, err error) {
	cluster := d.stack.cluster()
	if err := cluster.Stop(); err != nil {
		return nil, err
	}
	defer func() {
		d.stack.endOrphans()
		if e := cluster.Stop(); e != nil && err == nil {
			err = e
		}
	}()
	if err := d.stack.deployEmbedded(ctx); err != nil {
		return nil, err
	}
	client, err := cluster.Client()
	if err != nil {
		return nil, err
	}
	return drill.Play(ctx, cluster, client, d.stack.settings.Namespace, gateway.Component, d.setup, trace, os.Stdout)
}
