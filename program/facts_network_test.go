package program

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

func publicFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Public")
	eksCluster := g.single(t, mockengine.Cluster)
	endpoint := "closed; the API server answers inside the VPC alone"
	if eksCluster.input("endpointPublicAccess") == true {
		endpoint = "open to " + orElse(strings.Join(eksCluster.list("publicAccessCidrs"), ","), "everyone")
	}
	p.line("- Kubernetes' API endpoint: %s", endpoint)
	for _, in := range objects[*networkingv1.Ingress](g) {
		annotation := func(key string) string { return in.Annotations[resource.ALBAnnotation+key] }
		listens := annotation("listen-ports")
		if listens == "" {
			listens = `[{"HTTP":80}]`
		}
		p.line("- Application Load Balancer of Ingress %s: %s, listens on %s, certificate %s, open to %s", in.Name, annotation("scheme"), listens,
			orNone(annotation("certificate-arn")), orElse(annotation("inbound-cidrs"), "whoever is in its network"))
	}
	for _, s := range objects[*corev1.Service](g) {
		if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
			p.line("- Network Load Balancer of Service %s: %s, open to %s", s.Name, s.Annotations[resource.NLBAnnotation+"scheme"],
				orElse(strings.Join(s.Spec.LoadBalancerSourceRanges, ","), "whoever is in its network"))
		}
	}
	var public []string
	for _, s := range g.ofType(resource.Subnet) {
		if g.publicSubnets()[s.Name] {
			public = append(public, s.Name)
		}
	}
	p.line("- Subnets with a route to the internet gateway, none of which gives out public addresses: %s", strings.Join(public, ", "))
	p.line("- Public addresses of the stack's own: %d, of NAT gateways, which take no calls", len(g.ofType(resource.ElasticIP)))
}

func orNone(list string) string { return orElse(list, "none") }

// orElse returns a comma-separated list with spaces, or substitute if it is empty.
func orElse(list, substitute string) string {
	if list == "" {
		return substitute
	}
	return strings.ReplaceAll(list, ",", ", ")
}

func networkFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Network")
	p.line("VPC %s over %d zones. The private subnets have addresses for %d pods at most.", g.single(t, resource.VPC).text("cidrBlock"), g.settings.Network.Zones, g.settings.Network.PodAddresses())
	p.line("")
	routes := map[string]string{} // by route table
	tables := map[string]string{} // by subnet
	for _, a := range g.ofType("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		tables[nameFromID(a.input("subnetId"))] = a.text("routeTableId")
	}
	for _, r := range g.ofType(resource.Route) {
		target := "NAT gateway " + nameFromID(r.input("natGatewayId"))
		if r.text("gatewayId") != "" {
			target = "internet gateway"
		}
		routes[r.text("routeTableId")] = r.text("destinationCidrBlock") + " by " + target
	}
	var rows [][]string
	for _, s := range g.ofType(resource.Subnet) {
		rows = append(rows, []string{s.Name, s.text("availabilityZone"), s.text("cidrBlock"), routes[tables[s.Name]]})
	}
	p.table([]string{"Subnet", "Zone", "Range", "Way out"}, rows)
	p.line("")
	rows = nil
	for _, e := range g.ofType(resource.VPCEndpoint) {
		rows = append(rows, []string{e.text("serviceName"), e.text("vpcEndpointType"), fmt.Sprint(max(len(e.list("subnetIds")), len(e.list("routeTableIds"))))})
	}
	p.table([]string{"Endpoint of", "Kind", "Subnets or route tables"}, rows)
}

func securityGroupFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Security groups")
	p.line("Nodes are in the cluster's own group, which EKS makes. The load balancer's is the controller's, from the entry above.")
	p.line("The VPC's default group has no rules, either way.")
	p.line("")
	var rows [][]string
	for _, r := range g.ofType(resource.SecurityGroupIngressRule) {
		rows = append(rows, []string{
			nameFromID(r.input("securityGroupId")), "in", fmt.Sprintf("%s %v to %v", r.text("ipProtocol"), r.input("fromPort"), r.input("toPort")), r.text("cidrIpv4"), r.text("description"),
		})
	}
	p.table([]string{"Group", "Way", "Ports", "Peer", "Why"}, rows)
	listed := map[string]bool{}
	for _, row := range rows {
		listed[row[0]] = true
	}
	for _, r := range g.ofType(resource.SecurityGroup) {
		if !listed[r.Name] {
			t.Errorf("%s has no rule, so the page does not list it", r)
		}
	}
}

func nodeFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Nodes")
	var rows [][]string
	for _, r := range g.ofType(resource.NodeGroup) {
		template := g.resource(t, resource.LaunchTemplate, nameFromID(r.input("launchTemplate", "id")))
		ebs, metadata := template.input("blockDeviceMappings", 0, "ebs"), template.input("metadataOptions")
		size := r.input("scalingConfig")
		rows = append(rows, []string{
			strings.TrimSuffix(r.text("nodeGroupNamePrefix"), "-"), strings.Join(r.list("instanceTypes"), ", "), r.text("capacityType"), r.text("amiType"),
			fmt.Sprintf("%v to %v, begins with %v", resource.At(size, "minSize"), resource.At(size, "maxSize"), resource.At(size, "desiredSize")),
			fmt.Sprintf("%v GiB %v", resource.At(ebs, "volumeSize"), resource.At(ebs, "volumeType")),
			fmt.Sprintf("tokens %v, %v hop", resource.At(metadata, "httpTokens"), resource.At(metadata, "httpPutResponseHopLimit")),
			pairs(r.input("labels")), taintsOf(r.input("taints")),
		})
	}
	p.table([]string{"Group", "Instance types", "Capacity", "Image", "Nodes", "Disk", "Instance metadata", "Labels", "Taints"}, rows)
	p.line("")
	p.line("In private subnets, without public addresses and without a key pair. After the first `up` the autoscaler alone sets their")
	p.line("number. An update replaces %v %% of a group at a time.", g.ofType(resource.NodeGroup)[0].input("updateConfig", "maxUnavailablePercentage"))
}

// pairs returns an object of strings as key=value, sorted.
func pairs(object any) string {
	var all []string
	for key, value := range stringMap(object) {
		all = append(all, key+"="+value)
	}
	slices.Sort(all)
	return orNone(strings.Join(all, ","))
}

// taintsOf returns a list of taints as key=value:effect.
func taintsOf(taints any) string {
	var all []string
	list, _ := taints.([]any)
	for _, t := range list {
		taint := stringMap(t)
		all = append(all, taint["key"]+"="+taint["value"]+":"+taint["effect"])
	}
	return orNone(strings.Join(all, ","))
}
