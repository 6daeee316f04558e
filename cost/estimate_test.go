package cost

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tfserving/resource"
)

// today is the day of the estimates. Kubernetes 1.35 has standard support.
var today = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func inRegion(name string) resource.Resource {
	return newResource(resource.AWSProvider, "aws", map[string]any{"region": name})
}

func newResource(kind, name string, inputs map[string]any) resource.Resource {
	return resource.Resource{URN: "urn:pulumi:test::tfserving::" + kind + "::" + name, Type: kind, Name: name, Inputs: inputs}
}

type object = map[string]any

// amounts sums the lines of an estimate by what is charged for.
func amounts(e *Estimate) map[string]Range {
	all := map[string]Range{}
	for _, l := range e.Lines {
		all[l.What] = all[l.What].add(l.Range(), 1)
	}
	return all
}

// unknownLines are the lines without an amount, and why.
func unknownLines(e *Estimate) (all []string) {
	for _, l := range e.Unknown() {
		all = append(all, l.What+": "+l.Unknown)
	}
	return all
}

func TestResourcesCostWhatAWSPublishes(t *testing.T) {
	ingress := func(scheme string) resource.Resource {
		return newResource(resource.Ingress, "gateway", object{
			"metadata": object{"annotations": object{"alb.ingress.kubernetes.io/scheme": scheme}}, "spec": object{"ingressClassName": "alb"},
		})
	}
	subnets := []resource.Resource{
		newResource(resource.Subnet, "public-a", object{"tags": object{"kubernetes.io/role/elb": "1"}}),
		newResource(resource.Subnet, "public-b", object{"tags": object{"kubernetes.io/role/elb": "1"}}),
		newResource(resource.Subnet, "private-a", object{"tags": object{"kubernetes.io/role/internal-elb": "1"}}),
	}
	endpoint := func(kind string) resource.Resource {
		return newResource(resource.VPCEndpoint, "e", object{"vpcEndpointType": kind, "subnetIds": []any{resource.Unknown, resource.Unknown, resource.Unknown}})
	}
	logsOf := func(types ...any) resource.Resource {
		return newResource(resource.EKSCluster, "c", object{"name": "tfserving-dev", "version": "1.35", "enabledClusterLogTypes": types})
	}
	group := func(name, logs string, days float64) resource.Resource {
		return newResource(resource.LogGroup, name, object{"name": logs, "retentionInDays": days})
	}
	for name, test := range map[string]struct {
		resources []resource.Resource
		want      map[string]Range
	}{
		"NAT gateways share the traffic": {
			[]resource.Resource{newResource(resource.NATGateway, "a", nil), newResource(resource.NATGateway, "b", nil)},
			// 2 x 0.048 x 730, and 730 GB at 0.048 between them, of which 30 % are expected.
			map[string]Range{"NAT gateway": {70.08, 70.08, 70.08}, "NAT gateway traffic": {0, 10.52, 35.04}},
		},
		"a public address": {[]resource.Resource{newResource(resource.ElasticIP, "a", nil)}, map[string]Range{"public IPv4 address": {3.65, 3.65, 3.65}}},
		"an endpoint in each of three zones": {
			[]resource.Resource{endpoint("Interface")}, map[string]Range{"interface endpoint": {24.09, 24.09, 24.09}}, // 3 x 0.011 x 730
		},
		"an endpoint that says no type": {[]resource.Resource{newResource(resource.VPCEndpoint, "e", nil)}, map[string]Range{}},
		"a gateway endpoint":            {[]resource.Resource{endpoint("Gateway")}, map[string]Range{}},
		"an internal load balancer": {
			append([]resource.Resource{ingress("internal")}, subnets...),
			// 0.0252 x 730, and a capacity unit of 0.008 x 730.
			map[string]Range{"Application Load Balancer": {18.40, 18.40, 18.40}, "Application Load Balancer capacity": {0, 1.75, 5.84}},
		},
		"one that faces the internet has an address in each public subnet": {
			append([]resource.Resource{ingress("internet-facing")}, subnets...),
			map[string]Range{
				"Application Load Balancer": {18.40, 18.40, 18.40}, "Application Load Balancer capacity": {0, 1.75, 5.84},
				"load balancer's public IPv4 addresses": {7.30, 7.30, 7.30},
			},
		},
		"an Ingress of a controller in the cluster": {
			[]resource.Resource{newResource(resource.Ingress, "gateway", object{"spec": object{"ingressClassName": "nginx"}})}, map[string]Range{},
		},
		"a Service in the cluster": {[]resource.Resource{newResource(resource.Service, "s", object{"spec": object{"type": "ClusterIP"}})}, map[string]Range{}},
		"keys, of which one is rotated": {
			[]resource.Resource{newResource(resource.KMSKey, "a", nil), newResource(resource.KMSKey, "b", object{"enableKeyRotation": true})},
			map[string]Range{"KMS key": {2, 2, 4}},
		},
		"control plane logs": {
			[]resource.Resource{group("c", "/aws/eks/tfserving-dev/cluster", 7), logsOf("api", "audit", "authenticator", "controllerManager", "scheduler")},
			// 108 GB at 0.57, and 25.2 GB of them at 0.03.
			map[string]Range{"control plane": always(73), "logs taken in": always(61.56), "logs kept": always(0.76)},
		},
		"control plane logs without audit": {
			[]resource.Resource{group("c", "/aws/eks/tfserving-dev/cluster", 7), logsOf("api", "authenticator", "controllerManager", "scheduler")},
			// 0.5 GB at 0.57, rounded up, and 0.12 GB of them at 0.03.
			map[string]Range{"control plane": always(73), "logs taken in": always(0.29), "logs kept": {}},
		},
		"no control plane logs": {
			[]resource.Resource{group("c", "/aws/eks/tfserving-dev/cluster", 7), logsOf()},
			map[string]Range{"control plane": always(73), "logs taken in": {}, "logs kept": {}},
		},
		"flow logs": {
			[]resource.Resource{group("f", "f-0123456", 90), newResource(resource.FlowLog, "f", object{"logDestinationType": "cloud-watch-logs"})},
			// 7.7 GB at 0.57, and 23.1 GB at 0.03.
			map[string]Range{"logs taken in": {4.39, 4.39, 4.39}, "logs kept": {0.69, 0.69, 0.69}},
		},
		"images, of which ten are kept": {
			[]resource.Resource{
				newResource(resource.Repository, "r", nil),
				newResource("aws:ecr/lifecyclePolicy:LifecyclePolicy", "r", object{"policy": `{"rules":[
					{"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1}},
					{"selection":{"tagStatus":"tagged","countType":"imageCountMoreThan","countNumber":10}}]}`}),
			},
			map[string]Range{"images": {0.05, 0.50, 0.50}},
		},
		"what is free": {
			[]resource.Resource{newResource(resource.IAMRole, "r", nil), newResource("tfserving:network:Network", "n", nil), newResource(resource.Namespace, "n", nil)},
			map[string]Range{},
		},
	} {
		e := Of(append(test.resources, inRegion("eu-west-1")), today)
		if got := amounts(e); !maps.Equal(got, test.want) {
			t.Errorf("%s: costs %v, want %v", name, got, test.want)
		}
		if unknown := unknownLines(e); len(unknown) > 0 {
			t.Errorf("%s: unknown is %q", name, unknown)
		}
	}
}

