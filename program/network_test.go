package program

import (
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"tfserving/config"
)

// containerPort is the port that a name stands for in a Deployment's pods.
func containerPort(t *testing.T, d *appsv1.Deployment, name intstr.IntOrString) int32 {
	t.Helper()
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, p := range c.Ports {
			if name.Type == intstr.String && p.Name == name.StrVal || name.Type == intstr.Int && p.ContainerPort == name.IntVal {
				return p.ContainerPort
			}
		}
	}
	t.Errorf("Deployment %s has no container port %s", d.Name, name.String())
	return 0
}

func servicePort(t *testing.T, s *corev1.Service, is func(corev1.ServicePort) bool) corev1.ServicePort {
	t.Helper()
	i := slices.IndexFunc(s.Spec.Ports, is)
	if i < 0 {
		t.Fatalf("Service %s has ports %v, not the one asked for", s.Name, s.Spec.Ports)
	}
	return s.Spec.Ports[i]
}

func TestPortsLineUpFromTheIngressToTheContainer(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, in := range objects[*networkingv1.Ingress](g) {
			for _, rule := range in.Spec.Rules {
				for _, p := range rule.HTTP.Paths {
					service := find[*corev1.Service](t, g, p.Backend.Service.Name)
					port := servicePort(t, service, func(sp corev1.ServicePort) bool { return sp.Name == p.Backend.Service.Port.Name })
					d := selected(t, g, &metav1.LabelSelector{MatchLabels: service.Spec.Selector})[0]
					if got := containerPort(t, d, port.TargetPort); got != int32(g.settings.Gateway.Port) {
						t.Errorf("Ingress %s ends at port %d of %s, and the gateway listens on %d", in.Name, got, d.Name, g.settings.Gateway.Port)
					}
				}
			}
		}
		for _, s := range objects[*corev1.Service](g) {
			d := selected(t, g, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})[0]
			for _, p := range s.Spec.Ports {
				if p.TargetPort.Type != intstr.String {
					t.Errorf("Service %s targets port %s by number, so a changed container port would go unnoticed", s.Name, p.TargetPort.String())
				}
				containerPort(t, d, p.TargetPort)
			}
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			for _, c := range d.Spec.Template.Spec.Containers {
				for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
					if p != nil {
						containerPort(t, d, probedPort(p))
					}
				}
			}
		}
	})
}

func TestTheGatewayIsGivenTheModelServicesAddress(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		model := g.settings.Model.Name
		address := environment(find[*appsv1.Deployment](t, g, "gateway"))["TF_SERVING_HOST"]
		if address != g.endpoint {
			t.Errorf("TF_SERVING_HOST is %q and the output modelEndpoint %q", address, g.endpoint)
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		service := find[*corev1.Service](t, g, "tf-serving-"+model)
		if want := service.Name + "." + service.Namespace + ".svc"; host != want && !strings.HasPrefix(host, want+".") {
			t.Errorf("TF_SERVING_HOST is %q, want the Service %s", address, want)
		}
		number, _ := strconv.Atoi(port)
		p := servicePort(t, service, func(sp corev1.ServicePort) bool { return sp.Port == int32(number) })
		if got := containerPort(t, find[*appsv1.Deployment](t, g, service.Name), p.TargetPort); got != 8500 {
			t.Errorf("TF_SERVING_HOST ends at container port %d; TF-Serving's gRPC port is 8500", got)
		}
	})
}

// governing are the policies that hold for a Deployment's pods and not for all.
func governing(t *testing.T, g *graph, d *appsv1.Deployment) []*networkingv1.NetworkPolicy {
	var all []*networkingv1.NetworkPolicy
	for _, p := range objects[*networkingv1.NetworkPolicy](g) {
		if len(p.Spec.PodSelector.MatchLabels) > 0 && slices.Contains(selected(t, g, &p.Spec.PodSelector), d) {
			all = append(all, p)
		}
	}
	return all
}

