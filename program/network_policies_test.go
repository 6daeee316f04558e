package program

import (
	"net/netip"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// policiesFor returns the NetworkPolicies that select the pods of a Deployment, without those that select every pod.
func policiesFor(t *testing.T, g *graph, d *appsv1.Deployment) []*networkingv1.NetworkPolicy {
	var all []*networkingv1.NetworkPolicy
	for _, p := range objects[*networkingv1.NetworkPolicy](g) {
		if len(p.Spec.PodSelector.MatchLabels) > 0 && slices.Contains(deploymentsSelectedBy(t, g, &p.Spec.PodSelector), d) {
			all = append(all, p)
		}
	}
	return all
}

// admits says whether the NetworkPolicies of one Deployment let another call it at a port.
func admits(t *testing.T, g *graph, callee, caller *appsv1.Deployment, port intstr.IntOrString) bool {
	for _, p := range policiesFor(t, g, callee) {
		for _, rule := range p.Spec.Ingress {
			for _, from := range rule.From {
				if from.PodSelector != nil && slices.Contains(deploymentsSelectedBy(t, g, from.PodSelector), caller) &&
					slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return *p.Port == port }) {
					return true
				}
			}
		}
	}
	return false
}

func TestPodTrafficIsDeniedByDefault(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		deny := objectNamed[*networkingv1.NetworkPolicy](t, g, "default-deny").Spec
		if len(deny.PodSelector.MatchLabels)+len(deny.PodSelector.MatchExpressions) > 0 {
			t.Errorf("default-deny selects %v, want every pod", deny.PodSelector)
		}
		if !slices.Contains(deny.PolicyTypes, networkingv1.PolicyTypeIngress) || !slices.Contains(deny.PolicyTypes, networkingv1.PolicyTypeEgress) {
			t.Errorf("default-deny is for %v, want ingress and egress", deny.PolicyTypes)
		}
		if len(deny.Ingress)+len(deny.Egress) > 0 {
			t.Errorf("default-deny allows %v and %v", deny.Ingress, deny.Egress)
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			if got := deploymentsSelectedBy(t, g, &deny.PodSelector); !slices.Contains(got, d) {
				t.Errorf("default-deny does not select the pods of %s", d.Name)
			}
		}
	})
}

func TestPodsMayQueryDNS(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		dns := objectNamed[*networkingv1.NetworkPolicy](t, g, "allow-dns").Spec
		if len(dns.PodSelector.MatchLabels) > 0 || len(dns.Ingress) > 0 || len(dns.Egress) != 1 || len(dns.Egress[0].To) != 2 {
			t.Fatalf("allow-dns is %+v, want one egress rule with two peers for every pod", dns)
		}
		var got []string
		for _, p := range dns.Egress[0].Ports {
			got = append(got, string(*p.Protocol)+" "+p.Port.String())
		}
		if want := []string{"TCP 53", "UDP 53"}; !slices.Equal(sorted(got), want) {
			t.Errorf("allow-dns allows %v, want %v", got, want)
		}
		to := dns.Egress[0].To[0]
		if to.PodSelector == nil || to.NamespaceSelector == nil {
			t.Errorf("allow-dns allows every pod of a namespace or label, want only the cluster's DNS: %+v", to)
		}
		// NodeLocal DNSCache is on the host's network. A range that is wider would have the node's metadata service in it.
		if cache := dns.Egress[0].To[1]; cache.IPBlock == nil || cache.IPBlock.CIDR != "169.254.20.10/32" {
			t.Errorf("allow-dns allows %+v, want the address of NodeLocal DNSCache, 169.254.20.10/32", cache)
		}
	})
}

// A number would admit only new pods as soon as gateway.port changes, and only old pods until then.
func TestGatewayIsAdmittedOnThePortThatEachPodListensOn(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, rule := range policiesFor(t, g, objectNamed[*appsv1.Deployment](t, g, "gateway"))[0].Spec.Ingress {
			for _, p := range rule.Ports {
				if p.Port.Type != intstr.String {
					t.Errorf("the gateway's policy admits port %s by number, want the name of the container's port", p.Port)
				}
			}
		}
	})
}

// While model.name changes, old gateways call the old model and new gateways the new one.
func TestGatewayReachesEveryModelOfTheApplication(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		gateway := objectNamed[*appsv1.Deployment](t, g, "gateway")
		for _, rule := range policiesFor(t, g, gateway)[0].Spec.Egress {
			for _, to := range rule.To {
				if to.PodSelector == nil {
					continue
				}
				reached := deploymentsSelectedBy(t, g, to.PodSelector)
				for _, d := range objects[*appsv1.Deployment](g) {
					if got, want := slices.Contains(reached, d), d != gateway; got != want {
						t.Errorf("the gateway reaches %s: %t, want %t", d.Name, got, want)
					}
				}
				if to.PodSelector.MatchLabels["app.kubernetes.io/instance"] != "" {
					t.Errorf("the gateway reaches only models with labels %v", to.PodSelector.MatchLabels)
				}
				// The policy controller of EKS admits the address of a Service if the peer's labels are in the Service's selector.
				service := objectNamed[*corev1.Service](t, g, "tf-serving-"+g.settings.Model.Name)
				for label, value := range to.PodSelector.MatchLabels {
					if service.Spec.Selector[label] != value {
						t.Errorf("the gateway reaches pods with label %s=%s, which is not in the selector of Service %s: the VPC CNI would not admit the Service's address", label, value, service.Name)
					}
				}
			}
		}
	})
}

