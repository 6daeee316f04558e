package cost

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tfserving/catalog"
	"tfserving/resource"
)

func group(name, capacity string, fewest, most float64, types ...any) []resource.Resource {
	return []resource.Resource{
		newResource(resource.NodeGroup, name, object{"capacityType": capacity, "instanceTypes": types, "scalingConfig": object{"minSize": fewest, "maxSize": most}}),
		template(name, "gp3"),
	}
}

// prefixed gives a group the prefix of its name in EKS, as the program does.
func prefixed(group []resource.Resource) []resource.Resource {
	group[0].Inputs["nodeGroupNamePrefix"] = group[0].Name + "-"
	return group
}

// deployment has pods that request this CPU. fixed is their number if no autoscaler sets it.
func deployment(name, cpu string, fixed float64) resource.Resource {
	spec := object{"template": object{"spec": object{"containers": []any{object{"resources": object{"requests": object{"cpu": cpu, "memory": "1Gi"}}}}}}}
	if fixed > 0 {
		spec["replicas"] = fixed
	}
	return newResource(resource.Deployment, name, object{"metadata": object{"name": name, "namespace": "tfserving"}, "spec": spec})
}

func autoscaler(name string, fewest, most float64) resource.Resource {
	return newResource(autoscalerType, name, object{
		"metadata": object{"name": name, "namespace": "tfserving"},
		"spec":     object{"scaleTargetRef": object{"kind": "Deployment", "name": name}, "minReplicas": fewest, "maxReplicas": most},
	})
}

// A node of m6i.large has 1930m for pods, one of m6i.xlarge 3920m (catalog/room.go).
func TestTheNumberOfNodesFollowsThePods(t *testing.T) {
	onDemand := func(fewest, most float64, more ...resource.Resource) []resource.Resource {
		return append(group("g", "ON_DEMAND", fewest, most, "m6i.large"), more...)
	}
	for name, test := range map[string]struct {
		resources []resource.Resource
		want      string // of each group: nodes at min, expected and max
	}{
		"no pods":                          {onDemand(2, 6), "g: 2, 2, 6"},
		"pods that have room":              {onDemand(2, 6, deployment("d", "1800m", 2)), "g: 2, 2, 6"},
		"fixed pods without an autoscaler": {onDemand(2, 6, deployment("d", "1800m", 4)), "g: 4, 4, 6"},
		"an autoscaler from 2 to 10, of which 30 % are 3": {onDemand(1, 6, deployment("d", "1800m", 0), autoscaler("d", 2, 10)), "g: 2, 3, 6"},
		"a Deployment without replicas has one pod":       {onDemand(0, 6, deployment("d", "1800m", 0)), "g: 1, 1, 6"},
		"an autoscaler without minReplicas has one pod": {
			onDemand(0, 6, deployment("d", "1800m", 0), newResource(autoscalerType, "d", object{
				"metadata": object{"name": "d"}, "spec": object{"scaleTargetRef": object{"name": "d"}, "maxReplicas": 10.0}})),
			"g: 1, 3, 6",
		},
		"an autoscaler of another namespace": {
			onDemand(1, 6, deployment("d", "1800m", 2), newResource(autoscalerType, "d", object{
				"metadata": object{"name": "d", "namespace": "other"}, "spec": object{"scaleTargetRef": object{"name": "d"}, "minReplicas": 5.0, "maxReplicas": 5.0}})),
			"g: 2, 2, 6",
		},
		"an autoscaler of another Deployment": {onDemand(1, 6, deployment("d", "1800m", 2), autoscaler("e", 5, 5)), "g: 2, 2, 6"},
		"a group that may be empty stays so while there is room": {
			append(append(group("base", "ON_DEMAND", 1, 2, "m6i.large"), group("spot", "SPOT", 0, 4, "m6i.large")...), deployment("d", "500m", 2)),
			"base: 1, 1, 2; spot: 0, 0, 4",
		},
		"the dearer group grows first, then the other": {
			append(append(group("spot", "SPOT", 0, 4, "m6i.large"), group("base", "ON_DEMAND", 1, 2, "m6i.large")...), deployment("d", "1800m", 3)),
			"base: 2, 2, 2; spot: 1, 1, 4",
		},
		"the group of the higher priority grows first, then the other": {
			append(append(prefixed(group("base", "ON_DEMAND", 1, 4, "m6i.large")), prefixed(group("spot", "SPOT", 0, 1, "m6i.large"))...), deployment("d", "1800m", 3),
				newResource(resource.ConfigMap, "p", object{"metadata": object{"name": "cluster-autoscaler-priority-expander"}, "data": object{
					"priorities": "10:\n  - '^eks-base-[0-9a-f]{26}-'\n20:\n  - '^eks-spot-[0-9a-f]{26}-'\n"}})),
			"base: 2, 2, 4; spot: 1, 1, 1",
		},
		"headroom takes a node of its own": {
			append(group("base", "ON_DEMAND", 1, 4, "m6i.xlarge"), deployment("model", "3", 0), autoscaler("model", 1, 3), deployment("headroom", "3", 1)),
			"base: 2, 2, 4",
		},
		"a full group holds no more":                        {onDemand(1, 2, deployment("d", "1800m", 9)), "g: 2, 2, 2"},
		"a pod too large for any node waits":                {onDemand(1, 6, deployment("d", "4", 1)), "g: 1, 1, 6"},
		"a group of two sizes counts as one of the smaller": {append(group("g", "SPOT", 1, 6, "m6i.large", "m6i.xlarge"), deployment("d", "1800m", 2)), "g: 2, 2, 6"},
		"what runs on every node, and an add-on's own pods": {
			// 1930m less 150m for the CNI and kube-proxy leave no room for 1800m; and CoreDNS has two pods.
			onDemand(1, 9, deployment("d", "1700m", 2),
				newResource(addonType, "a", object{"addonName": "vpc-cni"}), newResource(addonType, "b", object{"addonName": "kube-proxy"}), newResource(addonType, "c", object{"addonName": "coredns"})),
			"g: 3, 3, 9",
		},
		"a chart's pods": {
			onDemand(1, 9, newResource(resource.HelmRelease, "c", object{"values": object{"replicaCount": 3.0, "resources": object{"requests": object{"cpu": 1.0, "memory": "256Mi"}}}})),
			"g: 3, 3, 9",
		},
		"memory, not CPU": {
			onDemand(1, 9, newResource(resource.Deployment, "d", object{"spec": object{"replicas": 2.0, "template": object{"spec": object{
				"containers": []any{object{"resources": object{"requests": object{"memory": "4Gi"}}}}}}}})),
			"g: 2, 2, 9",
		},
	} {
		e := Of(append(test.resources, inRegion("eu-west-1")), today)
		var got []string
		for _, l := range e.Lines {
			if strings.HasSuffix(l.What, " nodes") {
				number, _, _ := strings.Cut(l.Assumption, " of ")
				got = append(got, l.Name+": "+number)
			}
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s: nodes are %v, want %v (unknown: %q)", name, got, test.want, unknownLines(e))
		}
	}
}

