// Command cost prints what every stack of the checkout costs a month, side by side. It links the whole program with Pulumi's
// SDKs for a dry run of each stack's settings file, so it is not a part of cmd/stack, which every `make` builds.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"tfserving/config"
	"tfserving/cost"
	"tfserving/dryrun"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "\nmake cost: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	usage := cost.Assumed
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set DEMAND of the Makefile, not this flag
	text := flags.String("demand", fmt.Sprint(usage.Demand), "")
	err := flags.Parse(args)
	if err == nil {
		usage.Demand, err = parseDemand(*text)
	}
	if err != nil {
		return err
	}
	names, err := config.StackNames(".")
	if err != nil {
		return err
	}
	var estimates []*cost.Estimate
	for _, name := range names {
		resources, err := dryrun.Resources(config.StackFile(name))
		if err != nil {
			return err
		}
		estimates = append(estimates, usage.Of(resources, time.Now()))
	}
	return cost.NewTable(names, estimates).WriteText(out)
}

// parseDemand reads a share of the demand at which the pods' autoscalers have their most replicas.
func parseDemand(text string) (float64, error) {
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || !(share >= 0 && share <= 1) { // false for NaN, too
		return 0, fmt.Errorf("DEMAND=%s is no share of the demand: give a number from 0 (no requests) to 1 (all that the settings allow)", text)
	}
	return share, nil
}
