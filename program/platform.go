package program

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	appsv1 "k8s.io/api/apps/v1"

	"tfserving/catalog"
	"tfserving/components/workload"
	"tfserving/config"
	"tfserving/preflight"
	"tfserving/rollout"
)

// platform is the Kubernetes cluster on which the application runs.
type platform struct {
	provider   pulumi.ProviderResource
	kubeconfig pulumi.StringOutput // secret
	// images maps an image of the settings to the image that runs. Images absent from the map run unchanged.
	images map[string]pulumi.StringInput
	// ready is known when pods can start and get traffic. Resources that use it are created after that, and deleted before the
	// controllers that serve the pods. It is nil if the cluster exists already.
	ready pulumi.StringInput
	// namespaceLabels are labels of the application's namespace that the platform's controllers select namespaces by.
	namespaceLabels map[string]string
	// loadBalancerClass selects the controller that makes the load balancer of the gateway's Service. Empty selects the
	// cluster's default.
	loadBalancerClass string
	outputs           pulumi.Map // the stack's outputs that only this platform has
	// monitor registers the monitoring of the platform, and of the load balancer that the gateway has once its URL is known. It is
	// nil if the stack has none.
	monitor func(gatewayURL, namespace pulumi.StringOutput) error
	// deployments returns the Deployments with the given labels in a namespace; nil if there is no cluster.
	deployments func(ctx context.Context, kubeconfig, namespace string, labels map[string]string) ([]appsv1.Deployment, error)
}

// image returns the image that runs for an image of the settings.
func (p *platform) image(name string) pulumi.StringInput {
	if image, ok := p.images[name]; ok {
		return image
	}
	return pulumi.String(name)
}

// initialReplicas returns the number of pods with which a new Deployment of a component starts: as many as the component has
// now, within its bounds. So a model with another name starts with the pods of the model that it replaces. It is the lower
// bound if the cluster does not answer, and in a preview, which does not ask.
func (p *platform) initialReplicas(ctx *pulumi.Context, namespace, component string, n config.Replicas) pulumi.IntInput {
	if ctx.DryRun() || p.deployments == nil {
		return pulumi.Int(n.Min)
	}
	number := p.kubeconfig.ApplyT(func(kubeconfig string) int {
		labels := map[string]string{workload.ComponentLabel: component, workload.PartOfLabel: workload.PartOf}
		all, _ := p.deployments(ctx.Context(), kubeconfig, namespace, labels) // if the cluster does not answer, the `up` fails at the next object
		have := n.Min
		for i := range all {
			have = max(have, int(rollout.Replicas(&all[i])))
		}
		return min(have, n.Max)
	})
	return pulumi.Unsecret(number).(pulumi.IntOutput)
}

// rolledOut returns a value that is known once the Deployments of the given names are rolled out. Pulumi deletes what a stack
// no longer has after the program has ended, and the program ends after this. So the pods that serve, and the policies that
// admit their callers, stay until their successors serve, and an `up` fails if they do not. A preview does not wait.
func (p *platform) rolledOut(ctx *pulumi.Context, mayRest bool, value, namespace pulumi.StringOutput, deployments ...any) pulumi.StringOutput {
	if ctx.DryRun() || p.deployments == nil {
		return value
	}
	known := pulumi.All(append([]any{value, namespace, p.kubeconfig}, deployments...)...).ApplyT(func(all []any) (string, error) {
		var names []string
		for _, name := range all[3:] {
			names = append(names, name.(string))
		}
		list := func(ctx context.Context) ([]appsv1.Deployment, error) {
			return p.deployments(ctx, all[2].(string), all[1].(string), map[string]string{workload.PartOfLabel: workload.PartOf})
		}
		report := func(text string) { _ = ctx.Log.Info(text, nil) } // a lost line changes nothing
		return all[0].(string), rollout.Await(ctx.Context(), names, mayRest, list, report)
	})
	return pulumi.Unsecret(known).(pulumi.StringOutput)
}

func newPlatform(ctx *pulumi.Context, s *config.Settings, checks preflight.Checks) (*platform, error) {
	connect := newKubernetesPlatform
	if s.Platform == config.PlatformEKS {
		connect = newEKSPlatform
	}
	p, err := connect(ctx, s, checks)
	if err != nil {
		return nil, err
	}
	p.deployments = checks.Deployments
	return p, nil
}

// newKubernetesPlatform connects to a cluster that exists.
func newKubernetesPlatform(ctx *pulumi.Context, s *config.Settings, _ preflight.Checks) (*platform, error) {
	text, contextName, err := preflight.ReadKubeconfig(s.Kubernetes.Kubeconfig, s.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	if err := preflight.CheckCluster(ctx.Context(), text, preflight.ClusterTimeout); err != nil {
		return nil, fmt.Errorf("context %s of %s: %w (stack local: `make up` starts its cluster)", contextName, s.Kubernetes.Kubeconfig, err)
	}
	if s.Gateway.Service == config.ServiceClusterIP {
		if err := preflight.CheckIngressClass(ctx.Context(), text, s.Ingress.Class, preflight.ClusterTimeout); err != nil {
			return nil, fmt.Errorf("context %s of %s: %w", contextName, s.Kubernetes.Kubeconfig, err)
		}
	}
	secret := pulumi.ToSecret(pulumi.String(text)).(pulumi.StringOutput)
	provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: secret})
	if err != nil {
		return nil, err
	}
	return &platform{provider: provider, kubeconfig: secret}, nil
}

// ingressCallers returns the sources of the requests that come through the Ingress. An Application Load Balancer sends from
// its own addresses in the VPC. Any other ingress controller sends from pods in its namespace.
func ingressCallers(s *config.Settings) (callers networkingv1.NetworkPolicyPeerArray, name string) {
	if s.Ingress.Class == catalog.IngressClassALB {
		return networkingv1.NetworkPolicyPeerArray{workload.Addresses(s.Network.CIDR)}, s.Ingress.Class
	}
	return networkingv1.NetworkPolicyPeerArray{workload.NamespacePods(s.Ingress.ControllerNamespace)}, s.Ingress.ControllerNamespace
}

// loadBalancerCallers names the callers of a gateway whose Service is a load balancer.
const loadBalancerCallers = "load-balancer"
