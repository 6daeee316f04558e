package cost

import (
	"errors"
	"fmt"

	"tfserving/catalog"
	"tfserving/resource"
)

// natGateway adds the hourly price and the price of traffic. A stack's gateways share its traffic.
func (e *estimator) natGateway(r resource.Resource) {
	e.bill(r, "NAT gateway", "NAT gateway", always(1), "")
	share := e.usage.Traffic * e.usage.Hours / float64(e.countOf(r.Type))
	e.bill(r, "NAT gateway traffic", "NAT gateway traffic", e.byDemand(share), fmt.Sprintf("%g GB a month at full demand", cents(share)))
}

// countOf is the number of resources of a type.
func (e *estimator) countOf(typ string) (n int) {
	for _, r := range e.resources {
		if r.Type == typ {
			n++
		}
	}
	return n
}

// address adds the hourly price of a public address, which is the same whether it is used or not.
func (e *estimator) address(r resource.Resource) {
	e.bill(r, "public IPv4 address", "public IPv4 address", always(1), "")
}

// endpoint adds the hourly price of an interface endpoint in each zone. Type Gateway, the default, is free.
func (e *estimator) endpoint(r resource.Resource) {
	const what = "interface endpoint"
	kind, err := resource.Text(r.Inputs, "vpcEndpointType")
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	switch kind {
	case "", "Gateway":
	case "Interface":
		subnets, err := resource.List(r.Inputs, "subnetIds")
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

// ingress adds an Application Load Balancer for an Ingress of that class. Controllers of other classes run in the cluster.
func (e *estimator) ingress(r resource.Resource) {
	const what = "Application Load Balancer"
	class, err := resource.Text(r.Inputs, "spec", "ingressClassName")
	if err != nil {
		e.unknown(r, what, err)
		return
	}
	if class == catalog.IngressClassALB {
		e.loadBalancer(r, what, resource.ALBAnnotation+"scheme")
	}
}

// service adds a Network Load Balancer for a Service of type LoadBalancer.
func (e *estimator) service(r resource.Resource) {
	const what = "Network Load Balancer"
	kind, err := resource.Text(r.Inputs, "spec", "type")
	if err != nil {
		e.unknown(r, "load balancer", err)
		return
	}
	if kind != "LoadBalancer" {
		return
	}
	class, err := resource.Text(r.Inputs, "spec", "loadBalancerClass")
	if err == nil && class != catalog.LoadBalancerClassNLB {
		err = fmt.Errorf("the cluster makes a load balancer of class %q for this Service, whose cost is not known here", class)
	}
	if err != nil {
		e.unknown(r, "load balancer", err)
		return
	}
	e.loadBalancer(r, what, resource.NLBAnnotation+"scheme")
}

// loadBalancer adds the hourly price, the price of capacity units and, for one that faces the internet, a public address in
// each zone. A unit carries 1 GB an hour.
func (e *estimator) loadBalancer(r resource.Resource, what, schemeAnnotation string) {
	e.bill(r, what, what, always(1), "")
	e.bill(r, what+" capacity", what+" capacity unit", e.byDemand(e.usage.Traffic), fmt.Sprintf("%g units at full demand", e.usage.Traffic))
	const addresses = "load balancer's public IPv4 addresses"
	scheme, err := resource.Text(r.Inputs, "metadata", "annotations", schemeAnnotation)
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

// publicSubnet is the tag by which the AWS Load Balancer Controller finds subnets for load balancers that face the internet.
const publicSubnet = "kubernetes.io/role/elb"

// publicZones is the number of zones of a load balancer that faces the internet: one for each public subnet.
func (e *estimator) publicZones() (zones int, err error) {
	for _, r := range e.resources {
		if r.Type != resource.Subnet {
			continue
		}
		tag, err := resource.Text(r.Inputs, "tags", publicSubnet)
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
