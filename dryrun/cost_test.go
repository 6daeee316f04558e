package dryrun

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tfserving/config"
	"tfserving/cost"
	"tfserving/internal/mockengine"
	"tfserving/internal/page"
	"tfserving/resource"
)

const costFile = "../docs/cost.md"

// eksStacks are the checked-in stacks on EKS, in the order of the docs.
func eksStacks(t *testing.T) []string {
	t.Helper()
	names, err := config.EKSStacks("..")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func resources(t *testing.T, stack string) []resource.Resource {
	t.Helper()
	all, err := Resources("../" + config.StackFile(stack))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// costDay is the day on which the stacks are estimated here.
var costDay = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// estimate is what `make cost` reckons for a checked-in stack.
func estimate(t *testing.T, stack string) *cost.Estimate {
	t.Helper()
	return cost.Of(resources(t, stack), costDay)
}

// TestDevCostsWhatAHandCalculationSays writes the dev stack's bill out from published prices: USD in eu-west-1, a month of
// 730 hours. The days are those of the prices; docs/cost.md names the sources.
//
// Nodes, at min and expected. The gateway has 2 to 6 pods of 250m and the model 2 to 4 of 1 core: 30 % of the most are 2
// (1.8) and 2 (1.2), so both stay at their fewest. With two pods each of CoreDNS, metrics-server and the load balancer
// controller, and one of the autoscaler, 100m each, that is 0.5 + 2 + 0.7 = 3.2 cores. A node of 2 cores leaves 1930m,
// less 150m for what runs on every node: the 2 nodes that the group has at least have 3.56.
func TestDevCostsWhatAHandCalculationSays(t *testing.T) {
	want := map[string]cost.Range{
		"control plane":                      {Min: 73.00, Expected: 73.00, Max: 73.00},  // 1 x 0.10 x 730 (March 2026)
		"spot nodes":                         {Min: 93.73, Expected: 93.73, Max: 281.20}, // 2, 2, 6 x 0.107 (m6i.large, 4 May 2026) x 60 % x 730
		"root volumes":                       {Min: 8.80, Expected: 8.80, Max: 26.40},    // 2, 2, 6 x 50 x 0.088 (21 September 2026)
		"NAT gateway":                        {Min: 35.04, Expected: 35.04, Max: 35.04},  // 1 x 0.048 x 730 (25 September 2026)
		"NAT gateway traffic":                {Min: 0, Expected: 10.51, Max: 35.04},      // 0, 219, 730 GB x 0.048 (25 September 2026)
		"public IPv4 address":                {Min: 3.65, Expected: 3.65, Max: 3.65},     // 1 x 0.005 x 730 (21 September 2026)
		"Application Load Balancer":          {Min: 18.40, Expected: 18.40, Max: 18.40},  // 1 x 0.0252 x 730 (21 September 2026)
		"Application Load Balancer capacity": {Min: 0, Expected: 1.75, Max: 5.84},        // 0, 0.3, 1 x 0.008 x 730 (11 September 2026)
		"KMS key":                            {Min: 2.00, Expected: 2.00, Max: 6.00},     // 2 x 1, three times as much once rotated (21 September 2026)
		"images":                             {Min: 0.10, Expected: 1.00, Max: 1.00},     // 2 x 1, 10, 10 x 0.5 GB x 0.10 (March 2026)
		"logs taken in":                      {Min: 61.56, Expected: 61.56, Max: 61.56},  // 108 GB x 0.57 (22 September 2026)
		"logs kept":                          {Min: 0.76, Expected: 0.76, Max: 0.76},     // 108 x 7 / 30 GB x 0.03 (22 September 2026)
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
	// 73.00 + 93.73 + 8.80 + 35.04 + 3.65 + 18.40 + 2.00 + 0.10 + 61.56 + 0.76, and so on.
	if total := (cost.Range{Min: 297.04, Expected: 310.20, Max: 547.89}); e.Total() != total || e.Region != "eu-west-1" {
		t.Errorf("dev costs %v in all in %s, want %v", e.Total(), e.Region, total)
	}
}

// TestNothingOfTheStacksIsUnknown also holds what the estimate takes for granted of this program: that a node group and
// its launch template have one name in it, a repository and its lifecycle policy, a flow log and its log group.
func TestNothingOfTheStacksIsUnknown(t *testing.T) {
	for _, stack := range eksStacks(t) {
		for _, l := range estimate(t, stack).Unknown() {
			t.Errorf("%s: %s of %s: %s", stack, l.What, l.Name, l.Unknown)
		}
	}
}

func TestStacksThatMakeNoClusterListNothing(t *testing.T) {
	all, err := Resources("../Pulumi.local.yaml")
	if err != nil || len(all) > 0 {
		t.Errorf("stack local makes %v, %v", all, err)
	}
	if _, err := Resources("../Pulumi.nobody.yaml"); err == nil || !strings.Contains(err.Error(), "Pulumi.nobody.yaml") {
		t.Errorf("a stack that is not there: %v", err)
	}
}

// The list of resources is printed, so no secret may be in it.
func TestResourcesAreListedWithoutSecrets(t *testing.T) {
	for _, stack := range eksStacks(t) {
		all := resources(t, stack)
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), mockengine.SentinelToken) || !strings.Contains(string(text), resource.Secret) {
			t.Errorf("%s: the cluster's credential is in the list, or no secret is hidden in it", stack)
		}
		if !slices.ContainsFunc(all, func(r resource.Resource) bool { return r.Type == mockengine.InnerCluster }) {
			t.Errorf("%s: the control plane is not in the list", stack)
		}
	}
}

// TestCostsAreDocumented keeps what docs/cost.md shows in step with the program, the settings and the prices.
func TestCostsAreDocumented(t *testing.T) {
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
	})
}
