// Package config holds the stack's settings as Go types. It reads them from a stack's file or from the engine, applies the
// defaults and checks the values. docs/settings.md is written from the types in settings.go.
package config

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"tfserving/catalog"
)

// Project is the Pulumi project's name. Every setting's key begins with it, except aws:region.
const Project = "tfserving"

// Values of platform.
const (
	PlatformEKS        = "eks"
	PlatformKubernetes = "kubernetes"
)

// Values of gateway.service, nodeGroups[].capacity, network.natGateways and ingress.scheme.
const (
	ServiceClusterIP     = "ClusterIP"
	ServiceLoadBalancer  = "LoadBalancer"
	CapacityOnDemand     = "onDemand"
	CapacitySpot         = "spot"
	NATSingle            = "single"
	NATPerZone           = "perZone"
	SchemeInternal       = "internal"
	SchemeInternetFacing = "internet-facing"
)

// LocalStack is the stack whose default of local.nodes is NodesSimulated, and that commands work on if none is named.
const LocalStack = "local"

// Values of local.nodes.
const (
	NodesNone      = "none"
	NodesSimulated = "simulated"
	NodesReal      = "real"
)

// Settings are the settings of a stack. Tags describe each field:
//
//   - json is its key
//   - doc and unit are its meaning and unit in docs/settings.md
//   - min and max bound a number or a duration, and validation checks them
//   - oneof lists the values that a text may have, and validation checks them
//
// After an edit, `go test ./config -run Reference -update` writes docs/settings.md.
type Settings struct {
	// Region is the setting aws:region of Pulumi's AWS provider. It is outside this project's namespace.
	Region                 string                 `json:"-" key:"aws:region" doc:"AWS region, such as eu-west-1. Platform eks needs it. Pulumi's AWS provider defines this setting, so its key does not begin with tfserving. The embedded cluster of stack local labels its nodes with it."`
	Platform               string                 `json:"platform" oneof:"eks|kubernetes" doc:"Where the application runs; required. eks creates a network, an EKS cluster and its nodes. kubernetes uses a cluster that exists."`
	Namespace              string                 `json:"namespace" doc:"Namespace of the application's objects. The program creates it, with Pod Security level restricted."`
	MonthlyBudget          int                    `json:"monthlyBudget" unit:"USD a month" doc:"Most that the stack may cost by its estimate, at the expected number of nodes. The policies refuse a stack that costs more (docs/policies.md). 0 sets no budget."`
	Policy                 Policy                 `json:"policy" doc:"Exceptions from the project's policies (docs/policies.md)."`
	Kubernetes             Kubernetes             `json:"kubernetes" doc:"The cluster of platform kubernetes."`
	AWS                    AWS                    `json:"aws" doc:"The AWS account of platform eks, and the tags of its resources."`
	Network                Network                `json:"network" doc:"The VPC of platform eks."`
	Cluster                Cluster                `json:"cluster" doc:"The EKS control plane of platform eks."`
	NodeGroups             []NodeGroup            `json:"nodeGroups" doc:"Groups of identical nodes that the autoscaler grows and shrinks. On platform eks the nodes are EC2 instances, and at least one group is required. The embedded cluster of stack local simulates them. The defaults apply to each group."`
	Autoscaler             Autoscaler             `json:"autoscaler" doc:"The Cluster Autoscaler. docs/scaling.md compares the default times with its own."`
	LoadBalancerController LoadBalancerController `json:"loadBalancerController" doc:"The AWS Load Balancer Controller of platform eks. It creates the load balancer of an Ingress of class alb, or of a gateway with service LoadBalancer."`
	Repositories           Repositories           `json:"repositories" doc:"The ECR repositories of platform eks: one for each image whose name has no registry."`
	Local                  Local                  `json:"local" doc:"The embedded cluster of a stack that brings one, such as stacks local and real. Other stacks ignore these settings."`
	NodeStartTimeout       time.Duration          `json:"nodeStartTimeout" min:"1s" max:"1h" doc:"How long a pod may wait for a node: until a new node has booted and has pulled the pod's image. The deadlines of rollouts follow from it."`
	NodeFailureTimeout     time.Duration          `json:"nodeFailureTimeout" min:"0s" max:"1h" doc:"How long pods stay on a node that does not answer before other nodes get their replacements. Kubernetes itself takes 40 to 50 s to see that a node does not answer; this time follows."`
	Model                  Model                  `json:"model" doc:"The TF-Serving model server."`
	Gateway                Gateway                `json:"gateway" doc:"The HTTP gateway in front of the model."`
	Schedule               Schedule               `json:"schedule" doc:"Working hours. Outside them the application has no pods and answers nobody, and the node groups of platform eks may shrink to one node in all. Off unless from, to and timeZone are set (docs/operations.md)."`
	Monitoring             Monitoring             `json:"monitoring" doc:"Metrics, alerts and e-mails on platform eks. Off by default (docs/monitoring.md)."`
	Ingress                Ingress                `json:"ingress" doc:"How callers outside the cluster reach the gateway."`
}

