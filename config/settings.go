// Package config holds the stack's settings as Go types: their defaults, strict decoding and validation. Nothing is
// deployed here. docs/settings.md is made from the types in this file.
package config

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

// Project is the Pulumi project's name: the namespace of every setting.
const Project = "tfserving"

// Platforms on which the application can land.
const (
	PlatformEKS        = "eks"
	PlatformKubernetes = "kubernetes"
)

// Values of gateway.service, of a node group's capacity and of network.natGateways.
const (
	ServiceClusterIP    = "ClusterIP"
	ServiceLoadBalancer = "LoadBalancer"
	CapacityOnDemand    = "onDemand"
	CapacitySpot        = "spot"
	NATPerZone          = "perZone"
)

// Settings are everything that a stack can set. A field's tags are its reference: `json` the key, `unit` and `doc` the
// unit and the meaning, `oneof` the allowed values. An edit here is followed by
// `go test ./config -run Reference -update`, which writes docs/settings.md anew.
type Settings struct {
	// Region is none of the project's own settings: Pulumi's AWS provider has it as aws:region.
	Region                 string                 `json:"-" key:"aws:region" doc:"The AWS region, such as eu-west-1. Platform eks needs it. It is the setting of Pulumi's AWS provider, so it does not begin with tfserving; the embedded cluster of stack local labels its nodes with it."`
	Platform               string                 `json:"platform" oneof:"eks|kubernetes" doc:"Where the application lands; required. eks makes the network, the cluster and its nodes; kubernetes uses a cluster that exists."`
	Namespace              string                 `json:"namespace" doc:"Namespace of the application's objects. The program makes it, under Pod Security level restricted."`
	MonthlyBudget          int                    `json:"monthlyBudget" unit:"USD a month" doc:"The most that the stack may cost by its estimate, at the expected number of nodes: what would cost more is refused (docs/policies.md). 0 sets no budget."`
	Policy                 Policy                 `json:"policy" doc:"What of the project's policies does not hold for this stack, and until when (docs/policies.md)."`
	Kubernetes             Kubernetes             `json:"kubernetes" doc:"The cluster of platform kubernetes."`
	AWS                    AWS                    `json:"aws" doc:"The account of platform eks, and how its resources are tagged."`
	Network                Network                `json:"network" doc:"The VPC of platform eks."`
	Cluster                Cluster                `json:"cluster" doc:"The EKS control plane of platform eks."`
	NodeGroups             []NodeGroup            `json:"nodeGroups" doc:"Groups of like nodes that grow and shrink: EC2 instances on platform eks, which needs at least one group, and simulated ones in the embedded cluster of stack local. The defaults are for each group."`
	Autoscaler             Autoscaler             `json:"autoscaler" doc:"The Cluster Autoscaler. The defaults of its pace are its own."`
	LoadBalancerController LoadBalancerController `json:"loadBalancerController" doc:"The AWS Load Balancer Controller of platform eks, which makes a load balancer for an Ingress of class alb and for a gateway of service LoadBalancer."`
	Repositories           Repositories           `json:"repositories" doc:"The ECR repositories of platform eks: one for each image whose name has no registry."`
	Local                  Local                  `json:"local" doc:"The embedded cluster of stack local; no other stack has a use for them."`
	Model                  Model                  `json:"model" doc:"The TF-Serving model server."`
	Gateway                Gateway                `json:"gateway" doc:"The HTTP gateway in front of the model."`
	Ingress                Ingress                `json:"ingress" doc:"The cluster's entrypoint."`
}

// Policy is how the stack departs from the project's policies.
type Policy struct {
	Exceptions []PolicyException `json:"exceptions" doc:"Exceptions in force are shown by every preview and up; one that has ended excuses nothing any more."`
}

// PolicyException lets resources break a rule for a time. Package policy has the rules; a test there holds the names below
// to them.
type PolicyException struct {
	Rule     string `json:"rule" oneof:"endpoint-cidrs|no-open-ingress|imdsv2|secrets-encrypted|volumes-encrypted|repositories-encrypted|no-star-iam|no-open-trust|required-tags|restricted-pods|pinned-images|prod-protected|prod-balancer-protected|prod-private-endpoint|within-budget" doc:"The rule's name; required."`
	Resource string `json:"resource" doc:"Name of the resource that may break it, as a preview shows it, or a pattern with * for any text; required."`
	Reason   string `json:"reason" doc:"Why, for those who read the preview; required."`
	Until    string `json:"until" doc:"The last day on which the exception holds, in UTC, as year-month-day in quotes, such as \"2027-01-31\"; required."`
}

