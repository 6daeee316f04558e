package machines

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

const (
	ingressController = "ingress.k8s.aws/alb"   // spec.controller of the controller's IngressClasses
	balancerClass     = "service.k8s.aws/nlb"   // spec.loadBalancerClass of the controller's Services
	clusterOwnTag     = "elbv2.k8s.aws/cluster" // on everything that the controller makes
	albPrefix         = "alb.ingress.kubernetes.io/"
	nlbPrefix         = "service.beta.kubernetes.io/aws-load-balancer-"
)

// stack is the load balancer that one Ingress or Service asks for: what the controller calls its stack.
type stack struct {
	kind      string // ingress or service
	namespace string
	name      string
	balancer  types.LoadBalancerTypeEnum
	scheme    types.LoadBalancerSchemeEnum
	cidrs     []string // who may reach it
	listeners []listener
}

// listener is a port of a load balancer, and the Service's port behind it.
type listener struct {
	port         int32
	protocol     types.ProtocolEnum
	certificate  string // ARN; empty without TLS
	service      string
	servicePort  string // by number or name
	target       int32  // its number, once the Service was read
	healthPath   string
	successCodes string
}

func (s *stack) finalizer() string { return s.kind + ".k8s.aws/resources" }
func (s *stack) id() string        { return s.namespace + "/" + s.name }
func (s *stack) stackTag() string  { return s.kind + ".k8s.aws/stack" }

// tags are those by which the controller knows what it made, and for which its IAM policy asks.
func (s *stack) tags(cluster, resource string, defaults map[string]string) map[string]string {
	all := maps.Clone(defaults)
	if all == nil {
		all = map[string]string{}
	}
	all[clusterOwnTag] = cluster
	all[s.stackTag()] = s.id()
	all[s.kind+".k8s.aws/resource"] = resource
	return all
}

// plain is what the names of load balancers may hold, but for hyphens.
var plain = regexp.MustCompile(`[^A-Za-z0-9]`)

// resourceName is k8s-<namespace>-<name>-<hash>, of at most the 32 characters that ELB allows. A load balancer of
// another scheme is another load balancer: ELB cannot change it.
func (s *stack) resourceName(cluster string) string {
	return s.named(s.name, cluster, string(s.scheme), string(s.balancer))
}

// targetName is the same for the target group behind a listener; listeners of the same Service's port share one.
func (s *stack) targetName(cluster string, l listener) string {
	return s.named(l.service, cluster, l.servicePort, l.healthPath, l.successCodes)
}

func (s *stack) named(name string, differs ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append(differs, s.kind, s.id()), "\x00")))
	return fmt.Sprintf("k8s-%.8s-%.8s-%.10s", plain.ReplaceAllString(s.namespace, ""), plain.ReplaceAllString(name, ""), hex.EncodeToString(sum[:]))
}

// roleTag marks the subnets for load balancers of the stack's scheme.
func (s *stack) roleTag() string {
	if s.scheme == types.LoadBalancerSchemeEnumInternetFacing {
		return "kubernetes.io/role/elb"
	}
	return "kubernetes.io/role/internal-elb"
}

// leastZones is how many availability zones ELB asks a load balancer to be in.
func (s *stack) leastZones() int {
	if s.balancer == types.LoadBalancerTypeEnumApplication {
		return 2
	}
	return 1
}

func schemeOf(text string) (types.LoadBalancerSchemeEnum, error) {
	switch text {
	case "", string(types.LoadBalancerSchemeEnumInternal):
		return types.LoadBalancerSchemeEnumInternal, nil
	case string(types.LoadBalancerSchemeEnumInternetFacing):
		return types.LoadBalancerSchemeEnumInternetFacing, nil
	}
	return "", fmt.Errorf("unknown scheme %q", text)
}

// ingressStack is the load balancer of an Ingress. All its ports forward to the first backend: what the rules say of
// hosts and paths is not rehearsed.
func ingressStack(in *networkingv1.Ingress) (*stack, error) {
	scheme, err := schemeOf(in.Annotations[albPrefix+"scheme"])
	if err != nil {
		return nil, fmt.Errorf("annotation %sscheme: %w", albPrefix, err)
	}
	s := &stack{kind: "ingress", namespace: in.Namespace, name: in.Name, balancer: types.LoadBalancerTypeEnumApplication,
		scheme: scheme, cidrs: list(in.Annotations[albPrefix+"inbound-cidrs"])}
	behind := firstBackend(in)
	if behind == nil {
		return nil, fmt.Errorf("it has no backend")
	}
	certificate := in.Annotations[albPrefix+"certificate-arn"]
	ports := []map[types.ProtocolEnum]int32{{types.ProtocolEnumHttp: 80}}
	if certificate != "" {
		ports = []map[types.ProtocolEnum]int32{{types.ProtocolEnumHttps: 443}}
	}
	if text := in.Annotations[albPrefix+"listen-ports"]; text != "" {
		ports = nil // or its maps would keep what they hold
		if err := json.Unmarshal([]byte(text), &ports); err != nil {
			return nil, fmt.Errorf("annotation %slisten-ports: %w", albPrefix, err)
		}
	}
	for _, p := range ports {
		for _, protocol := range slices.Sorted(maps.Keys(p)) {
			l := listener{port: p[protocol], protocol: protocol, service: behind.Name, servicePort: behind.Port.Name,
				healthPath: in.Annotations[albPrefix+"healthcheck-path"], successCodes: in.Annotations[albPrefix+"success-codes"]}
			if l.servicePort == "" {
				l.servicePort = fmt.Sprint(behind.Port.Number)
			}
			if protocol == types.ProtocolEnumHttps {
				if certificate == "" {
					return nil, fmt.Errorf("port %d is HTTPS and there is no certificate", l.port)
				}
				l.certificate = certificate
			}
			s.listeners = append(s.listeners, l)
		}
	}
	return s, nil
}

func firstBackend(in *networkingv1.Ingress) *networkingv1.IngressServiceBackend {
	for _, rule := range in.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			if path.Backend.Service != nil {
				return path.Backend.Service
			}
		}
	}
	if in.Spec.DefaultBackend == nil {
		return nil
	}
	return in.Spec.DefaultBackend.Service
}

// serviceStack is the load balancer of a Service of type LoadBalancer.
func serviceStack(svc *corev1.Service) (*stack, error) {
	scheme, err := schemeOf(svc.Annotations[nlbPrefix+"scheme"])
	if err != nil {
		return nil, fmt.Errorf("annotation %sscheme: %w", nlbPrefix, err)
	}
	s := &stack{kind: "service", namespace: svc.Namespace, name: svc.Name, balancer: types.LoadBalancerTypeEnumNetwork,
		scheme: scheme, cidrs: svc.Spec.LoadBalancerSourceRanges}
	if len(s.cidrs) == 0 {
		s.cidrs = list("")
	}
	for _, p := range svc.Spec.Ports {
		protocol := types.ProtocolEnumTcp
		if p.Protocol == corev1.ProtocolUDP {
			protocol = types.ProtocolEnumUdp
		}
		s.listeners = append(s.listeners, listener{port: p.Port, protocol: protocol, service: svc.Name, servicePort: fmt.Sprint(p.Port)})
	}
	return s, nil
}

// list is an annotation's comma-separated values; none means everybody.
func list(text string) (all []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	if len(all) == 0 {
		return []string{"0.0.0.0/0"}
	}
	return all
}