// Policy lists exceptions from the project's policies.
type Policy struct {
	Exceptions []PolicyException `json:"exceptions" doc:"Every preview and up shows the exceptions in force. An exception that has ended has no effect."`
}

// PolicyException lets resources break a policy rule until a day. Package policy defines the rules; a test there compares
// them with the oneof tag of Rule.
type PolicyException struct {
	Rule     string `json:"rule" oneof:"endpoint-cidrs|no-open-ingress|imdsv2|secrets-encrypted|volumes-encrypted|repositories-encrypted|topics-encrypted|no-star-iam|no-open-trust|required-tags|restricted-pods|pinned-images|prod-protected|prod-balancer-protected|prod-private-endpoint|within-budget" doc:"Name of the rule; required."`
	Resource string `json:"resource" doc:"Name of the resource that may break the rule, as a preview shows it, or a pattern in which * matches any text; required."`
	Reason   string `json:"reason" doc:"Why the exception exists, for readers of the preview; required."`
	Until    string `json:"until" doc:"Last day of the exception, in UTC, as year-month-day in quotes, such as \"2027-01-31\"; required."`
}

// Kubernetes identifies a cluster that exists.
type Kubernetes struct {
	Kubeconfig string `json:"kubeconfig" doc:"Path of the kubeconfig file, absolute or relative to the checkout. Platform kubernetes needs it."`
	Context    string `json:"context" doc:"Context in the kubeconfig; empty uses its current context."`
}

// AWS is the account of platform eks.
type AWS struct {
	AllowedAccountIDs []string `json:"allowedAccountIds" doc:"AWS accounts that may hold the stack, 12 digits each, in quotes; empty allows any. With credentials of another account, the program stops before it changes anything."`
	Owner             string   `json:"owner" doc:"Person or team that is responsible for the stack: tag owner of every AWS resource. Platform eks needs it."`
	CostCentre        string   `json:"costCentre" doc:"Who pays for the stack: tag cost-centre of every AWS resource; empty omits the tag."`
	Protect           bool     `json:"protect" doc:"Refuse to delete the VPC, the cluster, the keys, the repositories and the load balancer. make down fails until this is false and make up has run. Stack prod needs it, or exceptions from policies prod-protected and prod-balancer-protected (docs/policies.md)."`
}

// Network is the VPC of platform eks.
type Network struct {
	CIDR                 string   `json:"cidr" doc:"Address range of the VPC: private IPv4 (RFC 1918), /16 to /20. An ALB sends requests to pods from this range."`
	Zones                int      `json:"zones" unit:"zones" min:"2" max:"3" doc:"Availability zones that the subnets spread over."`
	NATGateways          string   `json:"natGateways" oneof:"single|perZone" doc:"single makes one NAT gateway for all zones, which is cheaper. perZone makes one in each zone, so that a zone's outage does not affect the others."`
	InterfaceEndpoints   []string `json:"interfaceEndpoints" doc:"AWS services that nodes reach through an interface endpoint in each zone instead of NAT, such as ecr.api, ecr.dkr, sts or logs; catalog/endpoint_services.go lists them. S3 always has a gateway endpoint, which is free."`
	FlowLogRetentionDays int      `json:"flowLogRetentionDays" unit:"days" doc:"How long CloudWatch Logs keeps the VPC's flow logs: a period that it offers. 0 makes no flow logs."`
}