func TestNetworkPolicyPortsAreContainerPorts(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			policies := governing(t, g, d)
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
					for _, callee := range selected(t, g, to.PodSelector) {
						for _, p := range rule.Ports {
							containerPort(t, callee, *p.Port)
							if !admits(t, g, callee, d, *p.Port) {
								t.Errorf("%s may call %s at %s, whose own policy refuses it", d.Name, callee.Name, p.Port.String())
							}
						}
					}
				}
			}
		}
	})
}

func admits(t *testing.T, g *graph, callee, caller *appsv1.Deployment, port intstr.IntOrString) bool {
	for _, policy := range governing(t, g, callee) {
		for _, rule := range policy.Spec.Ingress {
			for _, from := range rule.From {
				if from.PodSelector != nil && slices.Contains(selected(t, g, from.PodSelector), caller) &&
					slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return *p.Port == port }) {
					return true
				}
			}
		}
	}
	return false
}

func TestOnlyTheGatewayMayCallTheModelAndAtGRPCAlone(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		gateway := find[*appsv1.Deployment](t, g, "gateway")
		for _, d := range objects[*appsv1.Deployment](g) {
			if d == gateway {
				continue
			}
			for _, caller := range objects[*appsv1.Deployment](g) {
				if got, want := admits(t, g, d, caller, intstr.FromInt32(8500)), caller == gateway; got != want {
					t.Errorf("%s admits %s: %t, want %t", d.Name, caller.Name, got, want)
				}
			}
			for _, rule := range governing(t, g, d)[0].Spec.Ingress {
				if len(rule.Ports) != 1 || rule.Ports[0].Port.IntVal != 8500 {
					t.Errorf("%s can be called at %v, want gRPC (8500) alone", d.Name, rule.Ports)
				}
			}
		}
	})
}

func TestEveryPodIsDeniedBothWaysByDefault(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		deny := find[*networkingv1.NetworkPolicy](t, g, "default-deny").Spec
		if len(deny.PodSelector.MatchLabels)+len(deny.PodSelector.MatchExpressions) > 0 {
			t.Errorf("default-deny selects %v, want every pod", deny.PodSelector)
		}
		if !slices.Contains(deny.PolicyTypes, networkingv1.PolicyTypeIngress) || !slices.Contains(deny.PolicyTypes, networkingv1.PolicyTypeEgress) {
			t.Errorf("default-deny is for %v, want both ways", deny.PolicyTypes)
		}
		if len(deny.Ingress)+len(deny.Egress) > 0 {
			t.Errorf("default-deny allows %v and %v", deny.Ingress, deny.Egress)
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			if got := selected(t, g, &deny.PodSelector); !slices.Contains(got, d) {
				t.Errorf("default-deny does not select the pods of %s", d.Name)
			}
		}
	})
}

func TestEveryPodMayAskDNS(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		dns := find[*networkingv1.NetworkPolicy](t, g, "allow-dns").Spec
		if len(dns.PodSelector.MatchLabels) > 0 || len(dns.Ingress) > 0 || len(dns.Egress) != 1 || len(dns.Egress[0].To) != 1 {
			t.Fatalf("allow-dns is %+v, want one way out for every pod", dns)
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
			t.Errorf("allow-dns allows every pod of a namespace or label, want the cluster's DNS alone: %+v", to)
		}
	})
}

// everyone are the address ranges that stand for every address there is.
var everyone = []string{"0.0.0.0/0", "::/0"}

