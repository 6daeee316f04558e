package policy

import (
	"cmp"
	"fmt"
	"strings"

	"tfserving/catalog"
	"tfserving/resource"
)

// Types that only the rules look at.
const (
	instance            = "aws:ec2/instance:Instance"
	launchConfiguration = "aws:ec2/launchConfiguration:LaunchConfiguration"
)

// Annotations of an Ingress.
const (
	nginxRanges     = "nginx.ingress.kubernetes.io/whitelist-source-range" // ingress-nginx: who may call
	classAnnotation = "kubernetes.io/ingress.class"                        // older than spec.ingressClassName
)

// internal is the scheme of a load balancer that only its network reaches.
const internal = "internal"

// endpointCIDRs checks that a public endpoint lists who may reach it. EKS defaults to a public endpoint open to 0.0.0.0/0.
func endpointCIDRs(_ *Stack, r resource.Resource, f *findings) {
	public, cidrs := resource.At(r.Inputs, "vpcConfig", "endpointPublicAccess"), resource.At(r.Inputs, "vpcConfig", "publicAccessCidrs")
	if public == false || !f.visible(public, "whether the API has a public endpoint") || !f.visible(cidrs, "who may reach the public endpoint") {
		return
	}
	if len(list(cidrs)) == 0 {
		f.brokenf("the API's public endpoint names no address ranges, so EKS opens it to 0.0.0.0/0")
	}
}

func openIngress(_ *Stack, r resource.Resource, f *findings) {
	switch r.Type {
	case resource.SecurityGroup, resource.DefaultSecurityGroup:
		rules := resource.At(r.Inputs, "ingress")
		if !f.visible(rules, "the ingress rules") {
			return
		}
		for i, rule := range list(rules) {
			what := fmt.Sprintf("ingress rule %d", i+1)
			f.ranges(what, resource.At(rule, "cidrBlocks"))
			f.ranges(what, resource.At(rule, "ipv6CidrBlocks"))
			f.prefixLists(what, resource.At(rule, "prefixListIds"))
		}
	case resource.SecurityGroupRule:
		if direction := resource.At(r.Inputs, "type"); f.visible(direction, "whether the rule is for ingress") && direction == "ingress" {
			f.ranges("the ingress rule", resource.At(r.Inputs, "cidrBlocks"))
			f.ranges("the ingress rule", resource.At(r.Inputs, "ipv6CidrBlocks"))
			f.prefixLists("the ingress rule", resource.At(r.Inputs, "prefixListIds"))
		}
	case resource.SecurityGroupIngressRule:
		f.ranges("the ingress rule", resource.At(r.Inputs, "cidrIpv4"))
		f.ranges("the ingress rule", resource.At(r.Inputs, "cidrIpv6"))
		f.prefixLists("the ingress rule", resource.At(r.Inputs, "prefixListId"))
	case resource.EKSCluster:
		if resource.At(r.Inputs, "vpcConfig", "endpointPublicAccess") != false {
			f.ranges("the API's public endpoint", resource.At(r.Inputs, "vpcConfig", "publicAccessCidrs"))
		}
	case resource.Ingress:
		openLoadBalancer(r, f)
	case resource.Service:
		openService(r, f)
	}
}

// prefixLists adds a warning for each prefix list. Its ranges are not in the stack and change without it.
func (f *findings) prefixLists(what string, v any) {
	for _, id := range list(v) {
		if !f.visible(id, what) {
			continue
		}
		f.warnf("%s: open to prefix list %v, whose ranges are not in the stack", what, id)
	}
}

// openLoadBalancer checks who may call the load balancer of an Ingress. Without inbound-cidrs, an internet-facing ALB accepts
// calls from everybody, and an internal one from its network.
func openLoadBalancer(r resource.Resource, f *findings) {
	class := ingressClass(r)
	if !f.visible(class, "the Ingress's class") {
		return
	}
	if class != catalog.IngressClassALB {
		f.ranges("the Ingress", split(annotation(r, nginxRanges)))
		return
	}
	scheme, ranges := annotation(r, resource.ALBAnnotation+"scheme"), annotation(r, resource.ALBAnnotation+"inbound-cidrs")
	if f.ranges("the Application Load Balancer", split(ranges)); ranges == nil && scheme != nil && scheme != internal && f.visible(scheme, "whether the load balancer is internet-facing") {
		f.brokenf("the Application Load Balancer is %v and does not list who may call it, so everybody may", scheme)
	}
}

// openService checks who may call a Service's load balancer. Kubernetes' default is everybody.
func openService(r resource.Resource, f *findings) {
	kind := resource.At(r.Inputs, "spec", "type")
	if !f.visible(kind, "the Service's type") || kind != "LoadBalancer" {
		return
	}
	scheme, ranges := annotation(r, resource.NLBAnnotation+"scheme"), resource.At(r.Inputs, "spec", "loadBalancerSourceRanges")
	if f.ranges("the Service's load balancer", ranges); len(list(ranges)) == 0 && scheme != internal && f.visible(scheme, "whether the load balancer is internet-facing") {
		f.brokenf("the Service's load balancer does not list who may call it, so everybody may")
	}
}

func annotation(r resource.Resource, key string) any {
	return resource.At(r.Inputs, "metadata", "annotations", key)
}

// ingressClass is an Ingress's class, from its field or from the older annotation.
func ingressClass(r resource.Resource) any {
	return cmp.Or(resource.At(r.Inputs, "spec", "ingressClassName"), annotation(r, classAnnotation))
}

// split returns the list that an annotation has as a text with commas.
func split(v any) any {
	s, isText := v.(string)
	if !isText || s == resource.Unknown || s == resource.Secret {
		return v
	}
	var all []any
	for part := range strings.SplitSeq(s, ",") {
		all = append(all, part)
	}
	return all
}