// Kubernetes names a cluster that exists.
type Kubernetes struct {
	Kubeconfig string `json:"kubeconfig" doc:"Path of the kubeconfig file, absolute or from the checkout. Platform kubernetes needs it."`
	Context    string `json:"context" doc:"Context of the kubeconfig to use; empty for its current one."`
}

// AWS is the account of platform eks.
type AWS struct {
	AllowedAccountIDs []string `json:"allowedAccountIds" doc:"Accounts that the stack may be in, 12 digits each, in quotes; empty allows any. With credentials of another account nothing is changed."`
	Owner             string   `json:"owner" doc:"Who answers for the stack: tag owner of every AWS resource. Required."`
	CostCentre        string   `json:"costCentre" doc:"Who pays for the stack: tag cost-centre of every AWS resource; empty leaves the tag out."`
	Protect           bool     `json:"protect" doc:"Refuse to delete what holds state or everything else: the VPC, the cluster, the keys, the repositories, the load balancer. make down then fails until it is false again. Stack prod needs it, or exceptions from policies prod-protected and prod-balancer-protected (docs/policies.md)."`
}

// Network is the VPC of platform eks.
type Network struct {
	CIDR                 string   `json:"cidr" doc:"Address range of the VPC, from which an ALB sends to pods: private IPv4 (RFC 1918), /16 to /20."`
	Zones                int      `json:"zones" unit:"zones" doc:"Availability zones the subnets spread over: 2 or 3."`
	NATGateways          string   `json:"natGateways" oneof:"single|perZone" doc:"One NAT gateway for all zones (cheaper), or one in each (a zone's outage stays in that zone)."`
	InterfaceEndpoints   []string `json:"interfaceEndpoints" doc:"AWS services reached by an interface endpoint in each zone and not through NAT, such as ecr.api, ecr.dkr, sts or logs. S3 always has a gateway endpoint, which costs nothing."`
	FlowLogRetentionDays int      `json:"flowLogRetentionDays" unit:"days" doc:"How long the VPC's flow logs are kept, a period that CloudWatch Logs offers; 0 keeps none."`
}

// Cluster is the EKS control plane of platform eks.
type Cluster struct {
	Version           string            `json:"version" doc:"Kubernetes version of the control plane, as major.minor in quotes."`
	PublicAccessCIDRs []string          `json:"publicAccessCidrs" doc:"Address ranges that may reach the public API endpoint; empty closes it, and pulumi must then run inside the VPC or a network joined to it."`
	AllowWorld        bool              `json:"allowWorld" doc:"Accept ranges of which nobody has the whole in publicAccessCidrs: 0.0.0.0/0, and any that is larger than a /8. It takes an exception from policy no-open-ingress, too (docs/policies.md)."`
	Administrators    []string          `json:"administrators" doc:"ARNs of the IAM roles or users that administer the cluster, whoever runs pulumi among them. Empty makes whoever makes the cluster its administrator, and no other. It is decided when the cluster is made (docs/eks.md)."`
	LogRetentionDays  int               `json:"logRetentionDays" unit:"days" doc:"How long control plane logs are kept; a period that CloudWatch Logs offers."`
	PrefixDelegation  bool              `json:"prefixDelegation" doc:"Give nodes addresses for pods by /28 and not one by one: more pods on a node, more addresses taken from the subnet."`
	SSMAccess         bool              `json:"ssmAccess" doc:"Let Systems Manager open a session on a node."`
	AddonVersions     map[string]string `json:"addonVersions" doc:"Versions of the EKS add-ons vpc-cni, coredns, kube-proxy, eks-pod-identity-agent and metrics-server; one that is not named has the default version for the cluster's."`
}