// Cluster is the EKS control plane of platform eks.
type Cluster struct {
	Version           string            `json:"version" doc:"Kubernetes version of the control plane, as major.minor in quotes."`
	NodeVersion       string            `json:"nodeVersion" doc:"Kubernetes version of the nodes and of the add-ons, as major.minor in quotes: at most version, and at most 3 minor versions older. Empty follows version. While it stays behind version, an upgrade of the control plane can be rolled back at once (docs/operations.md)."`
	PublicAccessCIDRs []string          `json:"publicAccessCidrs" doc:"Address ranges that may reach the public API endpoint. Empty closes the endpoint: pulumi must then run inside the VPC or in a network that is connected to it."`
	AllowWorld        bool              `json:"allowWorld" doc:"Accept ranges wider than /8 in publicAccessCidrs, such as 0.0.0.0/0. They also need an exception from policy no-open-ingress (docs/policies.md)."`
	Administrators    []string          `json:"administrators" doc:"ARNs of the IAM roles or users that administer the cluster. The identity that runs pulumi must be one of them. Empty makes the identity that creates the cluster its only administrator. Set it before the cluster exists: a later change has no effect on that identity (docs/eks.md)."`
	LogTypes          []string          `json:"logTypes" doc:"The logs of the control plane that CloudWatch Logs takes in: api, audit, authenticator, controllerManager, scheduler. The default is all. Empty is none. audit tells who did what, and is nearly all of the volume (docs/cost.md)."`
	LogRetentionDays  int               `json:"logRetentionDays" unit:"days" doc:"How long CloudWatch Logs keeps the control plane's logs: a period that it offers."`
	PrefixDelegation  bool              `json:"prefixDelegation" doc:"Assign pod addresses to nodes in blocks of 16 (/28) instead of one by one. A node then runs more pods and takes more addresses from its subnet."`
	SSMAccess         bool              `json:"ssmAccess" doc:"Allow Systems Manager sessions on nodes."`
	NodeRepair        bool              `json:"nodeRepair" doc:"Let EKS replace a node that has not been ready for 30 minutes (EKS node auto repair). It replaces none while more than a fifth of a group of more than five nodes is unhealthy."`
	ZonalShift        bool              `json:"zonalShift" doc:"Register the cluster and the gateway's load balancer for zonal shift (Amazon Application Recovery Controller). While a shift of the cluster away from a zone is in force, no node starts in the zone and Services send nothing to its pods. You start a shift, or AWS does if you allow autoshift."`
	AddonVersions     map[string]string `json:"addonVersions" doc:"Versions of the EKS add-ons vpc-cni, coredns, kube-proxy, eks-pod-identity-agent and metrics-server. An add-on without a version here gets EKS's default for the cluster's version."`
}

// VersionOfNodes returns the Kubernetes version of the nodes and of the add-ons.
func (c *Cluster) VersionOfNodes() string { return cmp.Or(c.NodeVersion, c.Version) }