func TestNodesCostTheirOnDemandOrSpotPrice(t *testing.T) {
	for name, test := range map[string]struct {
		resources []resource.Resource
		what      string
		want      Range
		text      string // the assumption
	}{
		// 0.214 x 730 for each of 2 to 4; EKS buys the first of the list.
		"on demand, the first type": {group("g", "ON_DEMAND", 2, 4, "m6i.xlarge", "m6a.xlarge"), "on-demand nodes", Range{312.44, 312.44, 624.88}, "2, 2, 4 of m6i.xlarge"},
		"on demand, a cheaper one":  {group("g", "ON_DEMAND", 1, 1, "m6a.xlarge", "m6i.xlarge"), "on-demand nodes", always(140.60), "1, 1, 1 of m6a.xlarge"},
		// 60 % of 0.107 x 730 for each of 2 to 6.
		"spot, the dearest type": {group("g", "SPOT", 2, 6, "m6a.large", "m6i.large", "m5a.large"), "spot nodes", Range{93.73, 93.73, 281.20}, "2, 2, 6 of m6i.large, spot at 60 % of on demand"},
		// 50 GiB at 0.088 for each of 2 to 6.
		"volumes": {group("g", "SPOT", 2, 6, "m6i.large"), "root volumes", Range{8.80, 8.80, 26.40}, "50 GiB of gp3 each"},
	} {
		e := Of(append(test.resources, inRegion("eu-west-1")), today)
		i := slices.IndexFunc(e.Lines, func(l Line) bool { return l.What == test.what })
		if i < 0 || e.Lines[i].Range() != test.want || e.Lines[i].Assumption != test.text {
			t.Errorf("%s: %+v, want %s of %v, %q", name, e.Lines, test.what, test.want, test.text)
		}
	}
}

