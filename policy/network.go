package policy

import (
	"fmt"
	"strings"
)

// Types of resources that several rules look at.
const (
	typeCluster    = "aws:eks/cluster:Cluster"
	typeKey        = "aws:kms/key:Key"
	typeRepository = "aws:ecr/repository:Repository"
	typeVPC        = "aws:ec2/vpc:Vpc"
	typeTemplate   = "aws:ec2/launchTemplate:LaunchTemplate"
	typeInstance   = "aws:ec2/instance:Instance"
	typeLaunch     = "aws:ec2/launchConfiguration:LaunchConfiguration"
	typeNodeGroup  = "aws:eks/nodeGroup:NodeGroup"
	typeIngress    = "kubernetes:networking.k8s.io/v1:Ingress"
	typeService    = "kubernetes:core/v1:Service"
	typeRelease    = "kubernetes:helm.sh/v3:Release"
)

// Annotations of the AWS Load Balancer Controller ("Ingress annotations" and "NLB" in its guide).
const (
	albPrefix = "alb.ingress.kubernetes.io/"
	nlbPrefix = "service.beta.kubernetes.io/aws-load-balancer-"
	// nginxRanges is Ingress-NGINX' annotation of who may call.
	nginxRanges = "nginx.ingress.kubernetes.io/whitelist-source-range"
	classALB    = "alb"
	classNLB    = "service.k8s.aws/nlb"
	internal    = "internal"
)

// endpointCIDRs: EKS opens a public endpoint to the world where nobody says to whom, and makes one where nobody says no.
func endpointCIDRs(_ *Stack, r Resource, f *findings) {
	if r.Type != typeCluster {
		return
	}
	public, cidrs := at(r.Inputs, "vpcConfig", "endpointPublicAccess"), at(r.Inputs, "vpcConfig", "publicAccessCidrs")
	if public == false || !f.seen(public, "whether the API has a public endpoint") || !f.seen(cidrs, "who may reach the public endpoint") {
		return
	}
	if len(list(cidrs)) == 0 {
		f.brokenf("the API's public endpoint names no address ranges, so EKS opens it to the world")
	}
}

func openIngress(_ *Stack, r Resource, f *findings) {
	switch r.Type {
	case "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
		rules := at(r.Inputs, "ingress")
		if !f.seen(rules, "the ingress rules") {
			return
		}
		for i, rule := range list(rules) {
			what := fmt.Sprintf("ingress rule %d", i+1)
			f.ranges(what, at(rule, "cidrBlocks"))
			f.ranges(what, at(rule, "ipv6CidrBlocks"))
			f.prefixLists(what, at(rule, "prefixListIds"))
		}
	case "aws:ec2/securityGroupRule:SecurityGroupRule":
		if way := at(r.Inputs, "type"); f.seen(way, "which way the rule goes") && way == "ingress" {
			f.ranges("the ingress rule", at(r.Inputs, "cidrBlocks"))
			f.ranges("the ingress rule", at(r.Inputs, "ipv6CidrBlocks"))
			f.prefixLists("the ingress rule", at(r.Inputs, "prefixListIds"))
		}
	case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
		f.ranges("the ingress rule", at(r.Inputs, "cidrIpv4"))
		f.ranges("the ingress rule", at(r.Inputs, "cidrIpv6"))
		f.prefixLists("the ingress rule", at(r.Inputs, "prefixListId"))
	case typeCluster:
		if at(r.Inputs, "vpcConfig", "endpointPublicAccess") != false {
			f.ranges("the API's public endpoint", at(r.Inputs, "vpcConfig", "publicAccessCidrs"))
		}
	case typeIngress:
		openEntrypoint(r, f)
	case typeService:
		openService(r, f)
	}
}

// prefixLists notes lists of ranges that AWS, or somebody, keeps elsewhere: what is in them is not in the stack, and changes
// without it.
func (f *findings) prefixLists(what string, v any) {
	for _, id := range list(v) {
		if !f.seen(id, what) {
			continue
		}
		*f = append(*f, finding{fmt.Sprintf("%s: open to prefix list %v; which ranges that are cannot be told from the stack", what, id), true})
	}
}

// openEntrypoint looks at what the load balancer of an Ingress lets in. Without a list an ALB lets in whoever reaches it:
// everybody where it is internet-facing, else the network that it is in.
func openEntrypoint(r Resource, f *findings) {
	class := ingressClass(r)
	if !f.seen(class, "the Ingress's class") {
		return
	}
	if class != classALB {
		f.ranges("the Ingress", split(annotation(r, nginxRanges)))
		return
	}
	scheme, ranges := annotation(r, albPrefix+"scheme"), annotation(r, albPrefix+"inbound-cidrs")
	if f.ranges("the Application Load Balancer", split(ranges)); ranges == nil && scheme != nil && scheme != internal && f.seen(scheme, "whether the load balancer is internet-facing") {
		f.brokenf("the Application Load Balancer is %v and says of nobody that they may call, so everybody may", scheme)
	}
}

// openService looks at what a Service's load balancer lets in: by Kubernetes' own default, everybody.
func openService(r Resource, f *findings) {
	kind := at(r.Inputs, "spec", "type")
	if !f.seen(kind, "the Service's type") || kind != "LoadBalancer" {
		return
	}
	scheme, ranges := annotation(r, nlbPrefix+"scheme"), at(r.Inputs, "spec", "loadBalancerSourceRanges")
	if f.ranges("the Service's load balancer", ranges); len(list(ranges)) == 0 && scheme != internal && f.seen(scheme, "whether the load balancer is internet-facing") {
		f.brokenf("the Service's load balancer says of nobody that they may call, so everybody may")
	}
}

func annotation(r Resource, key string) any { return at(r.Inputs, "metadata", "annotations", key) }

// ingressClass is the Ingress's class, by its field or the annotation that came before it.
func ingressClass(r Resource) any {
	if class := at(r.Inputs, "spec", "ingressClassName"); class != nil {
		return class
	}
	return annotation(r, "kubernetes.io/ingress.class")
}

// split makes a list of an annotation that has one in a text.
func split(v any) any {
	s, isText := v.(string)
	if !isText || s == Unknown || s == Secret {
		return v
	}
	var all []any
	for part := range strings.SplitSeq(s, ",") {
		all = append(all, part)
	}
	return all
}