// NodeGroup is a group of identical nodes. EKS allows 450 nodes in a managed node group (EKS service quotas). Its AL2023
// image has 20 GiB, and a gp3 volume at most 16384 GiB.
type NodeGroup struct {
	Name          string            `json:"name" doc:"Name of the group; required."`
	InstanceTypes []string          `json:"instanceTypes" doc:"EC2 instance types, at least one, all with the same architecture, vCPUs and memory. Stack local simulates the first."`
	Capacity      string            `json:"capacity" oneof:"onDemand|spot" doc:"How AWS sells the instances."`
	Min           int               `json:"min" unit:"nodes" min:"0" max:"450" doc:"Fewest nodes. On platform eks a group without taints must have at least one, for the autoscaler itself."`
	Max           int               `json:"max" unit:"nodes" min:"1" max:"450" doc:"Most nodes."`
	Desired       int               `json:"desired" unit:"nodes" doc:"Nodes that the group starts with, from min to max; 0 starts with min. Afterwards the autoscaler sets the number, and make up does not reset it."`
	Priority      int               `json:"priority" min:"0" max:"1000" doc:"Of the groups with room for a pending pod, one with the highest priority gets a new node. 0 means 20 for spot and 10 for onDemand, so that spot nodes come first."`
	DiskGiB       int               `json:"diskGiB" unit:"GiB" min:"20" max:"16384" doc:"Size of each node's root volume."`
	Labels        map[string]string `json:"labels" doc:"Further labels of the nodes. Labels in the domains of Kubernetes and EKS are not allowed."`
	Taints        []Taint           `json:"taints" doc:"Taints of the nodes: only pods that tolerate them run there. The application's pods tolerate none, so platform eks needs a group without taints."`
}

// Default priorities of node groups. A spot node costs less than an on-demand node. If AWS has no spot instances, the
// autoscaler turns to the next priority.
const (
	spotPriority     = 20
	onDemandPriority = 10
)

// Priorities returns the priority of each node group for the autoscaler.
func (s *Settings) Priorities() map[string]int {
	priorities := map[string]int{}
	for _, g := range s.NodeGroups {
		byCapacity := onDemandPriority
		if g.Capacity == CapacitySpot {
			byCapacity = spotPriority
		}
		priorities[g.Name] = cmp.Or(g.Priority, byCapacity)
	}
	return priorities
}

// Taint keeps pods that do not tolerate it off a node.
type Taint struct {
	Key    string `json:"key" doc:"Key of the taint; required."`
	Value  string `json:"value" doc:"Value of the taint."`
	Effect string `json:"effect" oneof:"NoSchedule|PreferNoSchedule|NoExecute" doc:"What happens to pods that do not tolerate the taint; required."`
}

// Autoscaler is the Cluster Autoscaler.
type Autoscaler struct {
	ScanInterval           time.Duration `json:"scanInterval" min:"1s" max:"10m" doc:"How often it looks for pods that fit on no node and for idle nodes."`
	ScaleDownUnneededTime  time.Duration `json:"scaleDownUnneededTime" min:"1s" max:"24h" doc:"How long a node must be idle before it is removed."`
	ScaleDownDelayAfterAdd time.Duration `json:"scaleDownDelayAfterAdd" min:"1s" max:"24h" doc:"How long after it adds a node it removes none."`
	Image                  string        `json:"image" doc:"Image of the autoscaler on platform eks. Its minor version must be the cluster's. Empty uses the newest release of that minor version that this program knows."`
	Headroom               Headroom      `json:"headroom" doc:"Free room on the nodes of platform eks, so that new pods need not wait for a node. Placeholder pods of low priority reserve it, and any other pod replaces them."`
}

// Headroom is free room on the nodes for new pods.
type Headroom struct {
	Pods      int       `json:"pods" unit:"pods" min:"0" max:"100" doc:"Number of placeholder pods; 0 reserves nothing."`
	Resources Resources `json:"resources" doc:"Size of each placeholder pod."`
}

// LoadBalancerController is the AWS Load Balancer Controller.
type LoadBalancerController struct {
	Chart      string `json:"chart" doc:"Helm chart: its name in the repository or, if repository is empty, its path, absolute or relative to the checkout."`
	Repository string `json:"repository" doc:"https URL of the chart's repository; empty makes chart a path."`
	Version    string `json:"version" doc:"Version of the chart. The controller's IAM policy in components/loadbalancer is for the default version. Helm does not update the chart's custom resource definitions: docs/eks.md has the command."`
	Replicas   int    `json:"replicas" unit:"pods" min:"1" max:"5" doc:"Pods of the controller, of which one is active."`
}

// Repositories are the ECR repositories.
type Repositories struct {
	KeepImages int `json:"keepImages" unit:"images" min:"1" max:"1000" doc:"How many images each repository keeps. ECR deletes older ones."`
}

