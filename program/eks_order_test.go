package program

import (
	"slices"
	"strings"
	"testing"

	"tfserving/internal/mockengine"
)

// kind is a set of resources that stand together in an order.
type kind struct {
	name string
	of   func(t *testing.T, g *graph) []*registered
}

func ofType(name, token string) kind {
	return kind{name, func(_ *testing.T, g *graph) []*registered { return g.ofType(token) }}
}

// part are the resources of a type whose name ends so, after the cluster's.
func part(name, token, suffix string) kind {
	return kind{name, func(t *testing.T, g *graph) []*registered {
		return []*registered{g.registered(t, token, strings.TrimSuffix("tfserving-"+g.stack+"-"+suffix, "-"))}
	}}
}

var (
	controlPlanes = ofType("the control plane", mockengine.Cluster)
	nodeGroups    = ofType("the node groups", "aws:eks/nodeGroup:NodeGroup")
	release       = ofType("the load balancer controller", "kubernetes:helm.sh/v3:Release")
	ingressClass  = ofType("its Ingress class", "kubernetes:networking.k8s.io/v1:IngressClass")
	ingress       = ofType("the Ingress", "kubernetes:networking.k8s.io/v1:Ingress")
	routes        = ofType("the routes", "aws:ec2/route:Route")
	nats          = ofType("the NAT gateways", "aws:ec2/natGateway:NatGateway")
	autoscaling   = part("the autoscaler", "kubernetes:apps/v1:Deployment", "")
	dns           = part("the cluster's DNS", "aws:eks/addon:Addon", "coredns")
	agent         = part("the Pod Identity agent", "aws:eks/addon:Addon", "eks-pod-identity-agent")
	cni           = part("the CNI", "aws:eks/addon:Addon", "vpc-cni")
	imageStores   = ofType("the repositories", "aws:ecr/repository:Repository")
	// entrance is what makes a load balancer in AWS.
	entrance = kind{"the gateway's way in", func(t *testing.T, g *graph) []*registered {
		if in := ingress.of(t, g); len(in) > 0 {
			return in
		}
		return []*registered{g.registered(t, "kubernetes:core/v1:Service", "gateway")}
	}}
	servers = kind{"the application's pods", func(t *testing.T, g *graph) []*registered {
		return []*registered{
			g.registered(t, "kubernetes:apps/v1:Deployment", "gateway"),
			g.registered(t, "kubernetes:apps/v1:Deployment", "tf-serving-"+g.settings.Model.Name),
		}
	}}
)