// Example 1 of Application Load Balancers on AWS's Elastic Load Balancing pricing page (aws.amazon.com/elasticloadbalancing
// /pricing; its prices as of 20 September 2026), for US East: 1.08 GB an hour are 1.08 capacity units, "$6.22 per month", and
// with the load balancer's hours "$22.42 per month", of 24 hours and 30 days.
func TestLoadBalancerAgreesWithAWSsOwnExample(t *testing.T) {
	usage := Assumed
	usage.Hours, usage.Demand, usage.Traffic = 24*30, 1, 1.08
	e := usage.Of([]resource.Resource{
		inRegion("us-east-1"),
		newResource(resource.Ingress, "gateway", object{"spec": object{"ingressClassName": "alb"}}),
	}, today)
	if got := amounts(e)["Application Load Balancer capacity"].Expected; got != 6.22 {
		t.Errorf("its capacity costs %v, and AWS says 6.22", got)
	}
	if got := e.Total().Expected; got != 22.42 {
		t.Errorf("it costs %v, and AWS says 22.42", got)
	}
}

// The AWS Containers blog, "Amazon EKS extended support for Kubernetes versions pricing" (2024): 0.60
// an hour in all under extended support, 0.10 under standard support.
func TestAControlPlaneCostsSixTimesAsMuchAfterStandardSupport(t *testing.T) {
	for _, test := range []struct {
		version, policy, day string
		want                 float64
		unknown              string
	}{
		{"1.35", "EXTENDED", "2027-03-26", 73, ""},
		{"1.35", "EXTENDED", "2027-03-27", 438, ""},
		{"1.35", "", "2027-03-27", 438, ""}, // EKS' default
		{"1.35", "STANDARD", "2027-03-27", 73, ""},
		{"1.35", "EXTENDED", "2028-03-26", 438, ""},
		{"1.35", "EXTENDED", "2028-03-27", 0, "EKS has no longer supported Kubernetes 1.35 since 2028-03-27"},
		{"1.35", resource.Unknown, "2027-03-27", 0, "upgradePolicy.supportType is not known yet"},
		{"", "STANDARD", "2027-03-27", 73, ""},
		{"1.99", "STANDARD", "2027-03-27", 0, "until when EKS supports Kubernetes 1.99 is not known here"},
		{resource.Unknown, "STANDARD", "2027-03-27", 0, "version is not known yet"},
	} {
		at, err := time.Parse(time.DateOnly, test.day)
		if err != nil {
			t.Fatal(err)
		}
		e := Of([]resource.Resource{inRegion("eu-west-1"), newResource(resource.EKSCluster, "c", object{"version": test.version, "upgradePolicy": object{"supportType": test.policy}})}, at)
		if len(e.Lines) != 1 || e.Lines[0].Range() != always(test.want) || e.Lines[0].Unknown != test.unknown {
			t.Errorf("Kubernetes %s under %s on %s: %+v, want %v %q", test.version, test.policy, test.day, e.Lines, test.want, test.unknown)
		}
	}
}

