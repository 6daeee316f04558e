package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tfserving/cost"
)

// cost prints what every stack of the checkout costs a month, side by side. The program itself says what it would make of
// each stack's file, with nobody behind it: no engine, no account, no network.
func (s *stack) cost(ctx context.Context, args []string) error {
	usage := cost.Assumed
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the Makefile calls this; its word is DEMAND
	given := flags.String("demand", fmt.Sprint(usage.Demand), "")
	err := flags.Parse(args)
	if err == nil {
		usage.Demand, err = demand(*given)
	}
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(s.root, "Pulumi.*.yaml"))
	if err != nil {
		return err
	}
	if err := s.compile(ctx); err != nil {
		return err
	}
	var names []string
	var estimates []*cost.Estimate
	for _, file := range files {
		resources, err := s.resources(ctx, file)
		if err != nil {
			return err
		}
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml"))
		estimates = append(estimates, usage.Of(resources, time.Now()))
	}
	return cost.NewTable(names, estimates).WriteText(os.Stdout)
}

// demand is the average share of the demand for which the pods' autoscalers have their most replicas.
func demand(text string) (float64, error) {
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !(share >= 0 && share <= 1) { // NaN is neither
		return 0, fmt.Errorf("DEMAND=%s is no share of the demand: give a number from 0 (nobody calls) to 1 (all that the settings allow)", text)
	}
	return share, nil
}

// resources are what the compiled program would make of a stack's file.
func (s *stack) resources(ctx context.Context, file string) ([]cost.Resource, error) {
	program := s.command(ctx, filepath.Join(s.dir, "program"), "resources", file)
	var out, trouble bytes.Buffer
	program.Stdout, program.Stderr = &out, &trouble
	if err := program.Run(); err != nil {
		return nil, fmt.Errorf("asking the program what it would make of %s: %w\n%s", filepath.Base(file), err, &trouble)
	}
	var resources []cost.Resource
	if err := json.Unmarshal(out.Bytes(), &resources); err != nil {
		return nil, fmt.Errorf("reading what the program would make of %s: %w", filepath.Base(file), err)
	}
	return resources, nil
}
