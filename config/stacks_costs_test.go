package config

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hoursPerMonth is AWS's own convention in its pricing calculator.
const hoursPerMonth = 730

// perHour is what some prices are for; the others are for a month.
const perHour = "an hour"

// onDemandHour are prices of nodes in eu-west-1, USD an hour.
var onDemandHour = map[string]float64{"m6i.large": 0.107, "m6i.xlarge": 0.214}

const (
	// spotShare of the on-demand price is what spot is assumed to cost.
	spotShare = 0.4
	// What a cluster was measured to log in 30 days, in GB; docs/stacks.md names the source.
	controlPlaneLogs, flowLogs = 108, 7.7
)

// cost is something that is paid for.
type cost struct {
	what  string
	price float64 // USD
	per   string  // an hour or a month
	count func(*Settings) float64
}

func costLines(t *testing.T) []cost {
	spotNode := func(kind string) cost {
		return cost{"spot nodes at min, as " + kind + " at 40 % of on demand", onDemandHour[kind] * spotShare, perHour,
			func(s *Settings) float64 { return nodes(t, s, "spot", kind) }}
	}
	base := func(s *Settings) float64 { return nodes(t, s, "onDemand", "m6i.xlarge") }
	return []cost{
		{"EKS control plane", 0.10, perHour, func(*Settings) float64 { return 1 }},
		{"on-demand nodes at min, m6i.xlarge", onDemandHour["m6i.xlarge"], perHour, base},
		{"on-demand node for the headroom, m6i.xlarge", onDemandHour["m6i.xlarge"], perHour, headroomNodes},
		spotNode("m6i.large"),
		{"root volumes, GB of gp3", 0.088, "a month", volumes},
		{"NAT gateways", 0.048, perHour, natGateways},
		{"public IPv4 addresses", 0.005, perHour, func(s *Settings) float64 {
			if s.Ingress.Scheme == "internal" {
				return natGateways(s)
			}
			return natGateways(s) + float64(s.Network.Zones) // an ALB has one in each zone
		}},
		{"load balancer (ALB)", 0.0252, perHour, func(*Settings) float64 { return 1 }},
		{"KMS keys", 1, "a month", func(*Settings) float64 { return 2 }},
		{"interface endpoints, each in each zone", 0.011, perHour, func(s *Settings) float64 {
			return float64(len(s.Network.InterfaceEndpoints) * s.Network.Zones)
		}},
	}
}

func logLines() []cost {
	flow := func(s *Settings) float64 {
		if s.Network.FlowLogRetentionDays == 0 {
			return 0
		}
		return flowLogs
	}
	return []cost{
		{"control plane logs, GB taken in", 0.57, "a month", func(*Settings) float64 { return controlPlaneLogs }},
		{"flow logs, GB taken in", 0.57, "a month", flow},
		{"logs kept, GB", 0.03, "a month", func(s *Settings) float64 {
			return math.Round(controlPlaneLogs*float64(s.Cluster.LogRetentionDays)/30 + flow(s)*float64(s.Network.FlowLogRetentionDays)/30)
		}},
	}
}

// nodes are the fewest nodes of a stack of one capacity, all of which must have the price of one type: it is the first of
// an on-demand group, which EKS buys in that order, and one of a spot group, where it stands for the dearest.
func nodes(t *testing.T, s *Settings, capacity, kind string) (n float64) {
	for _, g := range s.NodeGroups {
		if g.Capacity != capacity || g.Min == 0 {
			continue
		}
		if capacity == "onDemand" && g.InstanceTypes[0] != kind || !slices.Contains(g.InstanceTypes, kind) {
			t.Errorf("group %s of %v has no price here: it is not bought as %s", g.Name, g.InstanceTypes, kind)
		}
		n += float64(g.Min)
	}
	return n
}

// headroomNodes holds where a pod of the headroom takes most of a node, as the one of stack prod does.
func headroomNodes(s *Settings) float64 { return float64(s.Autoscaler.Headroom.Pods) }

