package program

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

func TestNamespaceAndItsPoliciesAreCreatedFirst(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		ns := g.resource(t, resource.Namespace, "tfserving")
		first := []*registration{
			ns,
			g.resource(t, resource.NetworkPolicy, "tfserving-default-deny"),
			g.resource(t, resource.NetworkPolicy, "tfserving-allow-dns"),
			g.resource(t, "kubernetes:core/v1:ResourceQuota", "tfserving"),
			g.resource(t, "kubernetes:core/v1:LimitRange", "tfserving"),
		}
		for _, r := range g.kubernetesObjects() {
			if r == ns {
				continue
			}
			if got := r.meta.GetNamespace(); got != g.settings.Namespace {
				t.Errorf("%s is in namespace %q, want %q", r, got, g.settings.Namespace)
			}
			needs := first
			if slices.Contains(first, r) {
				needs = first[:1]
			}
			for _, b := range needs {
				if !g.dependsOn(r, b) {
					t.Errorf("%s does not wait for %s", r, b)
				}
			}
			if g.dependsOn(r, r) {
				t.Errorf("%s waits for itself", r)
			}
		}
	})
}

func TestPodsAreCreatedAfterTheirPolicies(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, r := range g.kubernetesObjects() {
			d, ok := r.object.(*appsv1.Deployment)
			if !ok {
				continue
			}
			for _, other := range g.kubernetesObjects() {
				if other.RegisterRPC.GetParent() != r.RegisterRPC.GetParent() {
					continue
				}
				switch o := other.object.(type) {
				case *networkingv1.NetworkPolicy, *corev1.ServiceAccount, *corev1.ConfigMap:
				case *corev1.Service:
					if o.Spec.Type == corev1.ServiceTypeLoadBalancer {
						// Pulumi waits until a load balancer has pods, so the pods must not wait for the load balancer.
						if g.dependsOn(r, other) || o.Annotations["pulumi.com/skipAwait"] != "" {
							t.Errorf("%s waits for its load balancer, or `make up` does not wait for the load balancer's address", d.Name)
						}
						continue
					}
					if o.Annotations["pulumi.com/skipAwait"] != "true" {
						t.Errorf("%s lacks pulumi.com/skipAwait: Pulumi would wait for its pods, which are created later", other)
					}
				case *autoscalingv2.HorizontalPodAutoscaler:
					if g.dependsOn(other, r) {
						t.Errorf("%s waits until %s has rolled out: pods that start slowly would have no autoscaler", other, r)
					}
					continue
				default:
					continue
				}
				if !g.dependsOn(r, other) {
					t.Errorf("%s does not wait for %s", r, other)
				}
			}
		}
	})
}

// Pulumi waits until a Deployment has rolled out, and deletes an old model only after everything else.
func TestGatewaysFollowAModelThatServes(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		gateway := g.resource(t, resource.Deployment, "gateway")
		for _, token := range []string{resource.Service, resource.Deployment} {
			if model := g.resource(t, token, "tf-serving-"+g.settings.Model.Name); !g.dependsOn(gateway, model) {
				t.Errorf("%s does not wait for %s, which it calls", gateway, model)
			}
		}
	})
}

// resourceSet is the resources that an order names together.
type resourceSet struct {
	name string
	find func(t *testing.T, g *graph) []*registration
}

// allOfType is the set of all resources of a type.
func allOfType(name, token string) resourceSet {
	return resourceSet{name, func(_ *testing.T, g *graph) []*registration { return g.ofType(token) }}
}

// clusterPart is the resource of a type that is named <cluster>-<suffix>, or <cluster> if suffix is empty.
func clusterPart(name, token, suffix string) resourceSet {
	return resourceSet{name, func(t *testing.T, g *graph) []*registration {
		return []*registration{g.resource(t, token, strings.TrimSuffix(g.clusterName()+"-"+suffix, "-"))}
	}}
}

