package cost

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// karpenterVersion is the version of karpenter-provider-aws from which on_demand.tsv is copied. A test compares the copy with
// the module, which the go command verifies by its checksum.
//
// The module's package is not imported: for 1,361 numbers it would compile 108 more packages into the command that make
// runs, and raise versions in go.mod. Of AWS's commercial regions the table has only us-east-1; prices.tsv has the others.
const karpenterVersion = "v1.14.1"

var (
	//go:embed on_demand.tsv
	onDemandTable string
	//go:embed prices.tsv
	pricesTable string
)

// price is a row of prices.tsv.
type price struct {
	region string // or allRegions
	item   string
	unit   string // hour, month, GB, GB-month or sample
	usd    float64
	date   string // on which AWS published the price
	source string
}

const (
	allRegions = "*"
	perHour    = "hour"
	// ec2Prefix begins the item of an instance type in prices.tsv.
	ec2Prefix = "EC2 "
)

// prices are the rows of the price lists that `make prices` wrote, then those of prices.tsv. It panics if a row is malformed.
var prices = sync.OnceValue(func() []price { return append(fetched(), parsePrices(pricesTable, "prices.tsv")...) })

func parsePrices(table, file string) (all []price) {
	for _, f := range rows(table, file, 6) {
		all = append(all, price{region: f[0], item: f[1], unit: f[2], usd: mustParse(f[3]), date: f[4], source: f[5]})
	}
	return all
}

// onDemand has the prices of on_demand.tsv in USD an hour, by region and instance type.
var onDemand = sync.OnceValue(func() map[[2]string]float64 {
	all := map[[2]string]float64{}
	for _, f := range rows(onDemandTable, "on_demand.tsv", 3) {
		all[[2]string{f[0], f[1]}] = mustParse(f[2])
	}
	return all
})

func rows(table, file string, columns int) (all [][]string) {
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != columns {
			panic(fmt.Sprintf("cost/%s: %q has %d columns, not %d", file, line, len(f), columns))
		}
		all = append(all, f)
	}
	return all
}

func mustParse(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// findPrice returns the price of an item in a region: from the region's price list if `make prices` wrote one, then, for an
// instance type, from karpenter's table, then from prices.tsv.
func findPrice(region, item string) (price, error) { return findPriceIn(prices(), region, item) }

func findPriceIn(all []price, region, item string) (price, error) {
	i := slices.IndexFunc(all, func(p price) bool { return p.item == item && (p.region == region || p.region == allRegions) })
	if i < 0 || all[i].source != priceListSource {
		kind, isEC2 := strings.CutPrefix(item, ec2Prefix)
		if usd, known := onDemand()[[2]string{region, kind}]; isEC2 && known {
			return price{region: region, item: item, unit: perHour, usd: usd, source: "karpenter-provider-aws " + karpenterVersion}, nil
		}
	}
	if i < 0 {
		return price{}, fmt.Errorf("no price of %s in %s is known here: make prices REGION=%s gets it from AWS", item, region, region)
	}
	return all[i], nil
}

// NodeUSD returns the on-demand price of an instance type in a region, in USD an hour. It fails if no price is known.
func NodeUSD(region, instanceType string) (float64, error) {
	p, err := findPrice(region, ec2Prefix+instanceType)
	return p.usd, err
}

// monthly is the price of a quantity of the item in USD a month.
func (p price) monthly(quantity, hours float64) float64 {
	if p.unit == perHour {
		quantity *= hours
	}
	return p.usd * quantity
}

// PricesMarkdown is prices.tsv as a Markdown table.
func PricesMarkdown() string {
	var out strings.Builder
	out.WriteString("| region | what | USD | for a | as of | source |\n|---|---|---:|---|---|---|\n")
	for _, p := range parsePrices(pricesTable, "prices.tsv") {
		region := p.region
		if region == allRegions {
			region = "all"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", region, p.item, plain(p.usd), p.unit, p.date, p.source)
	}
	return out.String()
}

// plain is a number without an exponent.
func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
