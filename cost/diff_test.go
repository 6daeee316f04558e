package cost

import (
	"slices"
	"strings"
	"testing"

	"tfserving/resource"
)

func TestADifferenceListsTheLinesThatChange(t *testing.T) {
	ireland, nat, key := inRegion("eu-west-1"), newResource(resource.NATGateway, "n", nil), newResource(resource.KMSKey, "k", nil)
	database := newResource("aws:rds/instance:Instance", "db", nil)
	of := func(resources ...resource.Resource) *Estimate { return Of(append(resources, ireland), today) }
	small, large := group("g", "ON_DEMAND", 2, 4, "m6i.large"), group("g", "ON_DEMAND", 2, 4, "m6i.xlarge")
	for name, test := range map[string]struct {
		before, after *Estimate
		want          []string // what changes
		delta         Range
		unknown       [2]int
	}{
		"nothing":               {of(nat, key), of(nat, key), nil, Range{}, [2]int{}},
		"a new stack":           {nil, of(key), []string{"KMS key"}, always(1), [2]int{}},
		"a stack that goes":     {of(key), nil, []string{"KMS key"}, always(-1), [2]int{}},
		"neither":               {nil, nil, nil, Range{}, [2]int{}},
		"a NAT gateway more":    {of(key), of(key, nat), []string{"NAT gateway", "NAT gateway traffic"}, Range{35.04, 45.55, 70.08}, [2]int{}},
		"a larger type":         {of(small...), of(large...), []string{"on-demand nodes"}, Range{156.22, 156.22, 312.44}, [2]int{}},
		"unknown as before":     {of(database), of(database, key), []string{"KMS key"}, always(1), [2]int{1, 1}},
		"unknown from now on":   {of(key), of(key, database), []string{"a resource"}, Range{}, [2]int{0, 1}},
		"unknown until now":     {of(key, database), of(key), []string{"a resource"}, Range{}, [2]int{1, 0}},
		"another reason for it": {of(newResource(resource.Repository, "r", nil)), Of([]resource.Resource{ireland, newResource(resource.Repository, "r", nil), newResource("aws:ecr/lifecyclePolicy:LifecyclePolicy", "r", object{"policy": resource.Unknown})}, today), []string{"images"}, Range{}, [2]int{1, 1}},
	} {
		d := Diff(test.before, test.after)
		var got []string
		sum := Range{}
		for _, c := range d.Changes {
			got = append(got, c.What)
			sum = sum.add(c.Delta, 1)
			if c.URN == "" || c.Type == "" || c.Name == "" || (c.What == "a resource" || c.What == "images") != (c.Unknown != "") {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if !slices.Equal(got, test.want) || d.Delta != test.delta || sum != test.delta || [2]int{d.UnknownBefore, d.UnknownAfter} != test.unknown {
			t.Errorf("%s: %v make %v, in all %v with %d and %d unknown; want %v make %v with %v", name, got, sum, d.Delta, d.UnknownBefore, d.UnknownAfter, test.want, test.delta, test.unknown)
		}
	}
}

func TestATableComparesStacks(t *testing.T) {
	ireland := inRegion("eu-west-1")
	dev := Of([]resource.Resource{ireland, newResource(resource.KMSKey, "k", nil)}, today)
	prod := Of([]resource.Resource{ireland, newResource(resource.KMSKey, "k", object{"enableKeyRotation": true}), newResource(resource.ElasticIP, "a", nil), newResource(resource.ElasticIP, "b", nil), newResource("aws:rds/instance:Instance", "db", nil)}, today)
	table := NewTable([]string{"dev", "local", "prod"}, []*Estimate{dev, Of(nil, today), prod})
	var text strings.Builder
	if err := table.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"USD a month                                                   dev                       prod",
		"                                            min expected      max      min expected      max",
		"public IPv4 address                           -        -        -     7.30     7.30     7.30",
		"KMS key                                    1.00     1.00     1.00     1.00     1.00     3.00",
		"a resource                                    -        -        -                    unknown",
		"total                                      1.00     1.00     1.00   8.30+?   8.30+?  10.30+?",
		"  a resource of db: UNKNOWN: what aws:rds/instance:Instance costs is not known here",
		"  KMS key of k: costs as much again after each of its first two yearly rotations",
		"nothing is paid for in AWS: local",
		"  " + Assumed.assumptions()[0],
	} {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("the table lacks %q:\n%s", line, &text)
		}
	}
	for line := range strings.Lines(table.Markdown()) {
		if strings.HasPrefix(line, "| KMS key ") && line != "| KMS key | 1.00 | 1.00 (1.00 to 3.00) |\n" ||
			strings.HasPrefix(line, "| **total**") && line != "| **total** | **1.00** | **8.30** (8.30 to 10.30) plus 1 unknown |\n" ||
			strings.HasPrefix(line, "| a resource") && line != "| a resource | — | unknown |\n" {
			t.Errorf("the page's table has %q", line)
		}
	}
	if got := strings.Count(table.Markdown(), "\n"); got != 6 {
		t.Errorf("the page's table has %d lines:\n%s", got, table.Markdown())
	}
}