// Local configures an embedded cluster. The number of real nodes is bounded by embedded/node.MaxNodes.
type Local struct {
	Nodes        string        `json:"nodes" oneof:"none|simulated|real" doc:"The nodes of a cluster that make up starts on this machine. none starts no cluster: the stack's cluster exists. simulated runs no container. real runs containers, and needs Linux and root (docs/real-nodes.md). The default for stack local is simulated."`
	RealNodes    int           `json:"realNodes" unit:"nodes" min:"1" max:"5" doc:"Number of real nodes. They spread over network.zones zones."`
	NodeBootTime time.Duration `json:"nodeBootTime" min:"0s" max:"30m" doc:"Time from the request for a simulated instance to its ready node."`
	PodStartTime time.Duration `json:"podStartTime" min:"0s" max:"30m" doc:"Time from the scheduling of a simulated pod until it is ready. A pod with an image whose tag ends in -slow takes 30 s more, one whose tag ends in -broken never starts, and one whose tag ends in -crashing crashes 6 s after it is ready."`
	ScalingSync  time.Duration `json:"scalingSync" min:"1s" max:"5m" doc:"How often HorizontalPodAutoscalers are evaluated."`
}

// Resources are the requests of a pod's container. The memory is its limit, too.
type Resources struct {
	CPU    Quantity `json:"cpu" unit:"cores" doc:"CPU request, such as 2, 0.5 or 500m."`
	Memory Quantity `json:"memory" unit:"bytes, with a suffix such as Mi or Gi" doc:"Memory request and limit."`
}

// Quantity is a Kubernetes quantity, such as 500m or 1Gi.
type Quantity string

// Replicas bound the number of pods that the HorizontalPodAutoscaler sets. With equal bounds it keeps that number.
type Replicas struct {
	Min int `json:"min" unit:"pods" min:"1" max:"1000" doc:"Fewest pods."`
	Max int `json:"max" unit:"pods" min:"1" max:"1000" doc:"Most pods. Equal to min keeps that number."`
}

// Scaling is the pace of a HorizontalPodAutoscaler.
type Scaling struct {
	Up   ScalingStep `json:"up"`
	Down ScalingStep `json:"down"`
}

// ScalingStep is the pace in one direction. In each period the number of pods changes by the larger of Percent and Pods.
type ScalingStep struct {
	Stabilization time.Duration `json:"stabilization" min:"0s" max:"1h" doc:"Time over which the autoscaler considers its recommendations. It follows the most cautious of them."`
	Period        time.Duration `json:"period" min:"1s" max:"30m" doc:"Period that percent and pods apply to."`
	Percent       int           `json:"percent" unit:"% of the pods" min:"1" max:"10000" doc:"Largest change in a period, as a share of the pods."`
	Pods          int           `json:"pods" unit:"pods" min:"0" max:"1000" doc:"Largest change in a period, as a number; 0 applies percent alone. The larger of the two counts."`
	Tolerance     int           `json:"tolerance" unit:"% of the target" min:"0" max:"1000" doc:"How far the reading may be from the target before the number of pods changes. Kubernetes' own is 10. Another value needs Kubernetes 1.35 or newer."`
}