// NodeGroup is a group of like nodes that grows and shrinks.
type NodeGroup struct {
	Name          string            `json:"name" doc:"Name of the group; required."`
	InstanceTypes []string          `json:"instanceTypes" doc:"EC2 instance types, at least one, all of one architecture, CPU and memory; stack local simulates the first."`
	Capacity      string            `json:"capacity" oneof:"onDemand|spot" doc:"How the instances are bought."`
	Min           int               `json:"min" unit:"nodes" doc:"Fewest nodes: 0 to 450. On platform eks some group without taints must keep one, for the autoscaler itself."`
	Max           int               `json:"max" unit:"nodes" doc:"Most nodes: 1 to 450."`
	Desired       int               `json:"desired" unit:"nodes" doc:"Nodes to begin with, from min to max; 0 begins with min. Afterwards the autoscaler decides, and no make up sets it back."`
	DiskGiB       int               `json:"diskGiB" unit:"GiB" doc:"Size of each node's root volume: 20 to 16384."`
	Labels        map[string]string `json:"labels" doc:"Labels of the nodes, beyond those that Kubernetes and EKS give them and whose domains they keep."`
	Taints        []Taint           `json:"taints" doc:"Taints of the nodes: only pods that tolerate them land there. The application's tolerate none, so on platform eks some group must be without."`
}

// Taint keeps pods from a node that do not tolerate it.
type Taint struct {
	Key    string `json:"key" doc:"The taint's key; required."`
	Value  string `json:"value" doc:"The taint's value."`
	Effect string `json:"effect" oneof:"NoSchedule|PreferNoSchedule|NoExecute" doc:"What happens to pods that do not tolerate it; required."`
}

// Autoscaler is the Cluster Autoscaler. The defaults of its pace are its own.
type Autoscaler struct {
	ScanInterval           time.Duration `json:"scanInterval" doc:"How often it looks for pods without a place and for idle nodes. 1s to 10m."`
	ScaleDownUnneededTime  time.Duration `json:"scaleDownUnneededTime" doc:"How long a node must have been idle before it is taken away. 1s to 24h."`
	ScaleDownDelayAfterAdd time.Duration `json:"scaleDownDelayAfterAdd" doc:"How long after adding a node none is taken away. 1s to 24h."`
	Image                  string        `json:"image" doc:"Image of the autoscaler on platform eks; its minor version must be the cluster's. Empty takes the first release of that minor version."`
	Headroom               Headroom      `json:"headroom" doc:"Room kept free on the nodes of platform eks by pods that give way to any other, so that new pods need not wait for a node."`
}

// Headroom is room kept free for pods to come.
type Headroom struct {
	Pods      int       `json:"pods" unit:"pods" doc:"How many pods' room is kept free; 0 keeps none."`
	Resources Resources `json:"resources" doc:"The size of each."`
}

// LoadBalancerController is the AWS Load Balancer Controller.
type LoadBalancerController struct {
	Chart      string `json:"chart" doc:"Helm chart: a name in the repository or, where repository is empty, the path of a chart, from the checkout."`
	Repository string `json:"repository" doc:"https URL of the chart's repository; empty takes chart for a path."`
	Version    string `json:"version" doc:"Version of the chart. The controller's IAM policy in components/loadbalancer belongs to it."`
	Replicas   int    `json:"replicas" unit:"pods" doc:"Controllers, of which one is at work: 1 to 5."`
}

// Repositories are the ECR repositories.
type Repositories struct {
	KeepImages int `json:"keepImages" unit:"images" doc:"How many images each repository keeps; older ones are deleted. 1 to 1000."`
}

// Local is what only the embedded cluster of stack local has.
type Local struct {
	NodeBootTime time.Duration `json:"nodeBootTime" doc:"How long a simulated instance takes from its request to a ready node. 0s to 30m."`
	ScalingSync  time.Duration `json:"scalingSync" doc:"How often HorizontalPodAutoscalers look. 1s to 5m."`
}

// Resources are what each pod gets.
type Resources struct {
	CPU    Quantity `json:"cpu" unit:"cores" doc:"Requested CPU, and its limit: 2, 0.5 or 500m."`
	Memory Quantity `json:"memory" unit:"bytes, with a suffix such as Mi or Gi" doc:"Requested memory, and its limit."`
}

// Quantity is a Kubernetes quantity, such as 500m or 1Gi.
type Quantity string

// Replicas bound the number of pods. Where they are equal there is no autoscaler.
type Replicas struct {
	Min int `json:"min" unit:"pods" doc:"Fewest pods: 1 to 1000."`
	Max int `json:"max" unit:"pods" doc:"Most pods, up to 1000; equal to min means a fixed number."`
}

