// Command tfserving is a Pulumi program that serves a TensorFlow model on Kubernetes.
package main

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/gateway"
	"tfserving/components/kubeconfig"
	"tfserving/components/modelserver"
	"tfserving/components/namespace"
	"tfserving/components/workload"
	"tfserving/config"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == resourcesCommand {
		printResources(os.Args[2])
		return
	}
	pulumi.Run(program)
}

func program(ctx *pulumi.Context) error {
	settings, err := config.Load(ctx)
	if err != nil {
		return err
	}
	return deploy(ctx, settings)
}

func deploy(ctx *pulumi.Context, settings *config.Settings) error {
	cluster, err := newPlatform(ctx, settings)
	if err != nil {
		return err
	}
	app, err := newApplication(ctx, cluster, settings)
	if err != nil {
		return err
	}
	ctx.Export("namespace", app.namespace)
	ctx.Export("gatewayUrl", app.gatewayURL)
	ctx.Export("modelEndpoint", app.modelEndpoint)
	ctx.Export("kubeconfig", cluster.kubeconfig)
	for name, value := range cluster.outputs {
		ctx.Export(name, value)
	}
	return nil
}

// platform is the Kubernetes cluster that the application lands on.
type platform struct {
	provider   pulumi.ProviderResource
	kubeconfig pulumi.StringOutput // secret
	// ingressPods are the peers through which requests come from the cluster's ingress controller.
	ingressPods networkingv1.NetworkPolicyPeerArray
	// images maps an image of the settings to where it is run from; one that is not in it is run as it is named.
	images map[string]pulumi.StringInput
	// ready is known once pods can run and be reached; nil where that is already so.
	ready pulumi.StringInput
	// namespaceLabels are what the platform's controllers look for on the application's namespace.
	namespaceLabels map[string]string
	// loadBalancerClass is what makes a load balancer of the gateway's Service; empty leaves it to the cluster.
	loadBalancerClass string
	outputs           pulumi.Map
}

// image is where an image of the settings is run from.
func (p *platform) image(name string) pulumi.StringInput {
	if from, ok := p.images[name]; ok {
		return from
	}
	return pulumi.String(name)
}

func newPlatform(ctx *pulumi.Context, s *config.Settings) (*platform, error) {
	if s.Platform == config.PlatformEKS {
		return newEKS(ctx, s)
	}
	return newKubernetes(ctx, s)
}

// newKubernetes finds a cluster that exists.
func newKubernetes(ctx *pulumi.Context, s *config.Settings) (*platform, error) {
	text, contextName, err := kubeconfig.Read(s.Kubernetes.Kubeconfig, s.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	if err := kubeconfig.Answers(ctx.Context(), text, kubeconfig.Timeout); err != nil {
		return nil, fmt.Errorf("context %s of %s: %w (stack local: `make up` starts its cluster)", contextName, s.Kubernetes.Kubeconfig, err)
	}
	secret := pulumi.ToSecret(pulumi.String(text)).(pulumi.StringOutput)
	provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: secret})
	if err != nil {
		return nil, err
	}
	return &platform{
		provider:    provider,
		kubeconfig:  secret,
		ingressPods: networkingv1.NetworkPolicyPeerArray{workload.NamespacePods(s.Ingress.ControllerNamespace)},
	}, nil
}

// application is what callers of the model need to know.
type application struct {
	namespace, gatewayURL, modelEndpoint pulumi.StringOutput
}

const (
	namespaceName = "tfserving"
	gatewayName   = "gateway"
	// drainingShare is how many pods may be on their way out while as many run: a rollout replaces every one, and each
	// drains for a while.
	drainingShare = 2
)