// Model is the TF-Serving model server. Kubernetes accepts user ids up to 2147483647.
type Model struct {
	Name             string            `json:"name" doc:"Name under which TF-Serving serves the model; required. It is part of the Service's name: at most 52 lower-case letters, digits and -."`
	Image            string            `json:"image" doc:"Image of TensorFlow Serving that contains the model, with a tag or digest; required."`
	AllowMutableTag  bool              `json:"allowMutableTag" doc:"Accept an image without a tag, or with the tag latest. Nodes that pull it at different times may run different images. It also needs an exception from policy pinned-images (docs/policies.md)."`
	Resources        Resources         `json:"resources"`
	CPULimit         int               `json:"cpuLimit" unit:"% of the request" min:"0" max:"10000" doc:"CPU limit, at least 100; 0 sets none. TF-Serving has a thread for each core of the limit, or of the request without a limit."`
	Replicas         Replicas          `json:"replicas"`
	TargetCPU        int               `json:"targetCPU" unit:"% of the request" min:"1" max:"100" doc:"Average CPU use that the autoscaler aims at."`
	Scaling          Scaling           `json:"scaling"`
	Batching         Batching          `json:"batching"`
	MaxConnectionAge time.Duration     `json:"maxConnectionAge" min:"1s" max:"10m" doc:"Age at which TF-Serving closes a gRPC connection, so that gateways connect again and reach other pods. Each gateway has one connection at a time, so the shorter the age, the more evenly calls spread over the pods. A pod that ends also waits for it."`
	StartupTimeout   time.Duration     `json:"startupTimeout" min:"10s" max:"1h" doc:"Time that the model may take to load before Kubernetes restarts the container."`
	RunAsUser        int               `json:"runAsUser" unit:"user id" min:"0" max:"2147483647" doc:"User of the container's process. 0 (root) lowers the namespace's Pod Security level to baseline, and needs exceptions from policy restricted-pods (docs/policies.md)."`
	Environment      map[string]string `json:"environment" doc:"Further environment variables. Do not put secrets here: the state and the cluster show the values."`
}

// Batching lets TF-Serving process several requests in one step.
type Batching struct {
	MaxBatchSize       int           `json:"maxBatchSize" unit:"requests" min:"0" max:"4096" doc:"Most requests in a batch; 0 turns batching off."`
	Timeout            time.Duration `json:"timeout" doc:"How long a batch may wait for more requests. From 0s to 1s."`
	MaxEnqueuedBatches int           `json:"maxEnqueuedBatches" unit:"batches" doc:"Most batches that may wait. TF-Serving refuses further requests at once."`
}

// Gateway is the HTTP gateway in front of the model.
type Gateway struct {
	Image           string            `json:"image" doc:"Image of the gateway, with a tag or digest; required."`
	AllowMutableTag bool              `json:"allowMutableTag" doc:"See tfserving:model.allowMutableTag."`
	Port            int               `json:"port" unit:"TCP port" min:"1" max:"65535" doc:"Port that the gateway listens on. Ports below 1024 are not allowed: the container has no capability to use them."`
	Service         string            `json:"service" oneof:"ClusterIP|LoadBalancer" doc:"ClusterIP puts the gateway behind an Ingress. LoadBalancer gives its Service a load balancer and makes no Ingress."`
	HealthPath      string            `json:"healthPath" doc:"HTTP path that answers 200 if the gateway is healthy. If it is empty, Kubernetes probes the TCP port, and a load balancer of class alb requests GET /predict and expects 405, which the course's gateway answers. Set it for a gateway with other routes."`
	HealthCheck     HealthCheck       `json:"healthCheck"`
	Resources       Resources         `json:"resources"`
	CPULimit        int               `json:"cpuLimit" unit:"% of the request" min:"0" max:"10000" doc:"CPU limit, at least 100; 0 sets none. A pod then uses what its node has free, so that the autoscaler sees how much a spike is."`
	Replicas        Replicas          `json:"replicas"`
	TargetCPU       int               `json:"targetCPU" unit:"% of the request" min:"1" max:"100" doc:"Average CPU use that the autoscaler aims at."`
	Scaling         Scaling           `json:"scaling"`
	DrainTime       time.Duration     `json:"drainTime" min:"1s" max:"10m" doc:"How long a pod that ends still serves requests, until load balancers stop sending them. A Network Load Balancer (gateway.service LoadBalancer on platform eks) takes 2 minutes or longer."`
	RunAsUser       int               `json:"runAsUser" unit:"user id" min:"0" max:"2147483647" doc:"See tfserving:model.runAsUser."`
	Environment     map[string]string `json:"environment" doc:"Further environment variables, as in tfserving:model.environment. The program sets TF_SERVING_HOST."`
}

