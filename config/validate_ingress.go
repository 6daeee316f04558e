package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"tfserving/catalog"
)

func (c *checker) ingress(s *Settings) {
	in := &s.Ingress
	for i, cidr := range in.AllowedCIDRs {
		c.cidr(fmt.Sprintf("ingress.allowedCidrs[%d]", i), cidr)
	}
	if len(validation.IsDNS1123Subdomain(strings.TrimPrefix(in.Host, "*."))) > 0 && in.Host != "" {
		c.failf("ingress.host", "is %q; it must be a host name such as api.example.com, without scheme, port or path", in.Host)
	}
	if len(in.AllowedCIDRs) == 0 {
		if s.Gateway.Service == ServiceLoadBalancer {
			c.failf("ingress.allowedCidrs", "is empty and gateway.service is LoadBalancer; give the ranges that may call the gateway (0.0.0.0/0 for everyone)")
		} else if in.Scheme == SchemeInternetFacing {
			c.failf("ingress.allowedCidrs", "is empty and ingress.scheme is internet-facing; give the ranges that may call the gateway (0.0.0.0/0 for everyone)")
		}
	}
	if s.Gateway.Service == ServiceLoadBalancer {
		for key, value := range map[string]string{"host": in.Host, "certificateArn": in.CertificateARN, "tlsSecret": in.TLSSecret} {
			if value != "" {
				c.failf("ingress."+key, "is set, but gateway.service is LoadBalancer, which makes no Ingress; remove it, or set gateway.service to ClusterIP")
			}
		}
		return
	}
	switch {
	case in.Class == "" && s.Platform == PlatformEKS:
		c.failf("ingress.class", "is missing; platform eks needs alb")
	case in.Class == "":
		c.failf("ingress.class", "is missing; give the IngressClass of the cluster's ingress controller, such as traefik, haproxy or contour (`kubectl get ingressclasses` lists them)")
	case len(validation.IsDNS1123Subdomain(in.Class)) > 0:
		c.failf("ingress.class", "is %q; it must be the name of an IngressClass, such as alb or traefik", in.Class)
	}
	if c.failed("ingress.class") {
		return // the rules below depend on the class
	}
	if len(in.AllowedCIDRs) > 0 && in.Class != catalog.IngressClassALB && in.Class != catalog.IngressClassNginx {
		c.failf("ingress.allowedCidrs", "is set, but ingress.class is %q; the program can limit callers only for classes alb and nginx", in.Class)
	}
	c.certificate(s)
	switch {
	case in.TLSSecret == "":
	case in.Class == catalog.IngressClassALB:
		c.failf("ingress.tlsSecret", "is set, but ingress.class is alb, which uses ACM certificates only: set ingress.certificateArn instead")
	case in.Host == "":
		c.failf("ingress.tlsSecret", "is set, but ingress.host is not; a certificate is for one host: set ingress.host")
	case len(validation.IsDNS1123Subdomain(in.TLSSecret)) > 0:
		c.failf("ingress.tlsSecret", "is %q; it must be the name of a Secret: lower-case letters, digits, - and .", in.TLSSecret)
	}
	if s.Platform == PlatformKubernetes {
		if in.ControllerNamespace == "" {
			c.failf("ingress.controllerNamespace", "is missing; give the namespace of the ingress controller's pods: only they may call the gateway")
		} else {
			c.label("ingress.controllerNamespace", in.ControllerNamespace)
		}
	}
}

// certificateARN matches an ACM certificate. Its groups are region and account.
var certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):(\d{12}):certificate/[A-Za-z0-9-]+$`)

func (c *checker) certificate(s *Settings) {
	const key = "ingress.certificateArn"
	arn := s.Ingress.CertificateARN
	if arn == "" {
		return
	}
	parts := certificateARN.FindStringSubmatch(arn)
	switch {
	case parts == nil:
		c.failf(key, "is %q; it must be the ARN of an ACM certificate, such as arn:aws:acm:eu-west-1:123456789012:certificate/…", arn)
	case s.Ingress.Class != catalog.IngressClassALB:
		c.failf(key, "is set, but ingress.class is %q; only alb uses ACM certificates: set ingress.tlsSecret instead", s.Ingress.Class)
	case s.Platform != PlatformEKS:
		// The region and the account of a cluster that exists are unknown.
	case s.Region != "" && parts[1] != s.Region:
		c.failf(key, "is a certificate in %s, but %s is %s; a load balancer uses only certificates of its own region", parts[1], regionKey, s.Region)
	case len(s.AWS.AllowedAccountIDs) > 0 && !slices.Contains(s.AWS.AllowedAccountIDs, parts[2]):
		c.failf(key, "is a certificate of account %s, which is not in aws.allowedAccountIds; a load balancer uses only certificates of its own account", parts[2])
	}
}