func volumes(s *Settings) float64 {
	gib := headroomNodes(s) * float64(s.NodeGroups[0].DiskGiB)
	for _, g := range s.NodeGroups {
		gib += float64(g.Min * g.DiskGiB)
	}
	return gib
}

func natGateways(s *Settings) float64 {
	if s.Network.NATGateways == "perZone" {
		return float64(s.Network.Zones)
	}
	return 1
}

// costs is a table of what each stack costs a month. A cell has the amount, and the number that it is for.
func costs(t *testing.T, stacks []*Settings) string {
	table, sums := header("USD a month (number)", "price", "each"), make([]float64, len(stacks))
	add := func(lines []cost, sum string) {
		for _, l := range lines {
			each := fmt.Sprintf("%.4g", l.price)
			if l.per == perHour {
				each = fmt.Sprintf("%.2f", l.price*hoursPerMonth)
			}
			table += fmt.Sprintf("| %s | %.4g %s | %s |", l.what, l.price, l.per, each)
			for i, s := range stacks {
				n := l.count(s)
				if n == 0 {
					table += " " + none + " |"
					continue
				}
				amount := math.Round(n*l.price*perMonth(l.per)*100) / 100
				sums[i] += amount
				table += fmt.Sprintf(" %.2f (%g) |", amount, n)
			}
			table += "\n"
		}
		table += "| **" + sum + "** | | |"
		for _, s := range sums {
			table += fmt.Sprintf(" **%.2f** |", s)
		}
		table += "\n"
	}
	add(costLines(t), "sum without logs")
	add(logLines(), "sum with logs")
	for _, unknown := range []string{"images in ECR", "load balancer capacity units", "traffic through NAT, between zones, to the internet", "requests to KMS"} {
		table += "| " + unknown + " | not in the sums | |" + strings.Repeat(" unknown |", len(stacks)) + "\n"
	}
	return table
}

func perMonth(per string) float64 {
	if per == perHour {
		return hoursPerMonth
	}
	return 1
}

// TestStacksSumsAreThoseOfTheirLines reads docs/stacks.md as a reader does and does its arithmetic again.
func TestStacksSumsAreThoseOfTheirLines(t *testing.T) {
	page, err := os.ReadFile(stacksFile)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^\| ([^|]+) \| ([\d.]+) (an hour|a month) \| ([\d.]+) \| (.+) \| (.+) \| (.+) \|\n$`)
	total := regexp.MustCompile(`^\| \*\*(sum [^|]+)\*\* \| \| \| \*\*(.+)\*\* \| \*\*(.+)\*\* \| \*\*(.+)\*\* \|\n$`)
	cell := regexp.MustCompile(`^([\d.]+) \(([\d.]+)\)$`)
	sums, lines, totals := make([]float64, len(eksStacks)), 0, 0
	for text := range strings.Lines(string(page)) {
		if m := total.FindStringSubmatch(text); m != nil {
			totals++
			for i, name := range eksStacks {
				if got := number(t, m[2+i]); math.Abs(got-sums[i]) > 0.005 {
					t.Errorf("%s of %s is %.2f, and its lines make %.2f", m[1], name, got, sums[i])
				}
			}
		}
		m := line.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		lines++
		each := number(t, m[2]) * perMonth(m[3])
		if math.Abs(each-number(t, m[4])) > 0.006 {
			t.Errorf("%s: %s %s makes %.2f each, not %s", m[1], m[2], m[3], each, m[4])
		}
		for i, name := range eksStacks {
			if m[5+i] == none {
				continue
			}
			parts := cell.FindStringSubmatch(m[5+i])
			if parts == nil {
				t.Fatalf("%s of %s is %q, not an amount and its number", m[1], name, m[5+i])
			}
			amount := number(t, parts[1])
			if want := number(t, parts[2]) * each; math.Abs(amount-want) > 0.006 {
				t.Errorf("%s of %s is %.2f for %s, and should be %.2f", m[1], name, amount, parts[2], want)
			}
			sums[i] += amount
		}
	}
	if lines < 10 || totals != 2 {
		t.Errorf("docs/stacks.md has %d lines with prices and %d sums; are its tables there?", lines, totals)
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
