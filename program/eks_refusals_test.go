package program

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"tfserving/components/network"
	"tfserving/config"
	"tfserving/preflight"
)

// refusal is a reason to make nothing.
type refusal struct {
	name, settings string
	found          func(*fakeAWS)
	says           []string // what the error must say
	resources      int      // made before; the provider is asked for the zones
}

func TestWhatWouldFailLaterIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for _, r := range []refusal{
		{
			name:     "the caller is not an administrator that is named",
			settings: `tfserving:cluster: {administrators: ["arn:aws:iam::123456789012:role/Oncall"]}`,
			says:     []string{"tfserving:cluster.administrators", deployer},
		},
		{
			name:     "the caller has the name of an administrator in another account",
			settings: `tfserving:cluster: {administrators: ["arn:aws:iam::210987654321:role/Deployer"]}`,
			says:     []string{"tfserving:cluster.administrators", deployer},
		},
		{
			name:  "the credentials are refused",
			found: func(a *fakeAWS) { a.accountErr = errors.New("they are of account 210987654321") },
			says:  []string{"they are of account 210987654321"},
		},
		{
			name:      "fewer zones than asked for",
			settings:  `tfserving:network: {zones: 3}`,
			found:     func(a *fakeAWS) { a.zones = []string{"eu-west-1b", "eu-west-1a"} },
			says:      []string{"tfserving:network.zones is 3", "eu-west-1 has 2", "[eu-west-1a eu-west-1b]"},
			resources: 1,
		},
		{
			name: "the model's image is missing",
			found: func(a *fakeAWS) {
				a.images = map[string]preflight.ImageState{"tfserving-dev/zoomcamp-10-model:xception-v4-001": preflight.ImageMissing}
			},
			says:      []string{"zoomcamp-10-model:xception-v4-001", "tfserving-dev/zoomcamp-10-model", "push it first"},
			resources: 1,
		},
		{
			name: "the gateway's image is missing",
			found: func(a *fakeAWS) {
				a.images = map[string]preflight.ImageState{"tfserving-dev/zoomcamp-10-gateway:002": preflight.ImageMissing}
			},
			says:      []string{"zoomcamp-10-gateway:002", "push it first"},
			resources: 1,
		},
	} {
		t.Run(r.name, func(t *testing.T) {
			found := newFakeAWS()
			if r.found != nil {
				r.found(found)
			}
			g, err := newEKSGraph("dev", r.settings, found)
			if err == nil {
				t.Fatal("it was not refused")
			}
			for _, text := range r.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the error does not say %q: %v", text, err)
				}
			}
			if len(g.resources) != r.resources {
				t.Errorf("%d resources were made before, want %d: %v", len(g.resources), r.resources, g.resources)
			}
		})
	}
}

func TestWhatIsInOrderIsNotRefused(t *testing.T) {
	for _, r := range []refusal{
		{name: "an administrator's role has a path, which STS leaves out", settings: `tfserving:cluster: {administrators: ["arn:aws:iam::123456789012:role/a/b/Deployer"]}`},
		{name: "nobody is named", settings: `tfserving:cluster: {administrators: []}`},
		{name: "repositories are yet to be made", found: func(a *fakeAWS) {
			a.images = map[string]preflight.ImageState{
				"tfserving-dev/zoomcamp-10-model:xception-v4-001": preflight.NoRepository, "tfserving-dev/zoomcamp-10-gateway:002": preflight.NoRepository,
			}
		}},
		{name: "the credentials may not look for images", found: func(a *fakeAWS) {
			a.images = map[string]preflight.ImageState{"tfserving-dev/zoomcamp-10-model:xception-v4-001": preflight.ImageUnknown}
		}},
		{name: "more zones than asked for", found: func(a *fakeAWS) { a.zones = append(a.zones, "eu-west-1d") }},
	} {
		t.Run(r.name, func(t *testing.T) {
			found := newFakeAWS()
			if r.found != nil {
				r.found(found)
			}
			if _, err := newEKSGraph("dev", r.settings, found); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnAutoscalerOfAnotherVersionIsRefused(t *testing.T) {
	_, err := newEKSGraph("dev", `tfserving:autoscaler: {image: "registry.k8s.io/autoscaling/cluster-autoscaler:v1.30.0"}`, newFakeAWS())
	if err == nil || !strings.Contains(err.Error(), "1.30") || !strings.Contains(err.Error(), "1.35") {
		t.Errorf("the error is %v, want one that names both versions", err)
	}
}

// AWS promises no order of zones. Sorted, the same ones are taken each time, and no subnet moves.
func TestTheSameZonesAreTakenInWhateverOrderTheyCome(t *testing.T) {
	zonesOf := func(zones ...string) (all []string) {
		found := newFakeAWS()
		found.zones = zones
		g, err := newEKSGraph("dev", "", found)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range g.ofType("aws:ec2/subnet:Subnet") {
			all = append(all, s.Name+" "+s.text("availabilityZone")+" "+s.text("cidrBlock"))
		}
		return all
	}
	want := zonesOf("eu-west-1a", "eu-west-1b", "eu-west-1c")
	if got := zonesOf("eu-west-1c", "eu-west-1b", "eu-west-1a"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the subnets are %v, and in another order %v", want, got)
	}
}

func TestZonesAreAskedForWithoutThoseThatEKSLacks(t *testing.T) {
	g := eksStack(t, "dev")
	for _, a := range g.engine.Invokes {
		if a.Token != "aws:index/getAvailabilityZones:getAvailabilityZones" {
			continue
		}
		args := a.Args.Mappable()
		if got := strings.Join(textsOf(args["excludeZoneIds"]), " "); got != "use1-az3 usw1-az2 cac1-az3" {
			t.Errorf("zones left out are %s", got)
		}
		if at(args, "filters", 0, "name") != "opt-in-status" || at(args, "filters", 0, "values", 0) != "opt-in-not-required" {
			t.Errorf("local zones would count: %v", args)
		}
		return
	}
	t.Error("the zones are not asked for")
}

// The settings are checked by a figure of their own, since config knows no component: it must be the network's.
func TestTheSettingsCountPodsAddressesAsTheNetworkDoes(t *testing.T) {
	for bits := 16; bits <= 20; bits++ {
		for zones := 2; zones <= 3; zones++ {
			cidr := netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), bits)
			layout, err := network.Plan(cidr, zones)
			if err != nil {
				t.Fatal(err)
			}
			set := config.Network{CIDR: cidr.String(), Zones: zones}
			if got, want := set.PodAddresses(), zones*layout.Pods(); got != want {
				t.Errorf("%s over %d zones: the settings count %d addresses for pods, the network %d", cidr, zones, got, want)
			}
		}
	}
}