// HealthCheck is how patiently the gateway is asked whether it is healthy: by Kubernetes, if the gateway has a healthPath, and
// by a load balancer of class alb. The bounds are those of an Application Load Balancer (API reference,
// ModifyTargetGroup).
type HealthCheck struct {
	Timeout  time.Duration `json:"timeout" min:"2s" max:"2m" doc:"How long a check waits for its answer. A gateway with one synchronous worker answers after the requests that came before, so it must be longer than all requests that one pod has open at a time."`
	Interval time.Duration `json:"interval" min:"5s" max:"5m" doc:"Time between two checks; more than timeout."`
	Failures int           `json:"failures" unit:"checks" min:"2" max:"10" doc:"Failures in a row after which a pod gets no more requests. Kubernetes restarts it after twice as many."`
}

// Schedule has the working hours of a stack.
type Schedule struct {
	Days     string `json:"days" doc:"Working days: days, and ranges of days, such as mon-fri or mon,wed-fri."`
	From     string `json:"from" doc:"When work begins, such as \"07:00\", in quotes."`
	To       string `json:"to" doc:"When work ends, on the same day."`
	TimeZone string `json:"timeZone" doc:"Time zone of the IANA database, such as Europe/Berlin. Its summer time is followed."`
	Image    string `json:"image" doc:"Image that runs kubectl, for the CronJobs that scale the application."`
}

// Monitoring is who gets the alerts of a stack on platform eks.
type Monitoring struct {
	Enabled bool     `json:"enabled" doc:"Make a workspace of Amazon Managed Service for Prometheus with the project's alert rules, alarms of CloudWatch, and a topic that sends both as e-mails."`
	Notify  []string `json:"notify" doc:"E-mail addresses that get the alerts; required if enabled. AWS first sends each a link to confirm."`
}

// Ingress is how callers outside the cluster reach the gateway.
type Ingress struct {
	Class               string   `json:"class" doc:"IngressClass; required with an Ingress. Platform eks needs alb (AWS Load Balancer Controller). On platform kubernetes it is the class of the cluster's ingress controller, such as traefik, haproxy or contour."`
	Scheme              string   `json:"scheme" oneof:"internal|internet-facing" doc:"internet-facing gives the load balancer of class alb public addresses. It needs allowedCidrs, with any class."`
	Host                string   `json:"host" doc:"Host name that the Ingress serves; empty serves every name."`
	CertificateARN      string   `json:"certificateArn" doc:"ACM certificate for HTTPS at the load balancer (class alb)."`
	TLSSecret           string   `json:"tlsSecret" doc:"Secret of type kubernetes.io/tls in the namespace, for HTTPS at the controller (any class except alb). It needs host."`
	AllowedCIDRs        []string `json:"allowedCidrs" doc:"Address ranges that may call the gateway. Empty allows every caller whose network reaches the load balancer."`
	ControllerNamespace string   `json:"controllerNamespace" doc:"Namespace of the ingress controller's pods; platform kubernetes needs it. Only these pods may call the gateway."`
}

// CPULimitOf returns the CPU limit of a pod with these resources and a limit in % of the request, or an empty text if the limit
// is 0.
func (r Resources) CPULimitOf(percent int) string {
	if percent == 0 {
		return ""
	}
	return resource.NewMilliQuantity(r.MilliCPU()*int64(percent)/100, resource.DecimalSI).String()
}

// MilliCPU returns the CPU request in thousandths of a core. It panics if CPU is no quantity; Decode refuses such settings.
func (r Resources) MilliCPU() int64 {
	q := resource.MustParse(string(r.CPU))
	return q.MilliValue()
}

// Cores returns the cores that a model server may use, rounded up: those of its limit, or of its request without a limit.
func (m *Model) Cores() int {
	q := resource.MustParse(cmp.Or(m.Resources.CPULimitOf(m.CPULimit), string(m.Resources.CPU)))
	return int(q.Value())
}

// defaultConnectionAge is short because each gateway calls one model server at a time, and chooses another one at random when
// it connects again: in two minutes 4 gateways connect about 100 times at 5 s, and 16 times at 30 s.
const defaultConnectionAge = 5 * time.Second

