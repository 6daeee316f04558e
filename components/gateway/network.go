package gateway

import (
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/workload"
)

// Address ranges that a gateway must not reach. The gateway fetches pictures from URLs in requests, so a caller could make
// it send requests to any address that it can reach (server-side request forgery).
var (
	notInternetIPv4 = []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // private networks: pods, nodes, databases (RFC 1918)
		"100.64.0.0/10",  // carrier-grade NAT, which clusters use for pods (RFC 6598)
		"169.254.0.0/16", // link-local: the instance metadata service and the Pod Identity agent (RFC 3927)
		"127.0.0.0/8",    // loopback
		"0.0.0.0/8",      // this host (RFC 1122)
		"198.18.0.0/15",  // benchmark networks (RFC 2544)
		"224.0.0.0/4",    // multicast
		"240.0.0.0/4",    // reserved
	}
	notInternetIPv6 = []string{
		"fc00::/7",     // unique local addresses, the IPv6 metadata service fd00:ec2::254 among them (RFC 4193)
		"fe80::/10",    // link-local
		"::1/128",      // loopback
		"64:ff9b::/96", // NAT64: IPv4 behind a prefix (RFC 6052)
		"ff00::/8",     // multicast
	}
)

// webPorts are the ports from which the gateway fetches pictures.
var webPorts = []int{80, 443}

func newNetworkPolicy(ctx *pulumi.Context, object string, args *Args, id workload.Identity, opts ...pulumi.ResourceOption) (*networkingv1.NetworkPolicy, error) {
	return networkingv1.NewNetworkPolicy(ctx, object, &networkingv1.NetworkPolicyArgs{
		Metadata: workload.ObjectMeta(object, args.Namespace, id),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{MatchLabels: id.Selector()},
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
			Ingress: networkingv1.NetworkPolicyIngressRuleArray{&networkingv1.NetworkPolicyIngressRuleArgs{
				From:  args.Callers,
				Ports: workload.NamedTCP(httpPort),
			}},
			Egress: networkingv1.NetworkPolicyEgressRuleArray{
				&networkingv1.NetworkPolicyEgressRuleArgs{
					To:    networkingv1.NetworkPolicyPeerArray{workload.Pods(args.ModelPods)},
					Ports: workload.TCP(args.ModelPort),
				},
				&networkingv1.NetworkPolicyEgressRuleArgs{
					To: networkingv1.NetworkPolicyPeerArray{
						workload.Addresses("0.0.0.0/0", notInternetIPv4...),
						workload.Addresses("::/0", notInternetIPv6...),
					},
					Ports: workload.TCP(webPorts...),
				},
			},
		},
	}, opts...)
}
