package policy

import "strings"

// Production is the name of the stack that the rules for production are for.
const Production = "prod"

// holdsState are the types whose loss nobody could make good, or that everything else is in.
var holdsState = map[string]string{
	typeVPC:        "everything is in it",
	typeCluster:    "it holds the cluster's objects",
	typeKey:        "what it encrypted cannot be read without it",
	typeRepository: "new pods pull their images from it",
}

func prodProtected(s *Stack, r Resource, f *findings) {
	if why, holds := holdsState[r.Type]; holds && s.Name == Production && !r.Protect {
		f.brokenf("the resource may be deleted, and %s", why)
	}
}

// deletionProtection is the attribute of a load balancer that AWS does not delete.
const deletionProtection = "deletion_protection.enabled=true"

func prodBalancerProtected(s *Stack, r Resource, f *findings) {
	if s.Name != Production {
		return
	}
	var attributes any
	switch {
	case r.Type == typeIngress && ingressClass(r) == classALB:
		attributes = annotation(r, albPrefix+"load-balancer-attributes")
	case r.Type == typeService && at(r.Inputs, "spec", "loadBalancerClass") == classNLB:
		attributes = annotation(r, nlbPrefix+"attributes")
	default:
		return
	}
	if f.seen(attributes, "whether AWS may delete the load balancer") && !strings.Contains(text(attributes), deletionProtection) {
		f.brokenf("the load balancer may be deleted, and callers know its address: its attributes lack %s", deletionProtection)
	}
}

func prodPrivateEndpoint(s *Stack, r Resource, f *findings) {
	if r.Type != typeCluster || s.Name != Production {
		return
	}
	public, private := at(r.Inputs, "vpcConfig", "endpointPublicAccess"), at(r.Inputs, "vpcConfig", "endpointPrivateAccess")
	if f.seen(public, "whether the API has a public endpoint") && public != false {
		f.brokenf("the API has a public endpoint")
	}
	if f.seen(private, "whether the API has a private endpoint") && private != true {
		f.brokenf("the API has no private endpoint")
	}
}
