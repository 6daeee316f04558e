package config

import (
	"strings"
	"testing"
	"time"

	"tfserving/catalog"
)

func TestAVersionWhoseSupportEndsSoonHasAWarning(t *testing.T) {
	for _, test := range []struct{ version, now, warning string }{
		{"1.35", "2026-11-23T12:00:00Z", ""},
		{"1.35", "2027-01-25T23:59:59Z", ""},
		{"1.35", "2027-01-26T00:00:00Z", "whose standard support by EKS ends on 2027-03-27"},
		{"1.35", "2027-03-26T23:59:59Z", "whose standard support by EKS ends on 2027-03-27"},
		{"1.35", "2027-03-27T00:00:00Z", "whose standard support by EKS ended on 2027-03-27"},
		{"1.35", "2028-03-26T23:59:59Z", "whose standard support by EKS ended on 2027-03-27"},
		{"1.34", "2026-11-23T12:00:00Z", "whose standard support by EKS ends on 2026-12-02"},
		{"1.33", "2026-11-23T12:00:00Z", "whose standard support by EKS ended on 2026-07-29"},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		s := decoded(t, onEKS(change{"tfserving:cluster.version", test.version})...)
		got := s.Warnings(now)
		if test.warning == "" && len(got) > 0 || test.warning != "" && (len(got) != 1 || !strings.HasPrefix(got[0], "tfserving:cluster.version is \""+test.version+"\", "+test.warning)) {
			t.Errorf("%s on %s: warnings %q, want %q", test.version, test.now, got, test.warning)
		}
		s.Platform = PlatformKubernetes
		if got := s.Warnings(now); len(got) > 0 {
			t.Errorf("platform kubernetes has warnings about EKS: %q", got)
		}
	}
}

func TestTheDefaultVersionIsInTheCatalog(t *testing.T) {
	if _, known := catalog.FindRelease(Default().Cluster.Version); !known {
		t.Error("the catalog does not have the default version")
	}
}

func TestExampleRangesHaveAWarning(t *testing.T) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		key, cidr string
		warned    bool
	}{
		"an example":                    {"cluster.publicAccessCidrs", "203.0.113.0/24", true},
		"part of one":                   {"cluster.publicAccessCidrs", "198.51.100.7/32", true},
		"an example caller":             {"ingress.allowedCidrs", "192.0.2.128/25", true},
		"a range that someone owns":     {"cluster.publicAccessCidrs", "203.0.112.0/24", false},
		"a wider range than an example": {"ingress.allowedCidrs", "192.0.2.0/23", false},
	} {
		got := decoded(t, onEKS(change{"tfserving:" + test.key, []string{test.cidr}})...).Warnings(now)
		if test.warned != (len(got) == 1) || test.warned && !strings.HasPrefix(got[0], "tfserving:"+test.key+" has example ranges only") {
			t.Errorf("%s: warnings %q", name, got)
		}
	}
	half := decoded(t, onEKS(change{"tfserving:cluster.publicAccessCidrs", []string{"203.0.113.0/24", "203.0.112.0/24"}})...)
	if got := half.Warnings(now); len(got) > 0 {
		t.Errorf("one of two ranges is not an example: warnings %q", got)
	}
}

func TestPodsThatTheLargestNodeGroupsCannotHoldHaveAWarning(t *testing.T) {
	// A node of m6i.large has 1780m for pods. The add-ons' four pods take 400m of the first.
	replicas := func(model, gateway int) []change {
		return onEKS(change{"tfserving:model.replicas.max", model}, change{"tfserving:gateway.replicas.max", gateway})
	}
	groups := "tfserving:nodeGroups at their max (general 4, burst 3) have no room for all pods at replicas.max: "
	for name, c := range map[string]struct {
		changes []change
		warning string
	}{
		"as many as fit":           {replicas(7, 6), ""},
		"a gateway pod too many":   {replicas(7, 7), groups + "1 of 7 pods of the gateway find no node (model pods request cpu 1 and memory 1Gi, gateway pods 500m and 256Mi); raise"},
		"model pods too many":      {replicas(10, 2), groups + "3 of 10 pods of the model find"},
		"a group with taints":      {append(replicas(5, 2), change{"tfserving:nodeGroups[1].taints", []Taint{{"a", "", "NoSchedule"}}}), "tfserving:nodeGroups at their max (general 4) have no room for all pods at replicas.max: 1 of 5 pods of the model find no node"},
		"memory":                   {append(replicas(7, 2), change{"tfserving:model.resources.memory", "6800Mi"}, change{"tfserving:gateway.resources.memory", "1Gi"}), groups},
		"the gateway's are larger": {append(replicas(2, 9), change{"tfserving:gateway.resources.cpu", "1500m"}), groups + "3 of 9 pods of the gateway and 1 of 2 pods of the model find no node"},
		"platform kubernetes":      {[]change{{"tfserving:model.replicas.max", 1000}}, ""},
	} {
		got := decoded(t, c.changes...).Warnings(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC))
		if c.warning == "" && len(got) > 0 || c.warning != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.warning)) {
			t.Errorf("%s: warnings %q, want %q", name, got, c.warning)
		}
	}
}

func TestADrainThatIsTooShortForANetworkLoadBalancerHasAWarning(t *testing.T) {
	for name, c := range map[string]struct {
		service, drain string
		warned         bool
	}{
		"a Network Load Balancer and the default": {ServiceLoadBalancer, "20s", true},
		"a Network Load Balancer and its time":    {ServiceLoadBalancer, "2m", false},
		"an Application Load Balancer":            {ServiceClusterIP, "20s", false},
	} {
		changes := []change{{"tfserving:gateway.service", c.service}, {"tfserving:gateway.drainTime", c.drain}, {"tfserving:ingress.allowedCidrs", []string{"203.0.112.0/24"}}}
		got := decoded(t, onEKS(changes...)...).Warnings(time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC))
		if c.warned != (len(got) == 1) || c.warned && !strings.HasPrefix(got[0], "tfserving:gateway.drainTime is 20s") {
			t.Errorf("%s: warnings %q", name, got)
		}
	}
}
