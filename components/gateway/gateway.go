// Package gateway registers the HTTP gateway in front of a model server: a Deployment, its Service, an Ingress or a load
// balancer, an autoscaler, a disruption budget and a network policy.
package gateway

import (
	"fmt"
	"slices"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// Component is the value of the component label of a gateway's objects.
const Component = "gateway"

// ServicePort is the port on which callers reach the gateway's Service.
const ServicePort = 80

// Args describe a gateway.
type Args struct {
	Namespace   pulumi.StringInput
	Image       pulumi.StringInput
	Port        int    // port on which the gateway listens
	HealthPath  string // answers 200 if the gateway is healthy; empty probes the TCP port
	HealthCheck HealthCheck
	Resources   workload.Resources
	Scaling     workload.Scaling
	// InitialReplicas is the number of pods of a new Deployment.
	InitialReplicas pulumi.IntInput
	Nodes           workload.Nodes
	DrainTime       time.Duration // how long a pod that ends still serves
	RunAsUser       int           // 0 is root, which the namespace must allow
	Environment     map[string]string
	// ModelEndpoint is the host:port of the model server's gRPC API. It is known once the model serves, so the gateway's pods
	// start after that. ModelRollout is the longest time that this takes.
	ModelEndpoint pulumi.StringInput
	ModelRollout  time.Duration
	// ModelPods and ModelPort are the labels and the port of every model server of the application, for the network policy.
	// The labels are those of all models: while a rollout changes the model, old pods still call the old one.
	ModelPods pulumi.StringMap
	ModelPort int
	// Callers are the peers that may call the gateway's pods: the ingress controller's pods, or the addresses of a load
	// balancer.
	Callers networkingv1.NetworkPolicyPeerArray
	// CallersName is a name for the callers, such as their namespace. It is part of the network policy's name. So other callers
	// get a policy of their own, and the policy of the callers before them stays until the end of an `up`.
	CallersName string
	// Ingress describes the Ingress; nil makes the Service a load balancer, which admits AllowedCIDRs.
	Ingress *Ingress
	// LoadBalancer describes that load balancer; nil takes the cluster's default kind.
	LoadBalancer *LoadBalancer
	AllowedCIDRs []string // address ranges of callers; empty sets no restriction
}

// Ingress describes the Ingress of a gateway.
type Ingress struct {
	Class          string
	Scheme         string // internal or internet-facing
	Host           string // empty matches any host
	CertificateARN string // certificate for HTTPS at an AWS load balancer; empty is HTTP
	TLSSecret      string // Secret with the certificate for HTTPS at the ingress controller; empty is HTTP
	// DeletionProtection makes AWS refuse to delete the load balancer. ZonalShift allows a shift away from an impaired zone.
	DeletionProtection, ZonalShift bool
}

// LoadBalancer describes the load balancer of a gateway's Service.
type LoadBalancer struct {
	Class  string // such as catalog.LoadBalancerClassNLB
	Scheme string // internal or internet-facing
	// DeletionProtection makes AWS refuse to delete the load balancer. ZonalShift allows a shift away from an impaired zone.
	DeletionProtection, ZonalShift bool
}

// Gateway is the HTTP gateway.
type Gateway struct {
	pulumi.ResourceState

	// URL is the address at which callers reach the gateway; empty if the load balancer has no address yet.
	URL pulumi.StringOutput
	// Deployment is the name of the Deployment. It is known once Pulumi has made or changed it.
	Deployment pulumi.StringOutput
}

// Identity returns the labels of the gateway of this name.
func Identity(name string) workload.Identity {
	return workload.Identity{Component: Component, Name: "gateway", Instance: name}
}

// NewGateway deploys a gateway into an existing namespace. A gateway without callers is an error.
func NewGateway(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Gateway, error) {
	if len(args.Callers) == 0 {
		// A rule of a NetworkPolicy without peers admits all.
		return nil, fmt.Errorf("gateway %s: it needs callers; without any, its NetworkPolicy would admit everyone", name)
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
	policy, err := newNetworkPolicy(ctx, name+"-from-"+args.CallersName, args, id, child)
	if err != nil {
		return nil, err
	}
	beforePods := []pulumi.Resource{policy}
	// Callers come by the Service's load balancer or by the Ingress once the policy admits them.
	admitted := pulumi.DependsOn(beforePods)
	service, err := newService(ctx, name, args, id, child, admitted)
	if err != nil {
		return nil, err
	}
	if args.Ingress != nil {
		// An `up` waits until a Service of type LoadBalancer has pods, so those pods cannot wait for the Service.
		beforePods = append(beforePods, service)
	}
	deployment, err := newDeployment(ctx, name, args, id, account, child, pulumi.DependsOn(beforePods))
	if err != nil {
		return nil, err
	}
	g.Deployment = deployment.Metadata.Name().Elem()
	if err := workload.Protect(ctx, name, args.Namespace, id, args.Scaling, child); err != nil {
		return nil, err
	}
	beforeEntrypoint := []pulumi.Resource{policy}
	if args.Ingress != nil && args.Ingress.Class != catalog.IngressClassALB {
		// So Pulumi deletes the Ingress before the pods behind it: in another namespace, another Ingress takes over for the host
		// once the older one is gone. Pods behind an ALB are ready only once it has registered them, so they cannot come first.
		beforeEntrypoint = append(beforeEntrypoint, deployment)
	}
	if g.URL, err = newEntrypoint(ctx, name, args, id, service, child, pulumi.DependsOn(beforeEntrypoint)); err != nil {
		return nil, err
	}
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"url": g.URL})
}

// balancerTime is the longest time until a load balancer has an address (Pulumi's default for a Service).
const balancerTime = 10 * time.Minute

func newService(ctx *pulumi.Context, name string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.Service, error) {
	meta := workload.ObjectMeta(name, args.Namespace, id)
	spec := &corev1.ServiceSpecArgs{
		Type:     pulumi.String("ClusterIP"),
		Selector: id.Selector(),
		Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
			Name: pulumi.String(httpPort), Port: pulumi.Int(ServicePort), TargetPort: pulumi.String(httpPort),
		}},
	}
	if args.Ingress != nil {
		meta = workload.WithoutWaiting(meta)
	} else {
		// An `up` waits until the load balancer has an address and the Service has a ready pod.
		timeout := (args.ModelRollout + args.rollout().Timeout(args.Scaling) + balancerTime).String()
		opts = append(slices.Clone(opts), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: timeout, Update: timeout}))
		spec.Type = pulumi.String("LoadBalancer")
		spec.LoadBalancerSourceRanges = pulumi.ToStringArray(args.AllowedCIDRs)
		if lb := args.LoadBalancer; lb != nil {
			spec.LoadBalancerClass = pulumi.String(lb.Class)
			meta = workload.Annotate(meta, loadBalancerAnnotations(args))
		} else {
			// Requests keep the caller's address, which the NetworkPolicy checks, and are not forwarded to another node.
			spec.ExternalTrafficPolicy = pulumi.String("Local")
		}
	}
	return corev1.NewService(ctx, name, &corev1.ServiceArgs{Metadata: meta, Spec: spec}, opts...)
}
