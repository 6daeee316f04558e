package program

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/internal/mockengine"
)

func TestTheAPIEndpointIsOpenToWhomASettingNames(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		eks, named := g.only(t, mockengine.Cluster), g.settings.Cluster.PublicAccessCIDRs
		if eks.input("endpointPrivateAccess") != true {
			t.Errorf("nodes have no way to the API server inside the VPC")
		}
		if open := eks.input("endpointPublicAccess"); open != (len(named) > 0) {
			t.Errorf("the public endpoint is open: %v, and the settings name %v", open, named)
		}
		// Left out, an open endpoint is open to everyone.
		if got := eks.list("publicAccessCidrs"); !slices.Equal(got, named) {
			t.Errorf("the public endpoint admits %v, and the settings name %v", got, named)
		}
		for _, cidr := range eks.list("publicAccessCidrs") {
			if slices.Contains(everyone, cidr) && !g.settings.Cluster.AllowWorld {
				t.Errorf("the public endpoint admits %s, and allowWorld is not set", cidr)
			}
		}
	})
}

func TestNoSecurityGroupAdmitsCallersFromOutsideTheVPC(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		vpc := netip.MustParsePrefix(g.settings.Network.CIDR)
		for _, r := range g.onAWS() {
			switch r.TypeToken {
			case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
				from, err := netip.ParsePrefix(r.text("cidrIpv4"))
				if err != nil || !vpc.Contains(from.Addr()) || from.Bits() < vpc.Bits() {
					t.Errorf("%s admits %q %q %q, want the VPC's addresses alone (%s)", r, r.text("cidrIpv4"), r.text("cidrIpv6"), r.text("prefixListId"), vpc)
				}
				if r.input("cidrIpv6") != nil || r.input("prefixListId") != nil {
					t.Errorf("%s admits more than an IPv4 range", r)
				}
				if r.text("ipProtocol") == "-1" || r.input("fromPort") == nil {
					t.Errorf("%s admits every protocol or port", r)
				}
			case "aws:ec2/securityGroup:SecurityGroup":
				if r.input("ingress") != nil || r.input("egress") != nil {
					t.Errorf("%s has rules of its own, which no rule here looks at", r)
				}
			case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
				for _, way := range []string{"ingress", "egress"} {
					if rules, said := r.input(way).([]any); !said || len(rules) > 0 {
						t.Errorf("the default security group's %s is %v, want an empty list, said", way, r.input(way))
					}
				}
			case "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule":
				t.Errorf("%s is of a type that no rule here looks at", r)
			}
		}
		g.only(t, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
	})
}

func TestWhatRunsIsInPrivateSubnets(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		public := g.public()
		if len(public) != g.settings.Network.Zones {
			t.Errorf("%d subnets have a route to the internet gateway, want one in each of %d zones", len(public), g.settings.Network.Zones)
		}
		for _, s := range g.ofType("aws:ec2/subnet:Subnet") {
			if s.input("mapPublicIpOnLaunch") != nil || s.input("assignIpv6AddressOnCreation") != nil {
				t.Errorf("%s gives public addresses to what is started in it", s)
			}
			tags := tagsOf(s.input("tags"))
			if tags["kubernetes.io/role/elb"] != "" != public[s.Name] || tags["kubernetes.io/role/internal-elb"] != "" == public[s.Name] {
				t.Errorf("%s is public: %t, and the load balancer controller is told %v", s, public[s.Name], tags)
			}
		}
		private := func(r *registered, key string) {
			ids := r.list(key)
			if len(ids) != g.settings.Network.Zones {
				t.Errorf("%s is in subnets %v, want one in each of %d zones", r, ids, g.settings.Network.Zones)
			}
			for _, id := range ids {
				if public[nameOf(id)] {
					t.Errorf("%s is in %s, which has a route to the internet gateway", r, nameOf(id))
				}
			}
		}
		private(g.only(t, mockengine.Cluster), "subnetIds")
		for _, r := range g.ofType("aws:eks/nodeGroup:NodeGroup") {
			private(r, "subnetIds")
			if r.input("remoteAccess") != nil {
				t.Errorf("%s opens SSH", r)
			}
		}
		for _, r := range g.ofType("aws:ec2/launchTemplate:LaunchTemplate") {
			for _, key := range []string{"networkInterfaces", "vpcSecurityGroupIds", "keyName"} {
				if r.input(key) != nil {
					t.Errorf("%s sets %s: the subnet and EKS decide", r, key)
				}
			}
		}
		for _, r := range g.ofType("aws:ec2/vpcEndpoint:VpcEndpoint") {
			if r.text("vpcEndpointType") == "Interface" {
				private(r, "subnetIds")
			}
		}
		// Public addresses are those of NAT gateways, which take no calls.
		nats := map[string]bool{}
		for _, r := range g.ofType("aws:ec2/natGateway:NatGateway") {
			nats[r.text("allocationId")] = true
		}
		for _, r := range g.ofType("aws:ec2/eip:Eip") {
			if !nats[mockengine.ID(r.MockResourceArgs)] {
				t.Errorf("%s is a public address of no NAT gateway", r)
			}
		}
	})
}

func TestTheLoadBalancerIsInternetFacingOnlyWithCallersNamed(t *testing.T) {
	const nlb = "service.beta.kubernetes.io/aws-load-balancer-"
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		in, doors := g.settings.Ingress, 0
		door := func(what, scheme string, callers []string) {
			doors++
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
			if text := i.Annotations["alb.ingress.kubernetes.io/inbound-cidrs"]; text != "" {
				callers = strings.Split(text, ",")
			}
			door("Ingress "+i.Name, i.Annotations["alb.ingress.kubernetes.io/scheme"], callers)
		}
		for _, s := range objects[*corev1.Service](g) {
			if s.Spec.Type == corev1.ServiceTypeNodePort {
				t.Errorf("Service %s opens a port on every node", s.Name)
			}
			if s.Spec.Type != corev1.ServiceTypeLoadBalancer {
				continue
			}
			door("Service "+s.Name, s.Annotations[nlb+"scheme"], s.Spec.LoadBalancerSourceRanges)
			// Another class is another controller's, or the old one inside of Kubernetes, which knows no such annotations.
			if class := s.Spec.LoadBalancerClass; class == nil || *class != "service.k8s.aws/nlb" {
				t.Errorf("Service %s has load balancer class %v", s.Name, class)
			}
		}
		if doors != 1 {
			t.Errorf("there are %d ways in, want 1", doors)
		}
	})
}
