package policy

import (
	"strings"

	"tfserving/catalog"
	"tfserving/resource"
)

// Production is the stack to which the rules for production apply.
const Production = "prod"

// irreplaceable has the types that must be protected in production, and why.
var irreplaceable = map[string]string{
	resource.VPC:        "every other resource is in it",
	resource.EKSCluster: "it holds the cluster's objects",
	resource.KMSKey:     "what it encrypted cannot be read without it",
	resource.Repository: "new pods pull their images from it",
}

func prodProtected(s *Stack, r resource.Resource, f *findings) {
	if why, is := irreplaceable[r.Type]; is && s.Name == Production && !r.Protect {
		f.brokenf("Pulumi may delete the resource, and %s", why)
	}
}

// deletionProtection is the attribute with which AWS refuses to delete a load balancer.
const deletionProtection = "deletion_protection.enabled=true"

func prodBalancerProtected(s *Stack, r resource.Resource, f *findings) {
	if s.Name != Production {
		return
	}
	var attributes any
	switch {
	case r.Type == resource.Ingress && ingressClass(r) == catalog.IngressClassALB:
		attributes = annotation(r, resource.ALBAnnotation+"load-balancer-attributes")
	case r.Type == resource.Service && resource.At(r.Inputs, "spec", "loadBalancerClass") == catalog.LoadBalancerClassNLB:
		attributes = annotation(r, resource.NLBAnnotation+"attributes")
	default:
		return
	}
	if f.visible(attributes, "whether AWS may delete the load balancer") && !strings.Contains(text(attributes), deletionProtection) {
		f.brokenf("AWS may delete the load balancer, and callers use its address: its attributes lack %s", deletionProtection)
	}
}

func prodPrivateEndpoint(s *Stack, r resource.Resource, f *findings) {
	if s.Name != Production {
		return
	}
	public, private := resource.At(r.Inputs, "vpcConfig", "endpointPublicAccess"), resource.At(r.Inputs, "vpcConfig", "endpointPrivateAccess")
	if f.visible(public, "whether the API has a public endpoint") && public != false {
		f.brokenf("the API has a public endpoint")
	}
	if f.visible(private, "whether the API has a private endpoint") && private != true {
		f.brokenf("the API has no private endpoint")
	}
}
