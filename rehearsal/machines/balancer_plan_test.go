package machines

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func anIngress(annotations map[string]string) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tfserving", Name: "gateway", Annotations: annotations},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Backend: networkingv1.IngressBackend{
				Service: &networkingv1.IngressServiceBackend{Name: "gateway", Port: networkingv1.ServiceBackendPort{Name: "http"}}}}}}}}}},
	}
}

func TestAnIngresssAnnotationsSetSchemePortsAndClientsOfItsLoadBalancer(t *testing.T) {
	const certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/x"
	for _, c := range []struct {
		rule        string
		annotations map[string]string
		scheme      types.LoadBalancerSchemeEnum
		ports       []int32
		cidrs       []string
	}{
		{"default: internal, HTTP, all clients", nil,
			types.LoadBalancerSchemeEnumInternal, []int32{80}, []string{"0.0.0.0/0"}},
		{"public, for two ranges", map[string]string{"scheme": "internet-facing", "inbound-cidrs": "192.0.2.0/24, 198.51.100.0/24"},
			types.LoadBalancerSchemeEnumInternetFacing, []int32{80}, []string{"192.0.2.0/24", "198.51.100.0/24"}},
		{"a certificate makes it HTTPS", map[string]string{"certificate-arn": certificate},
			types.LoadBalancerSchemeEnumInternal, []int32{443}, []string{"0.0.0.0/0"}},
		{"both ports", map[string]string{"certificate-arn": certificate, "listen-ports": `[{"HTTP":80},{"HTTPS":443}]`},
			types.LoadBalancerSchemeEnumInternal, []int32{80, 443}, []string{"0.0.0.0/0"}},
	} {
		annotations := map[string]string{}
		for key, value := range c.annotations {
			annotations[albPrefix+key] = value
		}
		s, err := planForIngress(anIngress(annotations))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		var ports []int32
		for _, l := range s.listeners {
			ports = append(ports, l.port)
			if (l.certificate != "") != (l.protocol == types.ProtocolEnumHttps) {
				t.Errorf("%s: port %d has certificate %q", c.rule, l.port, l.certificate)
			}
			if l.service != "gateway" || l.servicePort != "http" {
				t.Errorf("%s: port %d leads to %s:%s", c.rule, l.port, l.service, l.servicePort)
			}
		}
		if s.scheme != c.scheme || !slices.Equal(ports, c.ports) || !slices.Equal(s.cidrs, c.cidrs) {
			t.Errorf("%s: got %s, ports %v, for %v", c.rule, s.scheme, ports, s.cidrs)
		}
	}
	for rule, annotations := range map[string]map[string]string{
		"HTTPS without a certificate": {albPrefix + "listen-ports": `[{"HTTPS":443}]`},
		"an unknown scheme":           {albPrefix + "scheme": "public"},
		"ports that are not a list":   {albPrefix + "listen-ports": "80"},
	} {
		if s, err := planForIngress(anIngress(annotations)); err == nil {
			t.Errorf("%s gives %+v", rule, s)
		}
	}
}

func TestAServiceOfTypeLoadBalancerGetsANetworkLoadBalancer(t *testing.T) {
	s, err := planForService(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}, {Port: 53, Protocol: corev1.ProtocolUDP}}, LoadBalancerSourceRanges: []string{"192.0.2.0/24"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[rule]bool{{"tcp", 80, "192.0.2.0/24"}: true, {"udp", 53, "192.0.2.0/24"}: true}
	if s.balancer != types.LoadBalancerTypeEnumNetwork || !maps.Equal(s.rules(), want) {
		t.Errorf("got %+v with rules %v", s, s.rules())
	}
}

func TestResourcesHaveTheTagsThatTheControllersIAMPolicyRequires(t *testing.T) {
	defaults := map[string]string{"owner": "me"}
	s := &balancerPlan{kind: "ingress", namespace: "a", name: "b"}
	want := map[string]string{"owner": "me", "elbv2.k8s.aws/cluster": "dev", "ingress.k8s.aws/stack": "a/b", "ingress.k8s.aws/resource": "LoadBalancer"}
	if got := s.tags("dev", "LoadBalancer", defaults); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if len(defaults) != 1 {
		t.Errorf("the default tags were changed to %v", defaults)
	}
}

func TestLoadBalancerNamesAreValidAndUnique(t *testing.T) {
	valid := regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$`)
	seen := map[string]bool{}
	for _, s := range []*balancerPlan{
		{kind: "ingress", namespace: strings.Repeat("long-namespace", 4), name: strings.Repeat("long.name", 6)},
		{kind: "ingress", namespace: "a", name: "b"},
		{kind: "ingress", namespace: "a", name: "b", scheme: types.LoadBalancerSchemeEnumInternal},
		{kind: "service", namespace: "a", name: "b"},
	} {
		name := s.resourceName("dev")
		if len(name) > 32 || !valid.MatchString(name) || seen[name] {
			t.Errorf("%s for %+v", name, s)
		}
		seen[name] = true
		if s.resourceName("prod") == name {
			t.Errorf("two clusters share the name %s", name)
		}
	}
}

func TestASubnetTaggedForOtherClustersOnlyIsNotUsed(t *testing.T) {
	for _, c := range []struct {
		clusters []string
		want     bool
	}{{nil, true}, {[]string{"dev"}, true}, {[]string{"prod"}, false}, {[]string{"prod", "dev"}, true}} {
		tags := []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("public")}}
		for _, name := range c.clusters {
			tags = append(tags, ec2types.Tag{Key: aws.String(clusterTagPrefix + name), Value: aws.String("shared")})
		}
		if got := forCluster(tags, "dev"); got != c.want {
			t.Errorf("tagged for %v: %t", c.clusters, got)
		}
	}
}

func TestOnlySecurityGroupRulesThatDifferAreChanged(t *testing.T) {
	have := map[rule]bool{{"tcp", 80, "192.0.2.0/24"}: true, {"tcp", 80, "2001:db8::/32"}: true}
	wanted := map[rule]bool{{"tcp", 80, "192.0.2.0/24"}: true, {"tcp", 443, "192.0.2.0/24"}: true}
	if got := rulesOf(permissions(wanted, have)); !maps.Equal(got, map[rule]bool{{"tcp", 443, "192.0.2.0/24"}: true}) {
		t.Errorf("the added rules are %v", got)
	}
	if got := rulesOf(permissions(have, wanted)); !maps.Equal(got, map[rule]bool{{"tcp", 80, "2001:db8::/32"}: true}) {
		t.Errorf("the removed rules are %v", got)
	}
}