func TestUnpricedResourcesAreListedNotCountedAsZero(t *testing.T) {
	nat := newResource(resource.NATGateway, "n", nil)
	ireland := inRegion("eu-west-1")
	nodes := func(change object) []resource.Resource {
		inputs := object{"capacityType": "SPOT", "instanceTypes": []any{"m6i.large"}, "scalingConfig": object{"minSize": 1.0, "maxSize": 2.0}}
		maps.Copy(inputs, change)
		return []resource.Resource{ireland, newResource(resource.NodeGroup, "g", inputs), template("g", "gp3")}
	}
	pods := func(spec object) []resource.Resource {
		return append(nodes(nil), newResource(resource.Deployment, "d", object{"spec": spec}))
	}
	of := func(kind string, inputs object) []resource.Resource {
		return []resource.Resource{ireland, newResource(kind, "x", inputs)}
	}
	for name, test := range map[string]struct {
		resources []resource.Resource
		want      []string // how unknown lines begin
	}{
		"a region without prices":              {[]resource.Resource{inRegion("sa-east-1"), nat}, []string{"NAT gateway: no price of NAT gateway in sa-east-1", "NAT gateway traffic: no price"}},
		"no provider":                          {[]resource.Resource{nat}, []string{"NAT gateway: no AWS provider", "NAT gateway traffic: no AWS provider"}},
		"two regions":                          {[]resource.Resource{ireland, inRegion("us-east-1"), nat}, []string{"NAT gateway: the AWS providers are in several regions: eu-west-1, us-east-1", "NAT gateway traffic: the AWS"}},
		"a region that is not known yet":       {[]resource.Resource{inRegion(resource.Unknown), nat}, []string{"NAT gateway: the AWS provider's region is not known yet", "NAT gateway traffic: "}},
		"a type of AWS":                        {of("aws:rds/instance:Instance", nil), []string{"a resource: what aws:rds/instance:Instance costs is not known here"}},
		"a type of another provider":           {of("gcp:compute/instance:Instance", nil), []string{"a resource: what gcp:compute/instance:Instance costs is not known here"}},
		"a custom resource":                    {of("kubernetes:example.com/v1:Database", nil), []string{"a resource: what kubernetes:example.com/v1:Database costs"}},
		"a component without its cluster":      {of("eks:index:Cluster", nil), []string{"control plane: the control plane inside of this component"}},
		"an Ingress's class":                   {of(resource.Ingress, object{"spec": object{"ingressClassName": resource.Unknown}}), []string{"Application Load Balancer: spec.ingressClassName is not known yet"}},
		"the cluster's own load balancer":      {of(resource.Service, object{"spec": object{"type": "LoadBalancer"}}), []string{`load balancer: the cluster makes a load balancer of class ""`}},
		"zones of an endpoint":                 {of(resource.VPCEndpoint, object{"vpcEndpointType": "Interface", "subnetIds": resource.Unknown}), []string{"interface endpoint: subnetIds is not known yet"}},
		"an endpoint of another type":          {of(resource.VPCEndpoint, object{"vpcEndpointType": "GatewayLoadBalancer"}), []string{"interface endpoint: what an endpoint of type GatewayLoadBalancer"}},
		"logs of something else":               {of(resource.LogGroup, object{"name": "/my/app"}), []string{"logs taken in: what writes to this log group"}},
		"logs kept forever":                    {append(of(resource.LogGroup, object{"name": "f"}), newResource(resource.FlowLog, "x", nil)), []string{"logs kept: logs are kept for ever"}},
		"logs of a cluster that is elsewhere":  {of(resource.LogGroup, object{"name": "/aws/eks/c/cluster"}), []string{"logs taken in: cluster c, which writes it, is not in the list"}},
		"a log that EKS does not have":         {append(of(resource.EKSCluster, object{"name": "c", "version": "1.35", "enabledClusterLogTypes": []any{"etcd"}}), newResource(resource.LogGroup, "l", object{"name": "/aws/eks/c/cluster"})), []string{"logs taken in: what the control plane's log etcd writes"}},
		"logs that are not known yet":          {append(of(resource.EKSCluster, object{"name": "c", "version": "1.35", "enabledClusterLogTypes": resource.Unknown}), newResource(resource.LogGroup, "l", object{"name": "/aws/eks/c/cluster"})), []string{"logs taken in: enabledClusterLogTypes is not known yet"}},
		"flow logs elsewhere":                  {of(resource.FlowLog, object{"logDestinationType": "s3"}), []string{"flow logs: what flow logs to s3 cost"}},
		"flow logs without their group":        {of(resource.FlowLog, nil), []string{"flow logs: no log group has this flow log's name"}},
		"images without a bound":               {of(resource.Repository, nil), []string{"images: no lifecycle policy"}},
		"a volume":                             {of(resource.PersistentVolumeClaim, nil), []string{"volume: what its storage class costs"}},
		"instance types not known yet":         {nodes(object{"instanceTypes": resource.Unknown}), nil},
		"an instance type without a price":     {nodes(object{"instanceTypes": []any{"m6i.large", "c7i.large"}}), nil},
		"an instance type that does not exist": {nodes(object{"instanceTypes": []any{"m6i.huge"}}), nil},
		"a group without bounds":               {nodes(object{"scalingConfig": object{}}), nil},
		"a group's bounds not known yet":       {nodes(object{"scalingConfig": resource.Unknown}), nil},
		"an add-on with pods of its own":       {append(nodes(nil), newResource(addonType, "a", object{"addonName": "aws-ebs-csi-driver"})), nil},
		"requests not known yet":               {pods(object{"template": object{"spec": object{"containers": []any{object{"resources": object{"requests": object{"cpu": resource.Unknown}}}}}}}), nil},
		"requests that are no quantity":        {pods(object{"template": object{"spec": object{"containers": []any{object{"resources": object{"requests": object{"cpu": "many"}}}}}}}), nil},
		"containers not known yet":             {pods(object{"template": resource.Unknown}), nil},
		"replicas not known yet":               {pods(object{"replicas": resource.Unknown}), nil},
	} {
		e := Of(test.resources, today)
		got := unknownLines(e)
		if test.want == nil {
			// Nodes and their volumes have one reason.
			if len(got) != 2 || !strings.HasPrefix(got[0], "nodes: ") || !strings.HasPrefix(got[1], "root volumes: ") {
				t.Errorf("%s: unknown is %q, want the nodes and their volumes", name, got)
			}
		} else if len(got) != len(test.want) || !slices.EqualFunc(got, test.want, strings.HasPrefix) {
			t.Errorf("%s: unknown is %q, want %q", name, got, test.want)
		}
		for _, l := range e.Unknown() {
			if l.Range() != (Range{}) {
				t.Errorf("%s: %s has an amount and is unknown", name, l.What)
			}
		}
	}
}