func newApplication(ctx *pulumi.Context, cluster *platform, s *config.Settings) (*application, error) {
	on := pulumi.Provider(cluster.provider)
	models, gateways := scaling(s.Model.Replicas, s.Model.TargetCPU, s.Model.Scaling), scaling(s.Gateway.Replicas, s.Gateway.TargetCPU, s.Gateway.Scaling)

	ns, err := namespace.NewNamespace(ctx, namespaceName, &namespace.Args{
		Name:      s.Namespace,
		AllowRoot: s.Model.RunAsUser == 0 || s.Gateway.RunAsUser == 0,
		MaxPods:   drainingShare * (models.MaxPods() + gateways.MaxPods()),
		Labels:    cluster.namespaceLabels,
		Ready:     cluster.ready,
	}, on)
	if err != nil {
		return nil, err
	}
	model, err := modelserver.NewModelServer(ctx, s.Model.Name, modelArgs(s, models, cluster, ns), on)
	if err != nil {
		return nil, err
	}
	entry, err := gateway.NewGateway(ctx, gatewayName, gatewayArgs(s, gateways, cluster, ns, model), on)
	if err != nil {
		return nil, err
	}
	return &application{namespace: ns.Name, gatewayURL: entry.URL, modelEndpoint: model.Endpoint}, nil
}

func modelArgs(s *config.Settings, scaled workload.Scaling, cluster *platform, ns *namespace.Namespace) *modelserver.Args {
	m := s.Model
	args := &modelserver.Args{
		Namespace:        ns.Name,
		Model:            m.Name,
		Image:            cluster.image(m.Image),
		Resources:        workload.Resources{CPU: string(m.Resources.CPU), Memory: string(m.Resources.Memory)},
		Threads:          m.Resources.Cores(),
		Scaling:          scaled,
		MaxConnectionAge: m.MaxConnectionAge,
		StartupTimeout:   m.StartupTimeout,
		RunAsUser:        m.RunAsUser,
		Environment:      m.Environment,
		Callers:          gateway.Identity(gatewayName).Selector(),
	}
	if b := m.Batching; b.MaxBatchSize > 0 {
		args.Batching = &modelserver.Batching{MaxBatchSize: b.MaxBatchSize, Timeout: b.Timeout, MaxEnqueuedBatches: b.MaxEnqueuedBatches}
	}
	return args
}

func gatewayArgs(s *config.Settings, scaled workload.Scaling, cluster *platform, ns *namespace.Namespace, model *modelserver.ModelServer) *gateway.Args {
	g, in := s.Gateway, s.Ingress
	args := &gateway.Args{
		Namespace:     ns.Name,
		Image:         cluster.image(g.Image),
		Port:          g.Port,
		HealthPath:    g.HealthPath,
		Resources:     workload.Resources{CPU: string(g.Resources.CPU), Memory: string(g.Resources.Memory)},
		Scaling:       scaled,
		DrainTime:     g.DrainTime,
		RunAsUser:     g.RunAsUser,
		Environment:   g.Environment,
		ModelEndpoint: model.Endpoint,
		ModelPods:     modelserver.Identity(s.Model.Name).Selector(),
		ModelPort:     modelserver.GRPCPort,
		Callers:       cluster.ingressPods,
		AllowedCIDRs:  in.AllowedCIDRs,
	}
	if g.Service == "LoadBalancer" && cluster.loadBalancerClass != "" {
		args.LoadBalancer = &gateway.LoadBalancer{Class: cluster.loadBalancerClass, Scheme: in.Scheme, DeletionProtection: s.AWS.Protect}
		return args
	}
	if g.Service == "LoadBalancer" {
		// Its Service keeps the callers' own addresses.
		args.Callers = nil
		for _, cidr := range in.AllowedCIDRs {
			args.Callers = append(args.Callers, workload.Addresses(cidr))
		}
		return args
	}
	if in.Class == gateway.ClassALB {
		// An ALB sends to pods from its own addresses in the VPC; it is no pod.
		args.Callers = networkingv1.NetworkPolicyPeerArray{workload.Addresses(s.Network.CIDR)}
	}
	args.Ingress = &gateway.Ingress{
		Class: in.Class, Scheme: in.Scheme, Host: in.Host, CertificateARN: in.CertificateARN, TLSSecret: in.TLSSecret,
		DeletionProtection: s.AWS.Protect,
	}
	return args
}

func scaling(n config.Replicas, target int, s config.Scaling) workload.Scaling {
	return workload.Scaling{Min: n.Min, Max: n.Max, TargetCPU: target, Up: workload.ScalingStep(s.Up), Down: workload.ScalingStep(s.Down)}
}
