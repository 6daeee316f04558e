package machines

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	ingressController = "ingress.k8s.aws/alb"   // spec.controller of the controller's IngressClasses
	clusterOwnTag     = "elbv2.k8s.aws/cluster" // the tag on everything that the controller makes
	albPrefix         = "alb.ingress.kubernetes.io/"
	nlbPrefix         = "service.beta.kubernetes.io/aws-load-balancer-"
)

// balancerPlan is the load balancer that an Ingress or a Service asks for. The controller calls it a stack.
type balancerPlan struct {
	kind      string // ingress or service
	namespace string
	name      string
	balancer  types.LoadBalancerTypeEnum
	scheme    types.LoadBalancerSchemeEnum
	cidrs     []string // address ranges of allowed clients
	listeners []listener
}

// listener is a port of a load balancer with the Service's port behind it.
type listener struct {
	port         int32
	protocol     types.ProtocolEnum
	certificate  string // ARN; empty without TLS
	service      string
	servicePort  string // by number or name
	target       int32  // number of servicePort, read from the Service
	healthPath   string
	successCodes string
}

func (p *balancerPlan) finalizer() string { return p.kind + ".k8s.aws/resources" }
func (p *balancerPlan) id() string        { return p.namespace + "/" + p.name }
func (p *balancerPlan) stackTag() string  { return p.kind + ".k8s.aws/stack" }

// tags mark the resources that the controller made. Its IAM policy requires them.
func (p *balancerPlan) tags(cluster, resource string, defaults map[string]string) map[string]string {
	all := maps.Clone(defaults)
	if all == nil {
		all = map[string]string{}
	}
	all[clusterOwnTag] = cluster
	all[p.stackTag()] = p.id()
	all[p.kind+".k8s.aws/resource"] = resource
	return all
}

// notAlphanumeric matches characters that a part of a load balancer's name must not have.
var notAlphanumeric = regexp.MustCompile(`[^A-Za-z0-9]`)

// resourceName is k8s-<namespace>-<name>-<hash>, at most 32 characters, which is ELB's limit. The scheme is in the hash,
// because ELB cannot change the scheme of a load balancer.
func (p *balancerPlan) resourceName(cluster string) string {
	return p.named(p.name, cluster, string(p.scheme), string(p.balancer))
}

// targetName is the name of the target group of a listener. Listeners with the same Service port share a target group.
func (p *balancerPlan) targetName(cluster string, l listener) string {
	return p.named(l.service, cluster, l.servicePort, l.healthPath, l.successCodes)
}

func (p *balancerPlan) named(name string, differs ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append(differs, p.kind, p.id()), "\x00")))
	return fmt.Sprintf("k8s-%.8s-%.8s-%.10s", notAlphanumeric.ReplaceAllString(p.namespace, ""), notAlphanumeric.ReplaceAllString(name, ""), hex.EncodeToString(sum[:]))
}

// roleTag is the key of the tag on subnets for load balancers of the plan's scheme.
func (p *balancerPlan) roleTag() string {
	if p.scheme == types.LoadBalancerSchemeEnumInternetFacing {
		return "kubernetes.io/role/elb"
	}
	return "kubernetes.io/role/internal-elb"
}

// leastZones is the minimum number of availability zones of a load balancer (Elastic Load Balancing API,
// CreateLoadBalancer: an Application Load Balancer needs two).
func (p *balancerPlan) leastZones() int {
	if p.balancer == types.LoadBalancerTypeEnumApplication {
		return 2
	}
	return 1
}

// newPlan is the plan of an object without its listeners. prefix is that of its annotations.
func newPlan(kind, prefix string, of metav1.Object, balancer types.LoadBalancerTypeEnum, cidrs []string) (*balancerPlan, error) {
	scheme := cmp.Or(types.LoadBalancerSchemeEnum(of.GetAnnotations()[prefix+"scheme"]), types.LoadBalancerSchemeEnumInternal)
	if !slices.Contains(scheme.Values(), scheme) {
		return nil, fmt.Errorf("annotation %sscheme: unknown scheme %q", prefix, scheme)
	}
	return &balancerPlan{kind: kind, namespace: of.GetNamespace(), name: of.GetName(), balancer: balancer, scheme: scheme, cidrs: cidrs}, nil
}

// planForIngress is the plan of an Ingress. All ports forward to the first backend: hosts and paths of rules are not
// simulated.
func planForIngress(in *networkingv1.Ingress) (*balancerPlan, error) {
	plan, err := newPlan("ingress", albPrefix, in, types.LoadBalancerTypeEnumApplication, list(in.Annotations[albPrefix+"inbound-cidrs"]))
	if err != nil {
		return nil, err
	}
	backend := firstBackend(in)
	if backend == nil {
		return nil, errors.New("it has no backend")
	}
	certificate := in.Annotations[albPrefix+"certificate-arn"]
	ports := []map[types.ProtocolEnum]int32{{types.ProtocolEnumHttp: 80}}
	if certificate != "" {
		ports = []map[types.ProtocolEnum]int32{{types.ProtocolEnumHttps: 443}}
	}
	if text := in.Annotations[albPrefix+"listen-ports"]; text != "" {
		ports = nil // json.Unmarshal would add to the maps
		if err := json.Unmarshal([]byte(text), &ports); err != nil {
			return nil, fmt.Errorf("annotation %slisten-ports: %w", albPrefix, err)
		}
	}
	for _, p := range ports {
		for _, protocol := range slices.Sorted(maps.Keys(p)) {
			l := listener{port: p[protocol], protocol: protocol, service: backend.Name, servicePort: cmp.Or(backend.Port.Name, fmt.Sprint(backend.Port.Number)),
				healthPath: in.Annotations[albPrefix+"healthcheck-path"], successCodes: in.Annotations[albPrefix+"success-codes"]}
			if protocol == types.ProtocolEnumHttps {
				if certificate == "" {
					return nil, fmt.Errorf("port %d is HTTPS and there is no certificate", l.port)
				}
				l.certificate = certificate
			}
			plan.listeners = append(plan.listeners, l)
		}
	}
	return plan, nil
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

// planForService is the plan of a Service of type LoadBalancer.
func planForService(svc *corev1.Service) (*balancerPlan, error) {
	ranges := svc.Spec.LoadBalancerSourceRanges
	if len(ranges) == 0 {
		ranges = list("")
	}
	plan, err := newPlan("service", nlbPrefix, svc, types.LoadBalancerTypeEnumNetwork, ranges)
	if err != nil {
		return nil, err
	}
	for _, p := range svc.Spec.Ports {
		protocol := types.ProtocolEnumTcp
		if p.Protocol == corev1.ProtocolUDP {
			protocol = types.ProtocolEnumUdp
		}
		plan.listeners = append(plan.listeners, listener{port: p.Port, protocol: protocol, service: svc.Name, servicePort: fmt.Sprint(p.Port)})
	}
	return plan, nil
}

// list are the comma-separated address ranges of an annotation. Without any, every client is allowed.
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
