package program

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"tfserving/resource"
)

const typeMonitoring = "tfserving:monitoring:Monitoring"

// Without the setting, a stack has the resources that it had before the setting existed, and the same inputs.
func TestMonitoringAddsResourcesOfItsOwnAndAnArgumentOfTheAutoscaler(t *testing.T) {
	on := checkedInStack(t, "prod")
	off := variation{stack: "prod", settings: `tfserving:monitoring: {enabled: false}`}.graph(t)
	for _, r := range off.resources {
		if strings.Contains(r.urn, "monitoring") {
			t.Errorf("%s is there though monitoring is off", r)
		}
		same := on.byURN[r.urn]
		if same == nil {
			t.Errorf("%s goes when monitoring is turned on", r)
			continue
		}
		if r.TypeToken != "pulumi:providers:kubernetes" && !r.Inputs.DeepEquals(same.Inputs) && r != off.resource(t, resource.Deployment, off.clusterName()) {
			t.Errorf("%s changes when monitoring is turned on", r)
		}
	}
	for _, r := range on.resources {
		if off.byURN[r.urn] == nil && on.topComponent(r).TypeToken != typeMonitoring {
			t.Errorf("%s is made for monitoring, outside of its component", r)
		}
	}
	const flag = "--emit-per-nodegroup-metrics=true"
	for g, want := range map[*graph]bool{on: true, off: false} {
		d := g.resource(t, resource.Deployment, g.clusterName()).object.(*appsv1.Deployment)
		if got := slices.Contains(container(t, d).Args, flag); got != want {
			t.Errorf("the autoscaler has %s: %t, want %t", flag, got, want)
		}
	}
}

// The collector's network interfaces get their addresses from the control plane's subnets.
func TestTheCollectorsAddressesAreThoseOfThePrivateSubnets(t *testing.T) {
	g := checkedInStack(t, "prod")
	var want []string
	for _, r := range privateSubnets.find(t, g) {
		want = append(want, r.text("cidrBlock"))
	}
	policy := g.resource(t, resource.NetworkPolicy, g.clusterName()+"-monitoring")
	var got []string
	for i := range want {
		got = append(got, policy.text("spec", "ingress", 0, "from", i, "ipBlock", "cidr"))
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("the policy admits %q, want %q", got, want)
	}
}