func TestNothingIsOpenUnlessASettingSaysSo(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		said := g.settings.Ingress.AllowedCIDRs
		for _, s := range objects[*corev1.Service](g) {
			want := corev1.ServiceTypeClusterIP
			if s.Name == "gateway" && g.settings.Gateway.Service == "LoadBalancer" {
				want = corev1.ServiceTypeLoadBalancer
				if !slices.Equal(s.Spec.LoadBalancerSourceRanges, said) {
					t.Errorf("the load balancer admits %v, want %v", s.Spec.LoadBalancerSourceRanges, said)
				}
			}
			if s.Spec.Type != want {
				t.Errorf("Service %s is a %s, want %s", s.Name, s.Spec.Type, want)
			}
			if len(s.Spec.ExternalIPs) > 0 {
				t.Errorf("Service %s has external addresses", s.Name)
			}
			for _, p := range s.Spec.Ports {
				if p.NodePort != 0 {
					t.Errorf("Service %s opens port %d on every node", s.Name, p.NodePort)
				}
			}
		}
		for _, p := range objects[*networkingv1.NetworkPolicy](g) {
			for _, rule := range p.Spec.Ingress {
				if len(rule.From) == 0 {
					t.Errorf("NetworkPolicy %s admits callers from everywhere", p.Name)
				}
				for _, from := range rule.From {
					if from.IPBlock == nil {
						if from.NamespaceSelector != nil && len(from.NamespaceSelector.MatchLabels) == 0 {
							t.Errorf("NetworkPolicy %s admits every namespace", p.Name)
						}
						if from.PodSelector != nil && len(from.PodSelector.MatchLabels) == 0 {
							t.Errorf("NetworkPolicy %s admits every pod", p.Name)
						}
						continue
					}
					// AWS's load balancers call from addresses of the VPC, and themselves admit whom the settings name.
					fromAWS := (g.settings.Ingress.Class == "alb" || g.settings.Platform == config.PlatformEKS) && from.IPBlock.CIDR == g.settings.Network.CIDR
					if !slices.Contains(said, from.IPBlock.CIDR) && !fromAWS {
						t.Errorf("NetworkPolicy %s admits %s, which no setting names", p.Name, from.IPBlock.CIDR)
					}
				}
			}
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			for key, value := range in.Annotations {
				for _, cidr := range everyone {
					if strings.Contains(value, cidr) && !slices.Contains(said, cidr) {
						t.Errorf("Ingress %s: %s is %q, which no setting names", in.Name, key, value)
					}
				}
			}
			scheme := in.Annotations["alb.ingress.kubernetes.io/scheme"]
			if *in.Spec.IngressClassName == "alb" && scheme != g.settings.Ingress.Scheme {
				t.Errorf("Ingress %s has scheme %q, want %q", in.Name, scheme, g.settings.Ingress.Scheme)
			}
		}
	})
}

func TestTheIngressControllerIsToldWhoMayCallAndItsCertificate(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		set := g.settings.Ingress
		for _, in := range objects[*networkingv1.Ingress](g) {
			want := map[string]string{}
			cidrs := strings.Join(set.AllowedCIDRs, ",")
			switch set.Class {
			case "alb":
				want["alb.ingress.kubernetes.io/inbound-cidrs"] = cidrs
				want["alb.ingress.kubernetes.io/certificate-arn"] = set.CertificateARN
				want["alb.ingress.kubernetes.io/target-type"] = "ip"
				want["alb.ingress.kubernetes.io/success-codes"] = "405"
				if set.CertificateARN != "" {
					want["alb.ingress.kubernetes.io/ssl-redirect"] = "443"
				}
				want["alb.ingress.kubernetes.io/healthcheck-path"] = "/predict"
				if p := g.settings.Gateway.HealthPath; p != "" {
					want["alb.ingress.kubernetes.io/healthcheck-path"] = p
					want["alb.ingress.kubernetes.io/success-codes"] = ""
				}
			case "nginx":
				want["nginx.ingress.kubernetes.io/whitelist-source-range"] = cidrs
			}
			for key, value := range want {
				got, set := in.Annotations[key]
				if got != value {
					t.Errorf("annotation %s is %q, want %q", key, got, value)
				}
				if set && got == "" {
					t.Errorf("annotation %s is empty, want none", key)
				}
			}
			if *in.Spec.IngressClassName != set.Class {
				t.Errorf("the class is %q, want %q", *in.Spec.IngressClassName, set.Class)
			}
			if got := in.Spec.Rules[0].Host; got != set.Host {
				t.Errorf("the host is %q, want %q", got, set.Host)
			}
			if set.TLSSecret == "" {
				if len(in.Spec.TLS) > 0 {
					t.Errorf("TLS is %v, want none", in.Spec.TLS)
				}
			} else if len(in.Spec.TLS) != 1 || in.Spec.TLS[0].SecretName != set.TLSSecret || !slices.Equal(in.Spec.TLS[0].Hosts, []string{set.Host}) {
				t.Errorf("TLS is %v, want Secret %s for %s", in.Spec.TLS, set.TLSSecret, set.Host)
			}
			delay := "deregistration_delay.timeout_seconds=" + strconv.Itoa(int(g.settings.Gateway.DrainTime.Seconds()))
			if attributes := in.Annotations["alb.ingress.kubernetes.io/target-group-attributes"]; set.Class == "alb" && attributes != delay {
				t.Errorf("the target group has %q, want %q: a pod serves for as long as its target leaves", attributes, delay)
			}
		}
	})
}

