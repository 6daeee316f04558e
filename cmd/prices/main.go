// Command prices writes a region's prices, from AWS's Price List API, into the file that package cost reads. It is not a part of
// cmd/stack, which every `make` builds.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/pricing"

	"tfserving/catalog"
	"tfserving/cost"
	"tfserving/preflight"
)

// apiRegion is the region of the API. It has the prices of all regions of the partition aws ("Price List Query API endpoints",
// AWS Billing user guide).
const apiRegion = "us-east-1"

// timeout bounds the whole command. The API answers a query of 100 products in about a second.
const timeout = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], "cost", os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "make prices: %v\n", err)
		os.Exit(1)
	}
}

// run writes the prices of the region in args to its file in a folder. It changes nothing unless it has all of them.
func run(ctx context.Context, args []string, folder string, out io.Writer) error {
	region := strings.Join(args, " ")
	switch {
	case region == "":
		return errors.New("REGION is missing: give a region, such as make prices REGION=eu-north-1")
	case !catalog.IsRegion(region):
		return fmt.Errorf("AWS has no region %q: REGION is one of %s", region, strings.Join(catalog.Regions(), ", "))
	case !hasListPrices(region):
		return fmt.Errorf("the Price List API does not have prices of %s in USD: add them to cost/prices.tsv", region)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	config, explain, err := preflight.SignIn(ctx, apiRegion, "reading AWS's price list", timeout)
	if err != nil {
		return err
	}
	list := priceList{client: pricing.NewFromConfig(config), region: region, explain: explain}
	var all []cost.ListPrice
	for i, q := range queries {
		fmt.Fprintf(out, "%2d of %d: %s in %s\n", i+1, len(queries)+1, q.item, region)
		p, err := list.one(ctx, q)
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	fmt.Fprintf(out, "%2d of %d: instance types in %s\n", len(queries)+1, len(queries)+1, region)
	types, err := list.instanceTypes(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(types, func(a, b cost.ListPrice) int { return strings.Compare(a.Item, b.Item) })
	file := filepath.Join(folder, cost.PriceListFile(region))
	part := file + ".part" // a file that is half written must not count
	err = os.WriteFile(part, []byte(cost.PriceList(region, append(all, types...))), 0o644)
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		_ = os.Remove(part)
		return err
	}
	fmt.Fprintf(out, "wrote %s: %d prices, %d of them of instance types. make cost uses them from now on.\n", file, len(all)+len(types), len(types))
	return nil
}

// hasListPrices returns whether the price list has a region: those of the partition aws and of GovCloud.
func hasListPrices(region string) bool {
	for _, prefix := range []string{"cn-", "us-iso", "eu-iso", "eusc-"} {
		if strings.HasPrefix(region, prefix) {
			return false
		}
	}
	return true
}