func TestNetworkPolicyPortsAreContainerPorts(t *testing.T) {
	forEachDeployment(t, func(t *testing.T, g *graph, d *appsv1.Deployment) {
		policies := policiesFor(t, g, d)
		if len(policies) != 1 {
			t.Fatalf("Deployment %s has %d policies of its own, want 1", d.Name, len(policies))
		}
		for _, rule := range policies[0].Spec.Ingress {
			if len(rule.Ports) == 0 {
				t.Errorf("NetworkPolicy %s lets callers reach every port", policies[0].Name)
			}
			for _, p := range rule.Ports {
				containerPort(t, d, *p.Port)
			}
		}
		for _, rule := range policies[0].Spec.Egress {
			if len(rule.Ports) == 0 {
				t.Errorf("NetworkPolicy %s lets its pods call every port", policies[0].Name)
			}
			for _, to := range rule.To {
				if to.PodSelector == nil {
					continue
				}
				for _, callee := range deploymentsSelectedBy(t, g, to.PodSelector) {
					for _, p := range rule.Ports {
						containerPort(t, callee, *p.Port)
						if !admits(t, g, callee, d, *p.Port) {
							t.Errorf("%s may call %s at %s, but the policy of the callee denies it", d.Name, callee.Name, p.Port.String())
						}
					}
				}
			}
		}
	})
}

func TestOnlyTheGatewayMayCallTheModelAndOnlyByGRPC(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		gateway := objectNamed[*appsv1.Deployment](t, g, "gateway")
		for _, d := range objects[*appsv1.Deployment](g) {
			if d == gateway {
				continue
			}
			for _, caller := range objects[*appsv1.Deployment](g) {
				if got, want := admits(t, g, d, caller, intstr.FromInt32(grpcPort)), caller == gateway; got != want {
					t.Errorf("%s admits %s: %t, want %t", d.Name, caller.Name, got, want)
				}
			}
			for _, rule := range policiesFor(t, g, d)[0].Spec.Ingress {
				if len(rule.Ports) != 1 || rule.Ports[0].Port.IntVal != grpcPort {
					t.Errorf("%s admits calls at %v, want only gRPC (%d)", d.Name, rule.Ports, grpcPort)
				}
			}
		}
	})
}

// The gateway fetches pictures from addresses that callers send, so callers can make it call whatever it can reach.
func TestGatewayReachesThePublicWebAndNoPrivateAddress(t *testing.T) {
	reachable := func(rules []networkingv1.NetworkPolicyEgressRule, address string) bool {
		a := netip.MustParseAddr(address)
		for _, rule := range rules {
			for _, to := range rule.To {
				if to.IPBlock != nil && netip.MustParsePrefix(to.IPBlock.CIDR).Contains(a) &&
					!slices.ContainsFunc(to.IPBlock.Except, func(except string) bool { return netip.MustParsePrefix(except).Contains(a) }) {
					return true
				}
			}
		}
		return false
	}
	forEachApplication(t, func(t *testing.T, g *graph) {
		gatewayPolicy := policiesFor(t, g, objectNamed[*appsv1.Deployment](t, g, "gateway"))[0]
		for _, address := range []string{"93.184.216.34", "2606:2800:220:1::1"} {
			if !reachable(gatewayPolicy.Spec.Egress, address) {
				t.Errorf("the gateway cannot fetch a picture from %s", address)
			}
		}
		for what, addresses := range map[string][]string{
			"the instance metadata service": {"169.254.169.254", "fd00:ec2::254"},
			"the Pod Identity agent":        {"169.254.170.23", "fd00:ec2::23"},
			"a private network":             {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "fc00::1", "fdff::1"},
			"itself or its node":            {"127.0.0.1", "0.0.0.0", "::1", "fe80::1"},
			"IPv4 behind NAT64":             {"64:ff9b::a9fe:a9fe"},
			"multicast or reserved":         {"224.0.0.1", "255.255.255.255", "ff02::1"},
		} {
			for _, address := range addresses {
				if reachable(gatewayPolicy.Spec.Egress, address) {
					t.Errorf("the gateway reaches %s, %s", address, what)
				}
			}
		}
		for _, rule := range gatewayPolicy.Spec.Egress {
			for _, to := range rule.To {
				for _, p := range rule.Ports {
					if to.IPBlock != nil && p.Port.IntVal != 80 && p.Port.IntVal != 443 {
						t.Errorf("the gateway reaches port %s of the internet, want only the ports of the web (80, 443)", p.Port.String())
					}
				}
				if to.IPBlock == nil {
					continue
				}
				// The API server rejects an exception that is not within its range.
				for _, except := range to.IPBlock.Except {
					if netip.MustParsePrefix(to.IPBlock.CIDR).Addr().Is4() != netip.MustParsePrefix(except).Addr().Is4() {
						t.Errorf("%s is not part of %s", except, to.IPBlock.CIDR)
					}
				}
			}
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			if d.Name != "gateway" && len(policiesFor(t, g, d)[0].Spec.Egress) > 0 {
				t.Errorf("%s may call others, but a model server needs no calls", d.Name)
			}
		}
	})
}
