package cost

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// priceLists has the files that `make prices` writes, price_list_<region>.tsv, in the format of prices.tsv.
//
//go:embed *.tsv
var priceLists embed.FS

// priceListPrefix begins the names of the files in priceLists.
const priceListPrefix = "price_list_"

// priceListSource is the source of every price in these files.
const priceListSource = "AWS Price List API"

// PriceListFile is the name of the file with a region's prices, in the folder of this package.
func PriceListFile(region string) string { return priceListPrefix + region + ".tsv" }

// ListPrice is a price of AWS's price list.
type ListPrice struct {
	Item string // as in prices.tsv
	Unit string // hour, month, GB, GB-month or sample
	USD  float64
	Date string // on which AWS published it, YYYY-MM-DD
}

// InstanceItem is the item of an instance type's price.
func InstanceItem(instanceType string) string { return ec2Prefix + instanceType }

// PriceList is the content of a region's file.
func PriceList(region string, all []ListPrice) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Prices of %s, USD before tax, from AWS's price list. `make prices REGION=%s` writes this file.\n# region\titem\tunit\tUSD\tas of\tsource\n", region, region)
	for _, p := range all {
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%s\t%s\n", region, p.Item, p.Unit, plain(p.USD), p.Date, priceListSource)
	}
	return out.String()
}

// fetched are the rows of the files that `make prices` wrote. It panics if a row is malformed.
func fetched() (all []price) {
	files, err := priceLists.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		if !strings.HasPrefix(file.Name(), priceListPrefix) {
			continue
		}
		table, err := priceLists.ReadFile(file.Name())
		if err != nil {
			panic(err)
		}
		all = append(all, parsePrices(string(table), file.Name())...)
	}
	return all
}

// unlisted are items whose usage type in AWS's price list is not known here. They keep their prices of prices.tsv.
var unlisted = []string{"Prometheus collector", "Prometheus samples collected"}

// Items lists what prices.tsv has prices of and `make prices` gets, without instance types, sorted.
func Items() (all []string) {
	for _, p := range parsePrices(pricesTable, "prices.tsv") {
		if !strings.HasPrefix(p.item, ec2Prefix) && !slices.Contains(unlisted, p.item) {
			all = append(all, p.item)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