// Default returns the settings of a stack file without settings. Settings without a sensible default are empty, and
// validation requires them.
func Default() Settings {
	return Settings{
		Namespace: "tfserving",
		Network:   Network{CIDR: "10.0.0.0/16", Zones: 2, NATGateways: NATSingle},
		LoadBalancerController: LoadBalancerController{
			Chart: "aws-load-balancer-controller", Repository: "https://aws.github.io/eks-charts", Version: "3.5.0", Replicas: 2,
		},
		Repositories: Repositories{KeepImages: 30},
		Cluster:      Cluster{Version: "1.36", LogTypes: catalog.LogTypes(), LogRetentionDays: 30},
		// docs/scaling.md gives the reason of each time.
		Autoscaler: Autoscaler{ScanInterval: 5 * time.Second, ScaleDownUnneededTime: 5 * time.Minute, ScaleDownDelayAfterAdd: 5 * time.Minute,
			Headroom: Headroom{Resources: Resources{CPU: "1", Memory: "1Gi"}}},
		// NodeBootTime is an assumption about EC2 instances, not a measurement. ScalingSync is the default of
		// kube-controller-manager.
		Local: Local{Nodes: NodesNone, RealNodes: 2, NodeBootTime: 40 * time.Second, PodStartTime: time.Second, ScalingSync: 15 * time.Second},
		Model: Model{
			// TF-Serving's performance guide recommends fewer, larger pods.
			Resources:        Resources{CPU: "1", Memory: "1Gi"},
			CPULimit:         200,
			Replicas:         Replicas{Min: 2, Max: 6},
			TargetCPU:        70,
			Scaling:          defaultScaling(),
			Batching:         Batching{Timeout: time.Millisecond, MaxEnqueuedBatches: 100},
			MaxConnectionAge: defaultConnectionAge,
			StartupTimeout:   5 * time.Minute,
			RunAsUser:        1000,
		},
		// The time is an assumption: an EC2 instance boots and joins in 1 to 2 minutes, and a large model image takes as long.
		NodeStartTimeout: 5 * time.Minute,
		// Kubernetes' own 300 s leave a stack with two pods on half of its capacity for six minutes.
		NodeFailureTimeout: 30 * time.Second,
		Gateway: Gateway{
			Port:    9696,
			Service: ServiceClusterIP,
			// A synchronous worker with 5 callers whose requests take 1.5 s each answers a check after 7.5 s.
			HealthCheck: HealthCheck{Timeout: 10 * time.Second, Interval: 15 * time.Second, Failures: 4},
			Resources:   Resources{CPU: "500m", Memory: "256Mi"},
			Replicas:    Replicas{Min: 2, Max: 10},
			TargetCPU:   70,
			Scaling:     defaultScaling(),
			DrainTime:   20 * time.Second,
			RunAsUser:   1000,
		},
		Schedule: Schedule{Days: "mon-fri", Image: catalog.KubectlImage},
		Ingress:  Ingress{Scheme: SchemeInternal},
	}
}

// upStabilization is longer than the 15 s from one evaluation of the autoscaler to the next, and shorter than two of them: the
// one before must have asked for as many pods.
const upStabilization = 20 * time.Second

// defaultTolerance is Kubernetes' own, in % of the target (--horizontal-pod-autoscaler-tolerance).
const defaultTolerance = 10

// defaultScaling adds all pods that two readings in a row ask for: a reading cannot ask for 11 times as many. It removes pods
// as Kubernetes does by default: to the most that a reading of the last 5 minutes asked for. docs/scaling.md compares both.
func defaultScaling() Scaling {
	return Scaling{
		Up:   ScalingStep{Stabilization: upStabilization, Period: 15 * time.Second, Percent: 1000, Tolerance: defaultTolerance},
		Down: ScalingStep{Stabilization: 5 * time.Minute, Period: 15 * time.Second, Percent: 100, Tolerance: defaultTolerance},
	}
}

// defaultNodeGroup returns the values of the settings that a node group leaves out.
func defaultNodeGroup() NodeGroup {
	return NodeGroup{Capacity: CapacityOnDemand, Min: 1, Max: 3, DiskGiB: 50}
}