// The gateway fetches pictures from addresses that callers give, so what it can reach, callers can make it ask.
func TestTheGatewayReachesTheInternetAndNothingNear(t *testing.T) {
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
	everywhere(t, func(t *testing.T, g *graph) {
		policy := governing(t, g, find[*appsv1.Deployment](t, g, "gateway"))[0]
		for _, address := range []string{"93.184.216.34", "2606:2800:220:1::1"} {
			if !reachable(policy.Spec.Egress, address) {
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
				if reachable(policy.Spec.Egress, address) {
					t.Errorf("the gateway reaches %s, %s", address, what)
				}
			}
		}
		for _, rule := range policy.Spec.Egress {
			for _, to := range rule.To {
				for _, p := range rule.Ports {
					if to.IPBlock != nil && p.Port.IntVal != 80 && p.Port.IntVal != 443 {
						t.Errorf("the gateway reaches port %s of the internet, want the web's (80, 443) alone", p.Port.String())
					}
				}
				if to.IPBlock == nil {
					continue
				}
				// The API server refuses an exception that is not inside its range.
				for _, except := range to.IPBlock.Except {
					if netip.MustParsePrefix(to.IPBlock.CIDR).Addr().Is4() != netip.MustParsePrefix(except).Addr().Is4() {
						t.Errorf("%s is not part of %s", except, to.IPBlock.CIDR)
					}
				}
			}
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			if d.Name != "gateway" && len(governing(t, g, d)[0].Spec.Egress) > 0 {
				t.Errorf("%s may call others; a model server has nobody to call", d.Name)
			}
		}
	})
}

func environment(d *appsv1.Deployment) map[string]string {
	env := map[string]string{}
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		env[e.Name] = e.Value
	}
	return env
}

func TestContainersGetTheirEnvironment(t *testing.T) {
	everywhere(t, func(t *testing.T, g *graph) {
		for _, d := range objects[*appsv1.Deployment](g) {
			want := g.settings.Model.Environment
			if d.Name == "gateway" {
				want = g.settings.Gateway.Environment
			}
			env := d.Spec.Template.Spec.Containers[0].Env
			if len(env) != len(want)+1 || len(env) != len(environment(d)) {
				t.Errorf("%s has %d variables, want the %d that are set and one of its own, each once", d.Name, len(env), len(want))
			}
			for name, value := range want {
				if got := environment(d)[name]; got != value {
					t.Errorf("%s: %s is %q, want %q", d.Name, name, got, value)
				}
			}
			if model := strings.TrimPrefix(d.Name, "tf-serving-"); d.Name != "gateway" {
				if got := environment(d)["MODEL_NAME"]; got != model {
					t.Errorf("%s: MODEL_NAME is %q, want %q", d.Name, got, model)
				}
				if got := path.Base(d.Spec.Template.Spec.Containers[0].StartupProbe.HTTPGet.Path); got != model {
					t.Errorf("%s is asked for model %q, want %q", d.Name, got, model)
				}
			}
		}
	})
}
