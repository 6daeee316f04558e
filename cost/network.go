package cost

import (
	"errors"
	"fmt"
)

// natGateway is paid for by the hour and by what goes through. The traffic is shared among a stack's gateways.
func (e *estimator) natGateway(r Resource) {
	e.bill(r, "NAT gateway", "NAT gateway", always(1), "")
	share := e.usage.Traffic * e.usage.Hours / float64(e.number(r.Type))
	e.bill(r, "NAT gateway traffic", "NAT gateway traffic", e.byDemand(share), fmt.Sprintf("%g GB a month at full demand", round(share)))
}

// number is how many resources there are of a type.
func (e *estimator) number(kind string) (n int) {
	for _, r := range e.resources {
		if r.Type == kind {
			n++
		}
	}
	return n
}

// round makes a quantity readable.
func round(quantity float64) float64 { return cents(quantity) }

// address is paid for by the hour, used or not.
func (e *estimator) address(r Resource) {
	e.bill(r, "public IPv4 address", "public IPv4 address", always(1), "")
}

// endpoint is paid for by the hour in each zone. One for S3 or DynamoDB of type Gateway, which is the default, is free.
func (e *estimator) endpoint(r Resource) {
	const what = "interface endpoint"
	kind, err := r.text("vpcEndpointType")
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	switch kind {
	case "", "Gateway":
	case "Interface":
		subnets, err := r.list("subnetIds")
		if err == nil && len(subnets) == 0 {
			err = errors.New("subnetIds has none: in how many zones it is, is not known")
		}
		if err != nil {
			e.unknown(r, what, err)
			return
		}
		e.bill(r, what, what, always(float64(len(subnets))), fmt.Sprintf("in %d zones", len(subnets)))
	default:
		e.unknown(r, what, fmt.Errorf("what an endpoint of type %s costs is not known here", kind))
	}
}

// Classes of an Ingress and of a Service for which the AWS Load Balancer Controller makes a load balancer.
const (
	classALB = "alb"
	classNLB = "service.k8s.aws/nlb"
)

// ingress is an Application Load Balancer where its class says so. Other classes are controllers in the cluster.
func (e *estimator) ingress(r Resource) {
	const what = "Application Load Balancer"
	class, err := r.text("spec", "ingressClassName")
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	if class == classALB {
		e.loadBalancer(r, what, "alb.ingress.kubernetes.io/scheme")
	}
}

// service is a load balancer where its type says so.
func (e *estimator) service(r Resource) {
	const what = "Network Load Balancer"
	kind, err := r.text("spec", "type")
	if err != nil {
		e.unknown(r, "load balancer", err)
		return
	}
	if kind != "LoadBalancer" {
		return
	}
	class, err := r.text("spec", "loadBalancerClass")
	if err == nil && class != classNLB {
		err = fmt.Errorf("the cluster makes a load balancer of class %q for this Service, whose cost is not known here", class)
	}
	if err != nil {
		e.unknown(r, "load balancer", err)
		return
	}
	e.loadBalancer(r, what, "service.beta.kubernetes.io/aws-load-balancer-scheme")
}

// loadBalancer is paid for by the hour and by capacity units; one that faces the internet has a public address in each
// zone, too. A unit is, at the least, 1 GB an hour.
func (e *estimator) loadBalancer(r Resource, what, schemeAnnotation string) {
	e.bill(r, what, what, always(1), "")
	e.bill(r, what+" capacity", what+" capacity unit", e.byDemand(e.usage.Traffic), fmt.Sprintf("%g units at full demand", e.usage.Traffic))
	const addresses = "load balancer's public IPv4 addresses"
	scheme, err := r.text("metadata", "annotations", schemeAnnotation)
	if err != nil {
		e.unknown(r, addresses, err)
		return
	}
	if scheme != "internet-facing" {
		return
	}
	zones, err := e.publicZones()
	if err != nil {
		e.unknown(r, addresses, err)
		return
	}
	e.bill(r, addresses, "public IPv4 address", always(float64(zones)), fmt.Sprintf("one in each of %d zones", zones))
}

// publicSubnet is the tag by which the AWS Load Balancer Controller finds the subnets of load balancers that face the
// internet.
const publicSubnet = "kubernetes.io/role/elb"

// publicZones is in how many zones a load balancer that faces the internet is: one for each subnet made for it.
func (e *estimator) publicZones() (zones int, err error) {
	for _, r := range e.resources {
		if r.Type != "aws:ec2/subnet:Subnet" {
			continue
		}
		tag, err := r.text("tags", publicSubnet)
		if err != nil {
			return 0, fmt.Errorf("subnet %s: %w", r.Name, err)
		}
		if tag != "" {
			zones++
		}
	}
	if zones == 0 {
		return 0, fmt.Errorf("no subnet has the tag %s, so its zones are not known", publicSubnet)
	}
	return zones, nil
}