// schedule are the CronJobs of working hours, and the action that lowers the minimum of group g outside them.
func schedule(start, stop string, least float64) []resource.Resource {
	job := func(name, at string) resource.Resource {
		return newResource(resource.CronJob, name, object{"metadata": object{"name": name}, "spec": object{"schedule": at}})
	}
	return []resource.Resource{job("schedule-start", start), job("schedule-stop", stop), newResource(resource.ScalingSchedule, "g-stop", object{"minSize": least})}
}

// 12 hours of 5 days are 60 of 168 hours of the week. An m6i.large costs 0.107 x 730 = 78.11 a month.
func TestOutsideWorkingHoursOnlyTheClustersOwnPodsHaveNodes(t *testing.T) {
	onDemand := func(fewest, most float64, more ...resource.Resource) []resource.Resource {
		return append(group("g", "ON_DEMAND", fewest, most, "m6i.large"), more...)
	}
	workdays := schedule("0 7 * * 1,2,3,4,5", "0 19 * * 1,2,3,4,5", 1)
	for name, test := range map[string]struct {
		resources []resource.Resource
		want      Range
	}{
		"the application's pods end": { // (2 x 60 + 1 x 108) / 168 x 78.11, and 4 instead of 2 for max
			slices.Concat(onDemand(2, 4, deployment("d", "1500m", 0), autoscaler("d", 2, 6)), workdays), Range{106.01, 106.01, 161.80},
		},
		"other pods stay": { // three of 1500m need three nodes at all hours
			slices.Concat(onDemand(2, 4, deployment("system", "1500m", 3)), workdays), Range{234.33, 234.33, (4*60 + 3*108) * 78.11 / 168},
		},
		"the group's minimum stays": {slices.Concat(onDemand(2, 2, deployment("d", "100m", 0), autoscaler("d", 1, 1)), workdays[:2]), always(156.22)},
		"half an hour on Sunday": { // (2 x 0.5 + 1 x 167.5) / 168
			slices.Concat(onDemand(2, 2), schedule("30 7 * * 0", "0 8 * * 0", 1)), always(78.34),
		},
	} {
		e := Of(append(test.resources, inRegion("eu-west-1")), today)
		test.want.Max = cents(test.want.Max)
		if got := amounts(e)["on-demand nodes"]; got != test.want {
			t.Errorf("%s: the nodes cost %v, want %v (unknown: %q)", name, got, test.want, unknownLines(e))
		}
	}
	for name, resources := range map[string][]resource.Resource{
		"a form that is not known": schedule("@daily", "0 19 * * 1", 1), "only one end": workdays[:1],
	} {
		if got := unknownLines(Of(append(append(onDemand(2, 4), resources...), inRegion("eu-west-1")), today)); len(got) == 0 || !strings.Contains(got[0], "working hours") {
			t.Errorf("%s: unknown is %q", name, got)
		}
	}
}

func TestVolumesOfAnotherKindAreUnknown(t *testing.T) {
	for name, disks := range map[string]any{
		"another type": []any{object{"ebs": object{"volumeType": "io2", "volumeSize": 50.0}}},
		"no size":      []any{object{"ebs": object{"volumeType": "gp3"}}},
		"two volumes":  []any{object{}, object{}},
		"not known":    resource.Unknown,
	} {
		e := Of([]resource.Resource{inRegion("eu-west-1"), group("g", "SPOT", 1, 1, "m6i.large")[0], newResource(resource.LaunchTemplate, "g", object{"blockDeviceMappings": disks})}, today)
		if got := unknownLines(e); len(got) != 1 || !strings.HasPrefix(got[0], "root volumes: ") {
			t.Errorf("%s: unknown is %q", name, got)
		}
	}
	e := Of(append(group("g", "SPOT", 1, 1, "m6i.large")[:1], inRegion("eu-west-1")), today)
	if got := unknownLines(e); len(got) != 1 || !strings.HasPrefix(got[0], "root volumes: no launch template has this group's name") {
		t.Errorf("without a launch template: unknown is %q", got)
	}
}

func TestKarpentersPricesComeFirst(t *testing.T) {
	e := Of(append(group("g", "ON_DEMAND", 1, 1, "c7i.2xlarge"), inRegion("us-east-1")), today)
	p, err := findPrice("us-east-1", ec2Prefix+"c7i.2xlarge")
	if err != nil || !strings.HasPrefix(p.source, "karpenter") {
		t.Fatalf("c7i.2xlarge in us-east-1: %+v %v", p, err)
	}
	if got := amounts(e)["on-demand nodes"]; got != always(cents(p.usd*HoursPerMonth)) || got.Min == 0 {
		t.Errorf("a c7i.2xlarge costs %v a month, at %v an hour", got, p.usd)
	}
}

