package program

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/internal/mockengine"
)

// orNobody is a list of address ranges in words.
func orNobody(cidrs []string, nobody string) string {
	if len(cidrs) == 0 {
		return nobody
	}
	return strings.Join(cidrs, ", ")
}

func publicFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Public")
	eks := g.only(t, mockengine.Cluster)
	api := "closed; the API server answers inside the VPC alone"
	if eks.input("endpointPublicAccess") == true {
		api = "open to " + orNobody(eks.list("publicAccessCidrs"), "everyone")
	}
	p.say("- Kubernetes' API endpoint: %s", api)
	for _, in := range objects[*networkingv1.Ingress](g) {
		a := func(key string) string { return in.Annotations["alb.ingress.kubernetes.io/"+key] }
		listens := a("listen-ports")
		if listens == "" {
			listens = `[{"HTTP":80}]`
		}
		p.say("- Application Load Balancer of Ingress %s: %s, listens on %s, certificate %s, open to %s", in.Name, a("scheme"), listens,
			orNone(a("certificate-arn")), orElse(a("inbound-cidrs"), "whoever is in its network"))
	}
	for _, s := range objects[*corev1.Service](g) {
		if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
			p.say("- Network Load Balancer of Service %s: %s, open to %s", s.Name, s.Annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"],
				orNobody(s.Spec.LoadBalancerSourceRanges, "whoever is in its network"))
		}
	}
	var public []string
	for _, s := range g.ofType("aws:ec2/subnet:Subnet") {
		if g.public()[s.Name] {
			public = append(public, s.Name)
		}
	}
	p.say("- Subnets with a route to the internet gateway, none of which gives out public addresses: %s", strings.Join(public, ", "))
	p.say("- Public addresses of the stack's own: %d, of NAT gateways, which take no calls", len(g.ofType("aws:ec2/eip:Eip")))
}

func orNone(text string) string { return orElse(text, "none") }

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return strings.ReplaceAll(text, ",", ", ")
}

func networkFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Network")
	p.say("VPC %s over %d zones. The private subnets have addresses for %d pods at most.", g.only(t, "aws:ec2/vpc:Vpc").text("cidrBlock"), g.settings.Network.Zones, g.settings.Network.PodAddresses())
	p.say("")
	ways := map[string]string{}
	tables := map[string]string{} // by subnet
	for _, a := range g.ofType("aws:ec2/routeTableAssociation:RouteTableAssociation") {
		tables[nameOf(a.input("subnetId"))] = a.text("routeTableId")
	}
	for _, r := range g.ofType("aws:ec2/route:Route") {
		way := "NAT gateway " + nameOf(r.input("natGatewayId"))
		if r.text("gatewayId") != "" {
			way = "internet gateway"
		}
		ways[r.text("routeTableId")] = r.text("destinationCidrBlock") + " by " + way
	}
	var rows [][]string
	for _, s := range g.ofType("aws:ec2/subnet:Subnet") {
		rows = append(rows, []string{s.Name, s.text("availabilityZone"), s.text("cidrBlock"), ways[tables[s.Name]]})
	}
	p.table([]string{"Subnet", "Zone", "Range", "Way out"}, rows)
	p.say("")
	rows = nil
	for _, e := range g.ofType("aws:ec2/vpcEndpoint:VpcEndpoint") {
		rows = append(rows, []string{e.text("serviceName"), e.text("vpcEndpointType"), fmt.Sprint(max(len(e.list("subnetIds")), len(e.list("routeTableIds"))))})
	}
	p.table([]string{"Endpoint of", "Kind", "Subnets or route tables"}, rows)
}

func securityGroupFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Security groups")
	p.say("Nodes are in the cluster's own group, which EKS makes. The load balancer's is the controller's, from the entry above.")
	p.say("The VPC's default group has no rules, either way.")
	p.say("")
	var rows [][]string
	for _, r := range g.ofType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") {
		rows = append(rows, []string{
			nameOf(r.input("securityGroupId")), "in", fmt.Sprintf("%s %v to %v", r.text("ipProtocol"), r.input("fromPort"), r.input("toPort")), r.text("cidrIpv4"), r.text("description"),
		})
	}
	p.table([]string{"Group", "Way", "Ports", "Peer", "Why"}, rows)
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row[0]] = true
	}
	for _, r := range g.ofType("aws:ec2/securityGroup:SecurityGroup") {
		if !seen[r.Name] {
			t.Errorf("%s has no rule, so the facts do not name it", r)
		}
	}
}

func nodeFacts(t *testing.T, p *markdown, g *graph) {
	p.heading("Nodes")
	var rows [][]string
	for _, r := range g.ofType("aws:eks/nodeGroup:NodeGroup") {
		template := g.registered(t, "aws:ec2/launchTemplate:LaunchTemplate", nameOf(r.input("launchTemplate", "id")))
		ebs, metadata := template.input("blockDeviceMappings", 0, "ebs"), template.input("metadataOptions")
		n := r.input("scalingConfig")
		rows = append(rows, []string{
			strings.TrimSuffix(r.text("nodeGroupNamePrefix"), "-"), strings.Join(r.list("instanceTypes"), ", "), r.text("capacityType"), r.text("amiType"),
			fmt.Sprintf("%v to %v, begins with %v", at(n, "minSize"), at(n, "maxSize"), at(n, "desiredSize")),
			fmt.Sprintf("%v GiB %v", at(ebs, "volumeSize"), at(ebs, "volumeType")),
			fmt.Sprintf("tokens %v, %v hop", at(metadata, "httpTokens"), at(metadata, "httpPutResponseHopLimit")),
			pairs(r.input("labels")), taintsOf(r.input("taints")),
		})
	}
	p.table([]string{"Group", "Instance types", "Capacity", "Image", "Nodes", "Disk", "Instance metadata", "Labels", "Taints"}, rows)
	p.say("")
	p.say("In private subnets, without public addresses and without a key pair. After the first `up` the autoscaler alone sets their")
	p.say("number. An update replaces %v %% of a group at a time.", g.ofType("aws:eks/nodeGroup:NodeGroup")[0].input("updateConfig", "maxUnavailablePercentage"))
}

func pairs(of any) string {
	var all []string
	for key, value := range tagsOf(of) {
		all = append(all, key+"="+value)
	}
	slices.Sort(all)
	return orNone(strings.Join(all, ","))
}

func taintsOf(of any) string {
	var all []string
	list, _ := of.([]any)
	for _, t := range list {
		taint := tagsOf(t)
		all = append(all, taint["key"]+"="+taint["value"]+":"+taint["effect"])
	}
	return orNone(strings.Join(all, ","))
}

func addonFacts(_ *testing.T, p *markdown, g *graph) {
	p.heading("Add-ons")
	var rows [][]string
	for _, a := range g.ofType("aws:eks/addon:Addon") {
		settings := orNone(a.text("configurationValues"))
		if settings != "none" {
			settings = "`" + a.text("configurationValues") + "`"
		}
		rows = append(rows, []string{a.text("addonName"), a.text("addonVersion"), settings})
	}
	p.table([]string{"Add-on", "Version", "Settings"}, rows)
}
