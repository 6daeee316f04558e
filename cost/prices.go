package cost

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// karpenterVersion is the version of karpenter-provider-aws whose price table stands in on_demand.tsv.
//
// The table is read from that module, at that version and against its published checksum, and a test fails where the two
// differ. The module's package is not imported: that would compile 108 packages more into the command that make runs,
// among them AWS's SDKs of EC2, EKS, IAM, SQS and SSM, and the module's requirements would raise versions in go.mod, for
// 1,361 numbers. Of AWS's commercial regions the table has us-east-1 alone; prices.tsv has the rest.
const karpenterVersion = "v1.14.1"

var (
	//go:embed on_demand.tsv
	onDemandTable string
	//go:embed prices.tsv
	pricesTable string
)

// price is a row of prices.tsv.
type price struct {
	region string // allRegions where it is the same in all
	item   string
	unit   string // hour, month, GB or GB-month
	usd    float64
	date   string // of what AWS published
	source string
}

const (
	allRegions = "*"
	perHour    = "hour"
	// ec2Prefix begins an instance type's name in prices.tsv.
	ec2Prefix = "EC2 "
)

// prices are the rows of prices.tsv, in its order. A row that cannot be read is a mistake in the checked-in table.
var prices = sync.OnceValue(func() (all []price) {
	for _, f := range rows(pricesTable, "prices.tsv", 6) {
		all = append(all, price{region: f[0], item: f[1], unit: f[2], usd: mustParse(f[3]), date: f[4], source: f[5]})
	}
	return all
})

// onDemand are the prices of karpenter's table, USD an hour, by region and instance type.
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

// findPrice is what an item costs in a region, in USD for each unit. An instance type's price is karpenter's where it has
// one.
func findPrice(region, item string) (price, error) {
	if kind, isEC2 := strings.CutPrefix(item, ec2Prefix); isEC2 {
		if usd, known := onDemand()[[2]string{region, kind}]; known {
			return price{region: region, item: item, unit: perHour, usd: usd, source: "karpenter-provider-aws " + karpenterVersion}, nil
		}
	}
	for _, p := range prices() {
		if p.item == item && (p.region == region || p.region == allRegions) {
			return p, nil
		}
	}
	return price{}, fmt.Errorf("no price of %s in %s is known here (cost/prices.tsv)", item, region)
}

// monthly is what so many of the item cost in a month of so many hours.
func (p price) monthly(quantity, hours float64) float64 {
	if p.unit == perHour {
		quantity *= hours
	}
	return p.usd * quantity
}

// PricesMarkdown is prices.tsv as a table for a page.
func PricesMarkdown() string {
	var out strings.Builder
	out.WriteString("| region | what | USD | for a | as of | source |\n|---|---|---:|---|---|---|\n")
	for _, p := range prices() {
		region := p.region
		if region == allRegions {
			region = "all"
		}
		fmt.Fprintf(&out, "| %s | %s | %g | %s | %s | %s |\n", region, p.item, p.usd, p.unit, p.date, p.source)
	}
	return out.String()
}