// Scaling is the pace of a HorizontalPodAutoscaler: in each period it changes by the larger of the two steps.
type Scaling struct {
	Up   ScalingStep `json:"up"`
	Down ScalingStep `json:"down"`
}

// ScalingStep is one direction of Scaling.
type ScalingStep struct {
	Stabilization time.Duration `json:"stabilization" doc:"How far back recommendations count: the most cautious of them is followed. 0s to 1h."`
	Period        time.Duration `json:"period" doc:"The period that the steps below are for. 1s to 30m."`
	Percent       int           `json:"percent" unit:"% of the pods" doc:"Most pods changed in a period, as a share."`
	Pods          int           `json:"pods" unit:"pods" doc:"Most pods changed in a period, as a number; 0 leaves the share alone to decide."`
}

// Model is the TF-Serving model server.
type Model struct {
	Name             string            `json:"name" doc:"Name of the model, as TF-Serving serves it; required. Part of the Service's name: at most 52 lower-case letters, digits and -."`
	Image            string            `json:"image" doc:"Image of TensorFlow Serving with the model in it, with a tag or digest; required."`
	AllowMutableTag  bool              `json:"allowMutableTag" doc:"Accept an image without a tag, or with latest. What runs then depends on when a node pulled it. It takes an exception from policy pinned-images, too (docs/policies.md)."`
	Resources        Resources         `json:"resources"`
	Replicas         Replicas          `json:"replicas"`
	TargetCPU        int               `json:"targetCPU" unit:"% of the request" doc:"CPU use that the autoscaler aims at: 1 to 100."`
	Scaling          Scaling           `json:"scaling"`
	Batching         Batching          `json:"batching"`
	MaxConnectionAge time.Duration     `json:"maxConnectionAge" doc:"TF-Serving ends a gRPC connection after this time, so that gateways connect anew and reach new pods. Draining waits for it, too. 1s to 10m."`
	StartupTimeout   time.Duration     `json:"startupTimeout" doc:"How long loading the model may take before the pod is restarted. 10s to 1h."`
	RunAsUser        int               `json:"runAsUser" unit:"user id" doc:"User that the container runs as. 0 (root) lowers the namespace's Pod Security level to baseline, and takes exceptions from policy restricted-pods (docs/policies.md)."`
	Environment      map[string]string `json:"environment" doc:"Further environment variables. Not for secrets: they are readable in the state and the cluster."`
}

// Batching lets TF-Serving answer several requests in one step.
type Batching struct {
	MaxBatchSize       int           `json:"maxBatchSize" unit:"requests" doc:"Most requests in a batch; 0 turns batching off."`
	Timeout            time.Duration `json:"timeout" doc:"How long a batch may wait to fill. 0s to 1s."`
	MaxEnqueuedBatches int           `json:"maxEnqueuedBatches" unit:"batches" doc:"Most batches waiting; a request beyond them is refused at once."`
}

// Gateway is the HTTP gateway in front of the model.
type Gateway struct {
	Image           string            `json:"image" doc:"Image of the gateway, with a tag or digest; required."`
	AllowMutableTag bool              `json:"allowMutableTag" doc:"As the model's."`
	Port            int               `json:"port" unit:"TCP port" doc:"Port that the gateway listens on."`
	Service         string            `json:"service" oneof:"ClusterIP|LoadBalancer" doc:"ClusterIP puts the gateway behind the Ingress; LoadBalancer gives it a load balancer of its own and makes no Ingress."`
	HealthPath      string            `json:"healthPath" doc:"HTTP path that answers 200 when the gateway is well. Empty: pods are probed by the TCP port, and a load balancer of class alb asks GET /predict and wants 405, as the course's gateway answers; a gateway with other routes must set it."`
	Resources       Resources         `json:"resources"`
	Replicas        Replicas          `json:"replicas"`
	TargetCPU       int               `json:"targetCPU" unit:"% of the request" doc:"CPU use that the autoscaler aims at: 1 to 100."`
	Scaling         Scaling           `json:"scaling"`
	DrainTime       time.Duration     `json:"drainTime" doc:"How long a pod that ends goes on serving, for load balancers to notice. 1s to 10m."`
	RunAsUser       int               `json:"runAsUser" unit:"user id" doc:"As the model's."`
	Environment     map[string]string `json:"environment" doc:"As the model's. TF_SERVING_HOST is set by the program."`
}