// A region's price list, as make prices writes it, comes before every other table.
func TestFetchedPricesComeFirst(t *testing.T) {
	list := PriceList("us-east-1", []ListPrice{{InstanceItem("c7i.2xlarge"), "hour", 9, "2026-11-20"}, {"KMS key", "month", 2, "2026-11-20"}})
	all := append(parsePrices(list, PriceListFile("us-east-1")), parsePrices(pricesTable, "prices.tsv")...)
	for _, c := range []struct {
		region, item string
		want         float64
	}{
		{"us-east-1", InstanceItem("c7i.2xlarge"), 9}, {"us-east-1", "KMS key", 2},
		{"eu-west-1", "KMS key", 1}, {"us-east-1", "NAT gateway", 0.045}, // not in the list
	} {
		if p, err := findPriceIn(all, c.region, c.item); err != nil || p.usd != c.want {
			t.Errorf("%s in %s: %v (%v), want %v USD", c.item, c.region, p.usd, err, c.want)
		}
	}
	if _, err := findPriceIn(all, "eu-north-1", "NAT gateway"); err == nil || !strings.Contains(err.Error(), "make prices REGION=eu-north-1") {
		t.Errorf("a region without prices: %v", err)
	}
}

func TestEveryRegionOfThePriceTableHasEveryPrice(t *testing.T) {
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		for _, p := range parsePrices(pricesTable, "prices.tsv") {
			if _, err := findPrice(region, p.item); err != nil && p.item != "Network Load Balancer capacity unit" {
				t.Error(err)
			}
		}
	}
}

// An instance type has addresses for a limited number of pods.
func TestANodeHasNoMorePodsThanItsAddresses(t *testing.T) {
	t2, err := catalog.Lookup("t3.medium") // 17 pods
	if err != nil {
		t.Fatal(err)
	}
	pods := make([]catalog.Room, 18)
	for i := range pods {
		pods[i] = catalog.Room{MilliCPU: 1, Pods: 1}
	}
	g := &groupPlan{fewest: 1, most: 3, room: t2.Allocatable()}
	if got, pending := place([]*groupPlan{g}, pods, catalog.Room{}); fmt.Sprint(got) != "[2]" || pending > 0 {
		t.Errorf("18 pods are on %d nodes of 17 each, and %d are pending", got, pending)
	}
	g.most = 1
	if got, pending := place([]*groupPlan{g}, pods, catalog.Room{}); fmt.Sprint(got) != "[1]" || pending != 1 {
		t.Errorf("of 18 pods %d are pending on %d nodes of 17, at most 1", pending, got)
	}
}

func TestNodesOfTwiceTheNeededPriceAreWarnedOf(t *testing.T) {
	// 2 x 0.0408 x 60 % x 730 and 2 x 0.107 x 60 % x 730.
	const spot = "node group g: 2 x t3a.medium would hold the fewest pods and a rollout's extra one, for 35.74 instead of 93.73 USD a month (m6i.large)"
	for name, test := range map[string]struct {
		resources []resource.Resource
		want      []string
	}{
		"two pods and a third fit half the price": {append(group("g", "SPOT", 2, 6, "m6i.large"), deployment("d", "600m", 2)), []string{spot}},
		"a third pod does not fit":                {append(group("g", "SPOT", 2, 6, "m6i.large"), deployment("d", "1", 2)), nil},
		"no type at half the price":               {append(group("g", "SPOT", 2, 6, "t3a.medium"), deployment("d", "600m", 2)), nil},
		"a pod that fits no node":                 {append(group("g", "SPOT", 2, 6, "m6i.large"), deployment("d", "64", 1)), nil},
		"another group has the room": {
			append(append(group("big", "ON_DEMAND", 1, 1, "m6i.xlarge"), group("g", "SPOT", 2, 2, "m6i.large")...), deployment("d", "1700m", 3)), []string{spot}},
		"an empty group":    {append(group("g", "SPOT", 0, 2, "m6i.large"), newResource(resource.Deployment, "d", object{"spec": object{"replicas": 0.0}})), nil},
		"pods not known":    {append(group("g", "SPOT", 2, 6, "m6i.large"), newResource(resource.Deployment, "d", object{"spec": resource.Unknown})), nil},
		"a price not known": {append(group("g", "SPOT", 2, 6, "c7i.large"), deployment("d", "600m", 2)), nil},
	} {
		if got := Of(append(test.resources, inRegion("eu-west-1")), today).Warnings; !slices.Equal(got, test.want) {
			t.Errorf("%s: warnings %q, want %q", name, got, test.want)
		}
	}
}
