package dryrun

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tfserving/cost"
	"tfserving/internal/page"
)

const costFile = "../docs/cost.md"

// costDay is the day of the estimates: some prices depend on it.
var costDay = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// estimate returns the estimate of `make cost` for a checked-in stack.
func estimate(t *testing.T, stack string) *cost.Estimate {
	t.Helper()
	return cost.Of(resources(t, stack), costDay)
}

// The test calculates the bill of stack dev from published prices, in USD in eu-west-1 for a month of 730 hours. The days are
// those of the prices; docs/cost.md has the sources.
//
// Nodes, at min and expected: the gateway has 2 to 10 pods of 250m, the model 2 to 4 pods of 600m. The estimate expects 30 %
// of the maximum, which is 3 and 1.2 pods, so the gateway has 3 and the model its minimum of 2. CoreDNS, metrics-server and the
// load balancer controller have two pods each and the autoscaler has one, of 100m each. The sum is 0.75 + 1.2 + 0.7 = 2.65
// cores. A node of 2 cores has 1930m for pods, less 150m for the pods that run on every node. The group's minimum of 2 nodes has
// 3.56 cores.
func TestCostOfDevMatchesACalculationByHand(t *testing.T) {
	want := map[string]cost.Range{
		"control plane":                      {Min: 73.00, Expected: 73.00, Max: 73.00},  // 1 x 0.10 x 730 (March 2026)
		"spot nodes":                         {Min: 39.95, Expected: 39.95, Max: 119.84}, // 2, 2, 6 x 0.0456 (t3.medium, 4 May 2026) x 60 % x 730
		"root volumes":                       {Min: 8.80, Expected: 8.80, Max: 26.40},    // 2, 2, 6 x 50 x 0.088 (21 September 2026)
		"NAT gateway":                        {Min: 35.04, Expected: 35.04, Max: 35.04},  // 1 x 0.048 x 730 (25 September 2026)
		"NAT gateway traffic":                {Min: 0, Expected: 10.51, Max: 35.04},      // 0, 219, 730 GB x 0.048 (25 September 2026)
		"public IPv4 address":                {Min: 3.65, Expected: 3.65, Max: 3.65},     // 1 x 0.005 x 730 (21 September 2026)
		"Application Load Balancer":          {Min: 18.40, Expected: 18.40, Max: 18.40},  // 1 x 0.0252 x 730 (21 September 2026)
		"Application Load Balancer capacity": {Min: 0, Expected: 1.75, Max: 5.84},        // 0, 0.3, 1 x 0.008 x 730 (11 September 2026)
		"KMS key":                            {Min: 2.00, Expected: 2.00, Max: 6.00},     // 2 x 1, three times as much once rotated (21 September 2026)
		"images":                             {Min: 0.10, Expected: 1.00, Max: 1.00},     // 2 x 1, 10, 10 x 0.5 GB x 0.10 (March 2026)
		"logs taken in":                      {Min: 0.29, Expected: 0.29, Max: 0.29},     // 0.5 GB x 0.57 (22 September 2026)
		"logs kept":                          {},                                         // 0.5 x 7 / 30 GB x 0.03 (22 September 2026), less than half a cent
	}
	e := estimate(t, "dev")
	got := map[string]cost.Range{}
	for _, l := range e.Lines {
		r := got[l.What]
		got[l.What] = cost.Range{Min: r.Min + l.Min, Expected: r.Expected + l.Expected, Max: r.Max + l.Max}
	}
	if !maps.Equal(got, want) {
		t.Errorf("dev costs %v, want %v", got, want)
	}
	// The minimum is 73.00 + 39.95 + 8.80 + 35.04 + 3.65 + 18.40 + 2.00 + 0.10 + 0.29.
	if total := (cost.Range{Min: 181.23, Expected: 194.39, Max: 324.50}); e.Total() != total || e.Region != "eu-west-1" {
		t.Errorf("dev costs %v in total in %s, want %v", e.Total(), e.Region, total)
	}
}

// From Monday to Friday, 7 to 19 h, are 60 of the week's 168 hours. Then the nodes and volumes of dev are as ever, 39.95 + 8.80;
// in the other hours one of its two nodes stays, for half of that: (60 x 48.75 + 108 x 24.37) / 168 = 33.08. The rest of dev's
// 181.23 costs the same at any hour.
func TestOffHoursOfDevSaveOneNode(t *testing.T) {
	text, err := os.ReadFile("../Pulumi.dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	if err := os.WriteFile(file, append(text, "\n  tfserving:schedule: {from: \"07:00\", to: \"19:00\", timeZone: Europe/Dublin}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Resources(file)
	if err != nil {
		t.Fatal(err)
	}
	e := cost.Of(all, costDay)
	if got := e.Total().Min; math.Abs(got-(181.23-48.75+33.08)) > 0.02 || len(e.Unknown()) > 0 { // two lines, each rounded
		t.Errorf("dev with off hours costs %.2f (unknown: %v)", got, e.Unknown())
	}
}

// The estimate assumes that the program gives the same name to a node group and its launch template, to a repository and its
// lifecycle policy, and to a flow log and its log group. Otherwise a price would be unknown.
func TestEveryResourceOfTheStacksHasAPrice(t *testing.T) {
	for _, stack := range eksStacks(t) {
		for _, l := range estimate(t, stack).Unknown() {
			t.Errorf("%s: %s of %s: %s", stack, l.What, l.Name, l.Unknown)
		}
	}
}

func TestCostsInTheDocsAreCurrent(t *testing.T) {
	var estimates []*cost.Estimate
	nodes, assumed := "| stack | node group | nodes: at min, expected, at most |\n|---|---|---|\n", ""
	for _, stack := range eksStacks(t) {
		e := estimate(t, stack)
		estimates = append(estimates, e)
		for _, l := range e.Lines {
			if strings.HasSuffix(l.What, " nodes") {
				nodes += fmt.Sprintf("| %s | %s | %s |\n", stack, l.Name, l.Assumption)
			}
		}
	}
	for _, a := range estimates[0].Assumptions {
		assumed += "- " + a + "\n"
	}
	page.Keep(t, costFile, "go test ./dryrun -run Costs -update", map[string]string{
		"stacks": cost.NewTable(eksStacks(t), estimates).Markdown(), "nodes": nodes, "assumed": assumed, "prices": cost.PricesMarkdown(),
		"others": besideOthers(t),
	})
}