// Ingress is the cluster's entrypoint.
type Ingress struct {
	Class               string   `json:"class" doc:"IngressClass: alb (AWS Load Balancer Controller; the one of platform eks), nginx, or another controller's."`
	Scheme              string   `json:"scheme" oneof:"internal|internet-facing" doc:"Whether the load balancer of class alb has public addresses. internet-facing needs allowedCidrs, whatever the class."`
	Host                string   `json:"host" doc:"Host name served; empty serves any."`
	CertificateARN      string   `json:"certificateArn" doc:"ACM certificate: HTTPS at the load balancer (class alb)."`
	TLSSecret           string   `json:"tlsSecret" doc:"Secret of type kubernetes.io/tls in the namespace: HTTPS at the controller (any class but alb). Needs host."`
	AllowedCIDRs        []string `json:"allowedCidrs" doc:"Address ranges that may call the gateway; empty leaves it to the network that the load balancer is in."`
	ControllerNamespace string   `json:"controllerNamespace" doc:"Namespace of the ingress controller's pods on platform kubernetes: the only pods that may call the gateway."`
}

// Cores are the CPU cores of the resources, rounded up. It panics on a CPU that is no quantity, which Decode lets nothing
// have.
func (r Resources) Cores() int {
	q := resource.MustParse(string(r.CPU))
	return int(q.Value())
}

// Default returns the settings of a stack that sets nothing. What has no sensible default is empty, and validation
// asks for it.
func Default() Settings {
	return Settings{
		Namespace: "tfserving",
		Network:   Network{CIDR: "10.0.0.0/16", Zones: 2, NATGateways: "single"},
		LoadBalancerController: LoadBalancerController{
			Chart: "aws-load-balancer-controller", Repository: "https://aws.github.io/eks-charts", Version: "1.13.4", Replicas: 2,
		},
		Repositories: Repositories{KeepImages: 30},
		Cluster:      Cluster{Version: "1.35", LogRetentionDays: 30},
		// The Cluster Autoscaler's own defaults.
		Autoscaler: Autoscaler{ScanInterval: 10 * time.Second, ScaleDownUnneededTime: 10 * time.Minute, ScaleDownDelayAfterAdd: 10 * time.Minute,
			Headroom: Headroom{Resources: Resources{CPU: "1", Memory: "1Gi"}}},
		// NodeBootTime is an assumption of the right order for an EC2 instance, not a measurement.
		// ScalingSync is the controller manager's own default.
		Local: Local{NodeBootTime: 40 * time.Second, ScalingSync: 15 * time.Second},
		Model: Model{
			// TF-Serving serves better from fewer, larger pods (its performance guide).
			Resources:        Resources{CPU: "1", Memory: "1Gi"},
			Replicas:         Replicas{Min: 2, Max: 6},
			TargetCPU:        70,
			Scaling:          defaultScaling(),
			Batching:         Batching{Timeout: time.Millisecond, MaxEnqueuedBatches: 100},
			MaxConnectionAge: 30 * time.Second,
			StartupTimeout:   5 * time.Minute,
			RunAsUser:        1000,
		},
		Gateway: Gateway{
			Port:      9696,
			Service:   ServiceClusterIP,
			Resources: Resources{CPU: "500m", Memory: "256Mi"},
			Replicas:  Replicas{Min: 2, Max: 10},
			TargetCPU: 70,
			Scaling:   defaultScaling(),
			DrainTime: 20 * time.Second,
			RunAsUser: 1000,
		},
		Ingress: Ingress{Class: catalog.IngressClassNginx, Scheme: "internal", ControllerNamespace: "ingress-nginx"},
	}
}

// defaultScaling goes up at once, doubling every 15 s (the autoscaler's own sync period), and down slowly: the
// Kubernetes default of 5 minutes without a higher recommendation, then half of the pods a minute at most.
func defaultScaling() Scaling {
	return Scaling{
		Up:   ScalingStep{Period: 15 * time.Second, Percent: 100, Pods: 4},
		Down: ScalingStep{Stabilization: 5 * time.Minute, Period: time.Minute, Percent: 50},
	}
}

// defaultNodeGroup is what a node group has where it does not say otherwise.
func defaultNodeGroup() NodeGroup {
	return NodeGroup{Capacity: CapacityOnDemand, Min: 1, Max: 3, DiskGiB: 50}
}