// Pulumi deletes in the opposite order, so each line is one of destruction, too.
func TestEachThingComesAfterWhatItNeedsAndGoesBefore(t *testing.T) {
	type line struct {
		later, earlier kind
		because        string
	}
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, l := range []line{
			{controlPlanes, ofType("the private and public subnets", "aws:ec2/subnet:Subnet"), "its network interfaces are in the private ones"},
			{controlPlanes, part("its log group", "aws:cloudwatch/logGroup:LogGroup", ""), "EKS would make one itself, and leave it"},
			{nodeGroups, controlPlanes, "nodes join it"},
			{nodeGroups, nats, "nodes cannot join without a way out"},
			{nodeGroups, routes, "as above"},
			{nodeGroups, ofType("the internet gateway", "aws:ec2/internetGateway:InternetGateway"), "as above"},
			{nodeGroups, part("the S3 endpoint", "aws:ec2/vpcEndpoint:VpcEndpoint", "s3"), "a route that changes under a node breaks its pulls"},
			{nodeGroups, part("the CNI's role", "aws:eks/podIdentityAssociation:PodIdentityAssociation", "vpc-cni"), "a pod of the CNI that comes first has no rights for its life"},
			{nodeGroups, part("a node's right to join", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "node-AmazonEKSWorkerNodePolicy"), "nodes could not join"},
			{nodeGroups, part("a node's right to pull", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "node-AmazonEC2ContainerRegistryPullOnly"), "pods could not start"},
			{dns, nodeGroups, "its pods run on nodes"},
			{autoscaling, nodeGroups, "it runs on a node, and so must leave first"},
			{autoscaling, agent, "its pod gets its AWS role there"},
			{autoscaling, part("its role", "aws:eks/podIdentityAssociation:PodIdentityAssociation", "cluster-autoscaler"), "as above"},
			{autoscaling, part("what its role may do", "aws:iam/rolePolicy:RolePolicy", "cluster-autoscaler"), "as above"},
			{autoscaling, part("its rights in the cluster", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", ""), "it ends without them"},
			{release, nodeGroups, "it runs on nodes"},
			{release, dns, "it resolves AWS's names"},
			{release, cni, "its pods need addresses"},
			{release, agent, "its pods get their AWS role there"},
			{release, part("its role", "aws:eks/podIdentityAssociation:PodIdentityAssociation", "aws-load-balancer-controller"), "without it no load balancer can be deleted"},
			{release, part("what its role may do", "aws:iam/rolePolicy:RolePolicy", "aws-load-balancer-controller"), "as above"},
			{release, routes, "it calls AWS through NAT"},
			{release, ofType("the VPC", "aws:ec2/vpc:Vpc"), "its load balancers are in it"},
			{ingressClass, release, "no Ingress is let go without the controller"},
			{entrance, ingressClass, "the controller makes its load balancer, and deletes it"},
			{servers, ingressClass, "its webhook puts readiness gates on pods as they are made"},
			{servers, nodeGroups, "they run on nodes"},
			{servers, dns, "the gateway looks the model up"},
		} {
			later, earlier := l.later.of(t, g), l.earlier.of(t, g)
			if len(later) == 0 || len(earlier) == 0 {
				t.Errorf("there are %d of %s and %d of %s", len(later), l.later.name, len(earlier), l.earlier.name)
			}
			for _, a := range later {
				for _, b := range earlier {
					if b.TypeToken == "aws:ec2/subnet:Subnet" && g.public()[b.Name] {
						continue
					}
					if !g.comesAfter(a, b) {
						t.Errorf("%s (%s) does not wait for %s (%s): %s", l.later.name, a, l.earlier.name, b, l.because)
					}
				}
			}
		}
	})
}

func TestEveryObjectOfTheApplicationWaitsForTheControllerAndNodes(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		needs := slices.Concat(release.of(t, g), ingressClass.of(t, g), nodeGroups.of(t, g))
		for _, r := range g.application().kubernetesObjects() {
			if g.byURN[r.RegisterRPC.GetParent()].TypeToken == "tfserving:namespace:Namespace" {
				continue // no pod is in it yet; what follows comes after it
			}
			for _, n := range needs {
				if !g.comesAfter(r, n) {
					t.Errorf("%s does not wait for %s", r, n)
				}
			}
		}
	})
}

func TestNothingWaitsForItself(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			if g.comesAfter(r, r) {
				t.Errorf("%s waits for itself", r)
			}
		}
	})
}

// Each minute on the critical path is one of every first up.
func TestNothingWaitsForWhatItDoesNotNeed(t *testing.T) {
	type line struct {
		one, other kind
		because    string
	}
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, l := range []line{
			{controlPlanes, nats, "ten minutes beside two"},
			{controlPlanes, routes, "as above"},
			{controlPlanes, imageStores, "it runs none of the images"},
			{imageStores, ofType("the VPC", "aws:ec2/vpc:Vpc"), "images are pushed while the cluster is made"},
			{imageStores, controlPlanes, "as above"},
			{cni, nodeGroups, "nodes are not ready without it"},
			{agent, nodeGroups, "the CNI gets its role from it"},
			{part("the autoscaler's role", "aws:iam/role:Role", "cluster-autoscaler"), controlPlanes, "its name is known before"},
			{part("the controller's role", "aws:iam/role:Role", "aws-load-balancer-controller"), controlPlanes, "as above"},
			{ofType("the launch templates", "aws:ec2/launchTemplate:LaunchTemplate"), controlPlanes, "they name no cluster that must be there"},
			{nodeGroups, dns, "DNS waits for nodes"},
			{release, autoscaling, "they do not know each other"},
			{autoscaling, release, "as above"},
		} {
			for _, a := range l.one.of(t, g) {
				for _, b := range l.other.of(t, g) {
					if g.comesAfter(a, b) {
						t.Errorf("%s (%s) waits for %s (%s), and need not: %s", l.one.name, a, l.other.name, b, l.because)
					}
				}
			}
		}
	})
}