var (
	controlPlane           = allOfType("the control plane", mockengine.Cluster)
	vpc                    = allOfType("the VPC", resource.VPC)
	natGateways            = allOfType("the NAT gateways", resource.NATGateway)
	routes                 = allOfType("the routes", resource.Route)
	nodeGroups             = allOfType("the node groups", resource.NodeGroup)
	imageRepositories      = allOfType("the image repositories", resource.Repository)
	vpcCNI                 = clusterPart("the CNI", typeAddon, "vpc-cni")
	coreDNS                = clusterPart("CoreDNS", typeAddon, "coredns")
	podIdentityAgent       = clusterPart("the Pod Identity agent", typeAddon, "eks-pod-identity-agent")
	clusterAutoscaler      = clusterPart("the autoscaler", resource.Deployment, "")
	loadBalancerController = allOfType("the load balancer controller", resource.HelmRelease)
	ingressClass           = allOfType("the Ingress class", "kubernetes:networking.k8s.io/v1:IngressClass")
	privateSubnets         = resourceSet{"the private subnets", func(_ *testing.T, g *graph) []*registration {
		return slices.DeleteFunc(g.ofType(resource.Subnet), func(r *registration) bool { return g.publicSubnets()[r.Name] })
	}}
	// balancedObject is the object for which the controller makes a load balancer in AWS.
	balancedObject = resourceSet{"the gateway's Ingress or Service", func(t *testing.T, g *graph) []*registration {
		if ingresses := g.ofType(resource.Ingress); len(ingresses) > 0 {
			return ingresses
		}
		return []*registration{g.resource(t, resource.Service, "gateway")}
	}}
	applicationPods = resourceSet{"the application's pods", func(t *testing.T, g *graph) []*registration {
		return []*registration{g.resource(t, resource.Deployment, "gateway"), g.resource(t, resource.Deployment, "tf-serving-"+g.settings.Model.Name)}
	}}
)

// order is two sets of resources, and why one of them waits for the other or does not.
type order struct {
	later, earlier resourceSet
	reason         string
}

// Pulumi deletes in the opposite order, so this is also the order of deletion.
func TestResourcesAreCreatedAfterWhatTheyNeed(t *testing.T) {
	orders := []order{
		{controlPlane, privateSubnets, "its network interfaces are in them"},
		{controlPlane, clusterPart("its log group", resource.LogGroup, ""), "EKS would create the log group and leave it behind"},
		{nodeGroups, controlPlane, "nodes join it"},
		{nodeGroups, natGateways, "nodes reach EKS through NAT to join"},
		{nodeGroups, routes, "nodes reach EKS through NAT to join"},
		{nodeGroups, allOfType("the internet gateway", resource.InternetGateway), "nodes reach EKS through NAT to join"},
		{nodeGroups, clusterPart("the S3 endpoint", resource.VPCEndpoint, "s3"), "a route that changes while a node pulls images breaks the pull"},
		{nodeGroups, clusterPart("the CNI's role", resource.PodIdentityAssociation, "vpc-cni"), "a CNI pod that starts without the role never gets it"},
		{nodeGroups, clusterPart("a node's right to join", resource.IAMRolePolicyAttachment, "node-AmazonEKSWorkerNodePolicy"), "nodes could not join"},
		{nodeGroups, clusterPart("a node's right to pull images", resource.IAMRolePolicyAttachment, "node-AmazonEC2ContainerRegistryPullOnly"), "pods could not start"},
		{coreDNS, nodeGroups, "its pods run on nodes"},
		{clusterAutoscaler, nodeGroups, "it runs on a node, and must be deleted first"},
		{clusterAutoscaler, podIdentityAgent, "its pod gets its AWS role from the agent"},
		{clusterAutoscaler, clusterPart("its role", resource.PodIdentityAssociation, "cluster-autoscaler"), "its pod needs the role when it starts"},
		{clusterAutoscaler, clusterPart("its role's policy", resource.IAMRolePolicy, "cluster-autoscaler"), "its pod needs the role when it starts"},
		{clusterAutoscaler, clusterPart("its rights in the cluster", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", ""), "it exits without them"},
		{loadBalancerController, nodeGroups, "it runs on nodes"},
		{loadBalancerController, coreDNS, "it resolves the names of AWS's services"},
		{loadBalancerController, vpcCNI, "its pods need addresses"},
		{loadBalancerController, podIdentityAgent, "its pods get their AWS role from the agent"},
		{loadBalancerController, clusterPart("its role", resource.PodIdentityAssociation, "aws-load-balancer-controller"), "it cannot delete load balancers without the role"},
		{loadBalancerController, clusterPart("its role's policy", resource.IAMRolePolicy, "aws-load-balancer-controller"), "it cannot delete load balancers without the policy"},
		{loadBalancerController, routes, "it calls AWS through NAT"},
		{loadBalancerController, vpc, "its load balancers are in it"},
		{ingressClass, loadBalancerController, "only the controller can release an Ingress for deletion"},
		{balancedObject, ingressClass, "the controller creates and deletes the load balancer"},
		{applicationPods, ingressClass, "the controller's webhook adds readiness gates when a pod is created"},
		{applicationPods, nodeGroups, "they run on nodes"},
		{applicationPods, coreDNS, "the gateway resolves the model's name"},
	}
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, o := range orders {
			later, earlier := o.later.find(t, g), o.earlier.find(t, g)
			if len(later) == 0 || len(earlier) == 0 {
				t.Errorf("there are %d resources of %s and %d of %s", len(later), o.later.name, len(earlier), o.earlier.name)
			}
			for _, a := range later {
				for _, b := range earlier {
					if !g.dependsOn(a, b) {
						t.Errorf("%s (%s) does not wait for %s (%s): %s", o.later.name, a, o.earlier.name, b, o.reason)
					}
				}
			}
		}
	})
}

