package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/embedded"
)

// loadTargets are the components that can get load, by their names in TARGET.
var loadTargets = map[string]string{"gateway": gateway.Component, "model": modelserver.Component}

// statusTimeout bounds reading the embedded cluster's state.
const statusTimeout = 10 * time.Second

func (s *pulumiStack) status(ctx context.Context, _ []string) error {
	if !s.embedded() {
		return fmt.Errorf("status shows an embedded cluster, such as stack local's; for stack %s use kubectl with its kubeconfig output", s.name)
	}
	client, err := s.cluster().Client()
	if err != nil {
		return fmt.Errorf("%w (`make up` starts the cluster)", err)
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	state, err := embedded.Observe(ctx, client, s.settings.Namespace)
	if err != nil {
		return fmt.Errorf("%w (`make up` starts the cluster)", err)
	}
	fmt.Print(state)
	s.printAlerts(ctx)
	return nil
}

const (
	// quietSyncs is a number of evaluations by the HorizontalPodAutoscaler.
	quietSyncs = 3
	// quietMetrics is the time of two rounds of metrics, 10 s each, and a margin of one.
	quietMetrics = 30 * time.Second
)

func (s *pulumiStack) load(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set CPU, TARGET and FOR of the Makefile, not these flags
	cpu := flags.String("cpu", "", "total demand in cores, such as 8 or 500m")
	target := flags.String("target", "gateway", "whose pods: gateway or model")
	length := flags.String("for", "0s", "how long; 0s means until the pods have settled")
	recordTo := flags.String("record", "", "file that receives the samples")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !s.embedded() || s.realNodes() {
		return errors.New("load needs simulated pods, and only stack local has them; `make traffic` sends requests to others")
	}
	if *cpu == "" {
		return errors.New("say how much: make load CPU=8 (cores in total)")
	}
	q, err := resource.ParseQuantity(*cpu)
	if err != nil || q.MilliValue() <= 0 || q.MilliValue() > 1_000_000 {
		return fmt.Errorf("CPU=%s is not a demand: give cores, such as 8 or 500m (1000 at most)", *cpu)
	}
	component, ok := loadTargets[*target]
	if !ok {
		return fmt.Errorf("TARGET=%s cannot get load: use gateway or model", *target)
	}
	limit, err := time.ParseDuration(*length)
	if err != nil || limit < 0 {
		return fmt.Errorf("FOR=%s is not a length of time: give one such as 90s or 5m", *length)
	}
	cluster := s.cluster()
	client, err := cluster.Client()
	if err != nil {
		return fmt.Errorf("%w (`make up` starts the cluster)", err)
	}
	record := func(embedded.Sample) {}
	if *recordTo != "" {
		f, err := os.Create(*recordTo)
		if err != nil {
			return fmt.Errorf("recording the run: %w", err)
		}
		defer f.Close()
		record = func(s embedded.Sample) { _ = json.NewEncoder(f).Encode(s) }
	}
	// The pods have settled once an autoscaler has evaluated three times, on two rounds of metrics, and changed nothing.
	quiet := quietSyncs*s.settings.Local.ScalingSync + quietMetrics
	err = cluster.Run(ctx, client, s.settings.Namespace, embedded.Load{Component: component, MilliCPU: q.MilliValue(), For: limit, Quiet: quiet}, os.Stdout, record)
	if ctx.Err() != nil {
		fmt.Println("\nstopped: the load is off; the autoscalers will remove pods and nodes (`make status`)")
		return nil
	}
	return err
}

func (s *pulumiStack) timeline(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("timeline", flag.ContinueOnError)
	in := flags.String("in", filepath.Join("docs", "load.jsonl"), "samples recorded by load -record")
	out := flags.String("out", filepath.Join("docs", "load.svg"), "the picture")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := os.Open(*in)
	if err != nil {
		return fmt.Errorf("reading the recording: %w", err)
	}
	defer f.Close()
	var samples []embedded.Sample
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s embedded.Sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return fmt.Errorf("%s, line %d: %w", *in, len(samples)+1, err)
		}
		samples = append(samples, s)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the recording: %w", err)
	}
	var picture strings.Builder
	if err := embedded.Draw(&picture, samples); err != nil {
		return err
	}
	return os.WriteFile(*out, []byte(picture.String()), 0o644)
}
