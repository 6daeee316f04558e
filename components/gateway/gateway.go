// Package gateway makes the HTTP gateway in front of a model server: a Deployment, the external Service, the Ingress
// that is the cluster's entrypoint, and what scales and protects them.
package gateway

import (
	"errors"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Component is the value of the component label of a gateway's objects.
const Component = "gateway"

// ServicePort is the port on which callers reach the gateway's Service.
const ServicePort = 80

// Args shape a gateway.
type Args struct {
	Namespace   pulumi.StringInput
	Image       pulumi.StringInput
	Port        int    // on which the gateway listens
	HealthPath  string // answers 200 when all is well; empty probes the TCP port
	Resources   workload.Resources
	Scaling     workload.Scaling
	DrainTime   time.Duration // how long a pod that ends goes on serving
	RunAsUser   int           // 0 is root, which the namespace must allow
	Environment map[string]string
	// ModelEndpoint is host:port of the model server's gRPC API; ModelPods and ModelPort are what the gateway may
	// reach of it.
	ModelEndpoint pulumi.StringInput
	ModelPods     pulumi.StringMap
	ModelPort     int
	// Callers may call the gateway's pods: the ingress controller's pods, or the addresses of a load balancer.
	Callers networkingv1.NetworkPolicyPeerArray
	// Ingress is the entrypoint; where it is nil, the Service is a load balancer of its own for AllowedCIDRs.
	Ingress *Ingress
	// LoadBalancer says who makes that load balancer; nil leaves it to the cluster.
	LoadBalancer *LoadBalancer
	AllowedCIDRs []string // who may call; empty leaves it to the load balancer's network
}

// Ingress shapes the cluster's entrypoint.
type Ingress struct {
	Class          string
	Scheme         string // internal or internet-facing
	Host           string // empty serves any host
	CertificateARN string // HTTPS at an AWS load balancer
	TLSSecret      string // HTTPS at the ingress controller
	// DeletionProtection keeps AWS from deleting the load balancer until it is lifted.
	DeletionProtection bool
}

// LoadBalancer shapes the load balancer of a gateway's own Service.
type LoadBalancer struct {
	Class  string // catalog.LoadBalancerClassNLB or another controller's
	Scheme string // internal or internet-facing
	// DeletionProtection keeps AWS from deleting it until it is lifted.
	DeletionProtection bool
}

// Gateway is the HTTP gateway.
type Gateway struct {
	pulumi.ResourceState

	// URL is where callers reach the gateway.
	URL pulumi.StringOutput
}

// Identity are the labels of the gateway of an application.
func Identity(name string) workload.Identity {
	return workload.Identity{Component: Component, Name: "gateway", Instance: name}
}

// NewGateway deploys a gateway into a namespace that exists.
func NewGateway(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Gateway, error) {
	if len(args.Callers) == 0 {
		// In a NetworkPolicy, from nobody in particular means from everybody.
		return nil, errors.New("a gateway needs callers: without any, its NetworkPolicy would admit everyone")
	}
	g := &Gateway{}
	if err := ctx.RegisterComponentResource("tfserving:gateway:Gateway", name, g, opts...); err != nil {
		return nil, err
	}
	id := Identity(name)
	child := pulumi.Parent(g)

	account, err := workload.NewServiceAccount(ctx, name, args.Namespace, id, child)
	if err != nil {
		return nil, err
	}
	policy, err := newNetworkPolicy(ctx, name, args, id, child)
	if err != nil {
		return nil, err
	}
	before := []pulumi.Resource{policy}
	service, err := newService(ctx, name, args, id, child)
	if err != nil {
		return nil, err
	}
	if args.Ingress != nil {
		// A load balancer's Service is waited for until pods answer, so there the pods cannot come after it.
		before = append(before, service)
	}
	deployment, err := newDeployment(ctx, name, args, id, account, child, pulumi.DependsOn(before))
	if err != nil {
		return nil, err
	}
	if err := workload.Protect(ctx, name, args.Namespace, id, deployment, args.Scaling, child); err != nil {
		return nil, err
	}
	if g.URL, err = entrypoint(ctx, name, args, id, service, child); err != nil {
		return nil, err
	}
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"url": g.URL})
}

func newService(ctx *pulumi.Context, name string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.Service, error) {
	meta := workload.ObjectMeta(name, args.Namespace, id)
	spec := &corev1.ServiceSpecArgs{
		Type:     pulumi.String("ClusterIP"),
		Selector: id.Selector(),
		Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
			Name: pulumi.String("http"), Port: pulumi.Int(ServicePort), TargetPort: pulumi.String("http"),
		}},
	}
	if args.Ingress != nil {
		meta = workload.WithoutWaiting(meta)
	} else {
		spec.Type = pulumi.String("LoadBalancer")
		spec.LoadBalancerSourceRanges = pulumi.ToStringArray(args.AllowedCIDRs)
		if lb := args.LoadBalancer; lb != nil {
			spec.LoadBalancerClass = pulumi.String(lb.Class)
			meta.Annotations = pulumi.ToStringMap(balancerAnnotations(args))
		} else {
			// Callers keep their own addresses, by which the NetworkPolicy knows them, and no node passes on to another.
			spec.ExternalTrafficPolicy = pulumi.String("Local")
		}
	}
	return corev1.NewService(ctx, name, &corev1.ServiceArgs{Metadata: meta, Spec: spec}, opts...)
}