func TestApplicationIsCreatedAfterNodesAndLoadBalancerController(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		needs := slices.Concat(loadBalancerController.find(t, g), ingressClass.find(t, g), nodeGroups.find(t, g))
		for _, r := range g.application().kubernetesObjects() {
			if g.parent(r).TypeToken == "tfserving:namespace:Namespace" {
				continue // no pod is in the namespace yet; every pod is created after it
			}
			for _, n := range needs {
				if !g.dependsOn(r, n) {
					t.Errorf("%s does not wait for %s", r, n)
				}
			}
		}
	})
}

func TestNoResourceDependsOnItself(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.resources {
			if g.dependsOn(r, r) {
				t.Errorf("%s waits for itself", r)
			}
		}
	})
}

// Each needless wait makes the first `make up` of a stack longer.
func TestIndependentResourcesAreCreatedInParallel(t *testing.T) {
	orders := []order{
		{controlPlane, natGateways, "the control plane takes ten minutes, the NAT gateways two"},
		{controlPlane, routes, "the control plane takes ten minutes, the routes wait for the NAT gateways"},
		{controlPlane, imageRepositories, "it runs none of the images"},
		{imageRepositories, vpc, "images are pushed while the cluster is created"},
		{imageRepositories, controlPlane, "images are pushed while the cluster is created"},
		{vpcCNI, nodeGroups, "nodes become ready only with the CNI"},
		{podIdentityAgent, nodeGroups, "the CNI gets its role from the agent"},
		{clusterPart("the autoscaler's role", resource.IAMRole, "cluster-autoscaler"), controlPlane, "it uses only the cluster's name"},
		{clusterPart("the load balancer controller's role", resource.IAMRole, "aws-load-balancer-controller"), controlPlane, "it uses only the cluster's name"},
		{allOfType("the launch templates", resource.LaunchTemplate), controlPlane, "they use nothing of the cluster"},
		{nodeGroups, coreDNS, "CoreDNS waits for nodes"},
		{loadBalancerController, clusterAutoscaler, "they do not use each other"},
		{clusterAutoscaler, loadBalancerController, "they do not use each other"},
	}
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, o := range orders {
			for _, a := range o.later.find(t, g) {
				for _, b := range o.earlier.find(t, g) {
					if g.dependsOn(a, b) {
						t.Errorf("%s (%s) waits for %s (%s) without need: %s", o.later.name, a, o.earlier.name, b, o.reason)
					}
				}
			}
		}
	})
}
