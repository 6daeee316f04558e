package gateway

import (
	"strings"
	"testing"
	"time"

	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
	"tfserving/internal/mockengine"
)

// register registers a gateway with args, which it completes, and a client of its URL.
func register(args Args) (*mockengine.Engine, error) {
	engine := mockengine.New("")
	return engine, engine.Run(func(ctx *pulumi.Context) error {
		args.Namespace, args.Image, args.Port = pulumi.String("models"), pulumi.String("gateway:1"), 9696
		args.Resources, args.Scaling = workload.Resources{CPU: "1", Memory: "1Gi"}, workload.Scaling{Min: 1, Max: 2, TargetCPU: 70}
		args.InitialReplicas = pulumi.Int(1)
		args.ModelEndpoint, args.DrainTime = pulumi.String("model:8500"), 20*time.Second
		g, err := NewGateway(ctx, "gateway", &args)
		if err != nil {
			return err
		}
		var client pulumi.CustomResourceState
		return ctx.RegisterResource("test:index:Client", "client", pulumi.Map{"url": g.URL}, &client)
	})
}

func TestAGatewayThatWouldAdmitEveryoneIsRefused(t *testing.T) {
	engine, err := register(Args{})
	if err == nil || !strings.Contains(err.Error(), "it needs callers") {
		t.Errorf("without callers the error is %v", err)
	}
	if gateways := engine.OfType("tfserving:gateway:Gateway"); len(gateways) > 0 {
		t.Error("the gateway is registered before it is refused")
	}
}

func TestTheURLIsWhereCallersReachTheGateway(t *testing.T) {
	const host = mockengine.LoadBalancerHost
	for name, c := range map[string]struct {
		ingress *Ingress
		want    string
	}{
		"a load balancer of its own":      {nil, "http://" + host},
		"an Ingress for any host":         {&Ingress{Class: catalog.IngressClassALB}, "http://" + host},
		"an Ingress for one host":         {&Ingress{Class: catalog.IngressClassNginx, Host: "models.example.com"}, "http://models.example.com"},
		"an Ingress for a wildcard":       {&Ingress{Class: catalog.IngressClassNginx, Host: "*.example.com"}, "http://" + host},
		"HTTPS at an AWS load balancer":   {&Ingress{Class: catalog.IngressClassALB, CertificateARN: "arn:aws:acm:eu-west-1:123456789012:certificate/0"}, "https://" + host},
		"HTTPS at the ingress controller": {&Ingress{Class: catalog.IngressClassNginx, Host: "models.example.com", TLSSecret: "tls"}, "https://models.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := register(Args{Ingress: c.ingress, Callers: networkingv1.NetworkPolicyPeerArray{workload.NamespacePods("ingress")}})
			if err != nil {
				t.Fatal(err)
			}
			if got := engine.Get(t, "test:index:Client", "client").Inputs["url"].StringValue(); got != c.want {
				t.Errorf("the URL is %s, want %s", got, c.want)
			}
		})
	}
}

// A policy that changed from the callers of one ingress controller to those of another would cut off the first one while the
// Ingress still leads through it.
func TestOtherCallersGetAPolicyOfTheirOwn(t *testing.T) {
	for _, callers := range []string{"ingress-nginx", "traefik"} {
		engine, err := register(Args{CallersName: callers, Callers: networkingv1.NetworkPolicyPeerArray{workload.NamespacePods(callers)}})
		if err != nil {
			t.Fatal(err)
		}
		if policies := engine.OfType("kubernetes:networking.k8s.io/v1:NetworkPolicy"); len(policies) != 1 || policies[0].Name != "gateway-from-"+callers {
			t.Errorf("the callers of %s have the policies %v, want one with their name", callers, policies)
		}
	}
}

// In another namespace, another Ingress takes over for a host once the older one is gone. Pulumi deletes in reverse order.
func TestAnIngressIsDeletedBeforeThePodsBehindIt(t *testing.T) {
	for class, want := range map[string]bool{"traefik": true, catalog.IngressClassALB: false} { // pods behind an ALB wait for it
		engine, err := register(Args{CallersName: "a", Callers: networkingv1.NetworkPolicyPeerArray{workload.NamespacePods("a")}, Ingress: &Ingress{Class: class}})
		if err != nil {
			t.Fatal(err)
		}
		ingress, deployment := engine.Get(t, "kubernetes:networking.k8s.io/v1:Ingress", "gateway"), engine.Get(t, "kubernetes:apps/v1:Deployment", "gateway")
		if got := engine.DependsOn(ingress, deployment); got != want {
			t.Errorf("with class %s, the Ingress depends on the pods: %v, want %v", class, got, want)
		}
	}
}