func template(name, volume string) resource.Resource {
	return newResource(resource.LaunchTemplate, name, object{"blockDeviceMappings": []any{object{"ebs": object{"volumeType": volume, "volumeSize": 50.0}}}})
}

// Half a cent in decimals may be slightly less in binary.
func TestAmountsAreRoundedOnceAndHalfACentGoesUp(t *testing.T) {
	for _, test := range []struct{ usd, want float64 }{
		{1.005, 1.01}, {2.675, 2.68}, {0.0049, 0}, {18.396, 18.40}, {0.1 + 0.2, 0.30}, {-1.25, -1.25}, {10.512, 10.51},
	} {
		if got := cents(test.usd); got != test.want {
			t.Errorf("%v is %v, want %v", test.usd, got, test.want)
		}
	}
	var e Estimate
	for range 1000 {
		e.Lines = append(e.Lines, Line{Min: 0.1, Expected: 0.1, Max: 0.1})
	}
	if got := e.Total(); got != always(100) {
		t.Errorf("a thousand times 0.10 is %v", got)
	}
}

func TestATotalLeavesOutUnknownAmounts(t *testing.T) {
	e := Of([]resource.Resource{inRegion("eu-west-1"), newResource(resource.ElasticIP, "a", nil), newResource("aws:rds/instance:Instance", "b", nil)}, today)
	if got := e.Total(); got != always(3.65) || len(e.Unknown()) != 1 || len(e.Assumptions) == 0 {
		t.Errorf("total %v, %d unknown, %d assumptions", got, len(e.Unknown()), len(e.Assumptions))
	}
	if e := Of([]resource.Resource{newResource(resource.Deployment, "d", nil)}, today); len(e.Lines) > 0 || len(e.Assumptions) > 0 {
		t.Errorf("a Deployment without a node group costs %v", e.Lines)
	}
}
