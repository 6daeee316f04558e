package program

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// wholeInternet are the ranges of all IPv4 and all IPv6 addresses.
var wholeInternet = []string{"0.0.0.0/0", "::/0"}

func TestApplicationAdmitsOnlyTheCallersOfTheSettings(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		allowed := g.settings.Ingress.AllowedCIDRs
		for _, s := range objects[*corev1.Service](g) {
			want := corev1.ServiceTypeClusterIP
			if s.Name == "gateway" && g.settings.Gateway.Service == "LoadBalancer" {
				want = corev1.ServiceTypeLoadBalancer
				if !slices.Equal(s.Spec.LoadBalancerSourceRanges, allowed) {
					t.Errorf("the load balancer admits %v, want %v", s.Spec.LoadBalancerSourceRanges, allowed)
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
					t.Errorf("NetworkPolicy %s admits callers from any address", p.Name)
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
					// AWS's load balancers call from addresses in the VPC, and admit only the callers that the settings allow.
					fromLoadBalancer := (g.settings.Ingress.Class == "alb" || g.settings.Platform == config.PlatformEKS) && from.IPBlock.CIDR == g.settings.Network.CIDR
					if !slices.Contains(allowed, from.IPBlock.CIDR) && !fromLoadBalancer {
						t.Errorf("NetworkPolicy %s admits %s, which no setting allows", p.Name, from.IPBlock.CIDR)
					}
				}
			}
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			for key, value := range in.Annotations {
				for _, cidr := range wholeInternet {
					if strings.Contains(value, cidr) && !slices.Contains(allowed, cidr) {
						t.Errorf("Ingress %s: %s is %q, which no setting allows", in.Name, key, value)
					}
				}
			}
			scheme := in.Annotations[resource.ALBAnnotation+"scheme"]
			if *in.Spec.IngressClassName == "alb" && scheme != g.settings.Ingress.Scheme {
				t.Errorf("Ingress %s has scheme %q, want %q", in.Name, scheme, g.settings.Ingress.Scheme)
			}
		}
	})
}

func TestAPIEndpointAdmitsOnlyTheRangesOfTheSettings(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		eksCluster, allowed := g.single(t, mockengine.Cluster), g.settings.Cluster.PublicAccessCIDRs
		if eksCluster.input("endpointPrivateAccess") != true {
			t.Errorf("the API server has no endpoint inside the VPC, so nodes cannot reach it")
		}
		if open := eksCluster.input("endpointPublicAccess"); open != (len(allowed) > 0) {
			t.Errorf("the endpoint is public: %v, but the settings allow %v", open, allowed)
		}
		// Without a list, EKS opens a public endpoint to 0.0.0.0/0.
		if got := eksCluster.list("publicAccessCidrs"); !slices.Equal(got, allowed) {
			t.Errorf("the public endpoint admits %v, want %v", got, allowed)
		}
		for _, cidr := range eksCluster.list("publicAccessCidrs") {
			if slices.Contains(wholeInternet, cidr) && !g.settings.Cluster.AllowWorld {
				t.Errorf("the public endpoint admits %s, but cluster.allowWorld is not set", cidr)
			}
		}
	})
}

func TestLoadBalancerAdmitsOnlyTheRangesOfTheSettings(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		in, balancers := g.settings.Ingress, 0
		check := func(what, scheme string, callers []string) {
			balancers++
			if scheme != in.Scheme {
				t.Errorf("%s has scheme %q, want %q", what, scheme, in.Scheme)
			}
			if !slices.Equal(callers, in.AllowedCIDRs) {
				t.Errorf("%s admits %v, want %v", what, callers, in.AllowedCIDRs)
			}
			if scheme == "internet-facing" && len(callers) == 0 {
				t.Errorf("%s is open to the internet", what)
			}
		}
		for _, i := range objects[*networkingv1.Ingress](g) {
			var callers []string
			if text := i.Annotations[resource.ALBAnnotation+"inbound-cidrs"]; text != "" {
				callers = strings.Split(text, ",")
			}
			check("Ingress "+i.Name, i.Annotations[resource.ALBAnnotation+"scheme"], callers)
		}
		for _, s := range objects[*corev1.Service](g) {
			if s.Spec.Type == corev1.ServiceTypeNodePort {
				t.Errorf("Service %s opens a port on every node", s.Name)
			}
			if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
				continue
			}
			check("Service "+s.Name, s.Annotations[resource.NLBAnnotation+"scheme"], s.Spec.LoadBalancerSourceRanges)
			// With any other class, another controller would make the load balancer and ignore these annotations.
			if class := s.Spec.LoadBalancerClass; class == nil || *class != "service.k8s.aws/nlb" {
				t.Errorf("Service %s has load balancer class %v", s.Name, class)
			}
		}
		if balancers != 1 {
			t.Errorf("the gateway has %d load balancers, want 1", balancers)
		}
	})
}
