package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tfserving/cost"
	"tfserving/dryrun"
)

// cost prints what every stack of the checkout costs a month, side by side, from a dry run of the program on each stack's
// file.
func (s *stack) cost(args []string) error {
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
	var names []string
	var estimates []*cost.Estimate
	for _, file := range files {
		resources, err := dryrun.Resources(file)
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
