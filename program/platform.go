package program

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
	"tfserving/config"
	"tfserving/preflight"
)

// platform is the Kubernetes cluster that the application lands on.
type platform struct {
	provider   pulumi.ProviderResource
	kubeconfig pulumi.StringOutput // secret
	// images maps an image of the settings to the image that runs. Images absent from the map run unchanged.
	images map[string]pulumi.StringInput
	// ready is known once pods can run and be reached; nil where that is already so.
	ready pulumi.StringInput
	// namespaceLabels are the labels by which the platform's controllers find the application's namespace.
	namespaceLabels map[string]string
	// loadBalancerClass selects the controller that makes a load balancer of the gateway's Service. Empty leaves the
	// choice to the cluster.
	loadBalancerClass string
	outputs           pulumi.Map
}

// image returns the image that runs for an image of the settings.
func (p *platform) image(name string) pulumi.StringInput {
	if resolved, ok := p.images[name]; ok {
		return resolved
	}
	return pulumi.String(name)
}

func newPlatform(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks) (*platform, error) {
	if s.Platform == config.PlatformEKS {
		return newEKS(ctx, s, checks)
	}
	return newKubernetes(ctx, s)
}

// newKubernetes connects to a cluster that exists.
func newKubernetes(ctx *pulumi.Context, s *config.Settings) (*platform, error) {
	text, contextName, err := preflight.ReadKubeconfig(s.Kubernetes.Kubeconfig, s.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	if err := preflight.CheckCluster(ctx.Context(), text, preflight.ClusterTimeout); err != nil {
		return nil, fmt.Errorf("context %s of %s: %w (stack local: `make up` starts its cluster)", contextName, s.Kubernetes.Kubeconfig, err)
	}
	secret := pulumi.ToSecret(pulumi.String(text)).(pulumi.StringOutput)
	provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: secret})
	if err != nil {
		return nil, err
	}
	return &platform{provider: provider, kubeconfig: secret}, nil
}

// ingressCallers are the peers that carry requests from the cluster's ingress controller to the gateway's pods. An
// Application Load Balancer sends from its own addresses in the VPC; any other controller is pods of a namespace.
func ingressCallers(s *config.Settings) networkingv1.NetworkPolicyPeerArray {
	if s.Ingress.Class == catalog.IngressClassALB {
		return networkingv1.NetworkPolicyPeerArray{workload.Addresses(s.Network.CIDR)}
	}
	return networkingv1.NetworkPolicyPeerArray{workload.NamespacePods(s.Ingress.ControllerNamespace)}
}
