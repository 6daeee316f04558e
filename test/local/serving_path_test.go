package local

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/np-guard/netpol-analyzer/pkg/netpol/eval"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/catalog"
	"tfserving/internal/checkout"
)

// callers are the sources of requests from outside the cluster.
type callers struct {
	// controllers are the namespaces with the pods of an ingress controller, by its IngressClass.
	controllers map[string][]string
	// balancer is an address of a load balancer of class alb, internet a caller of a Service of type LoadBalancer.
	balancer, internet string
}

// serving is what serves requests at one moment.
type serving struct {
	gateways map[string]bool // ready gateway pods that callers and a model are connected to
	models   map[string]bool // ready model pods that these gateways call
	missing  []string        // what other ready pods, or all of them, lack
	// noEntrypoint says that neither an Ingress nor a load balancer leads to a Service.
	noEntrypoint bool
}

// servingAt follows a request from the callers over the gateways to the models, by the objects as of the history's last
// revision. A controller takes the oldest Ingress for a host (ingress-nginx' documentation), so the others do not count.
func servingAt(h *objectHistory, from callers) (*serving, error) {
	s := &serving{gateways: map[string]bool{}, models: map[string]bool{}}
	engine, err := policyEngine(h, from)
	if err != nil {
		return nil, err
	}
	service, port, sources := entrypoint(h, from)
	if service == nil {
		s.noEntrypoint, s.missing = true, []string{"no Ingress and no load balancer leads to a Service that exists"}
		return s, nil
	}
	gateways := endpointsOf(h, service, port)
	if len(gateways) == 0 {
		s.missing = append(s.missing, fmt.Sprintf("Service %s/%s has no ready pod", service.Namespace, service.Name))
	}
	for gateway, port := range gateways {
		pod := get[*corev1.Pod](h, "pods", service.Namespace, gateway)
		name := pod.Namespace + "/" + pod.Name
		if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return int(p.ContainerPort) == port }) {
			s.missing = append(s.missing, fmt.Sprintf("%s does not listen on port %d of its endpoint", name, port))
			continue
		}
		admitted := false
		for _, source := range sources {
			allowed, err := engine.CheckIfAllowed(source, name, "TCP", strconv.Itoa(port))
			if err != nil {
				return nil, err
			}
			admitted = admitted || allowed
		}
		if !admitted {
			s.missing = append(s.missing, fmt.Sprintf("%s listens on port %d, and no NetworkPolicy admits %v there", name, port, sources))
			continue
		}
		models, missing, err := modelsOf(h, engine, pod)
		if err != nil {
			return nil, err
		}
		if len(models) == 0 {
			s.missing = append(s.missing, missing)
			continue
		}
		s.gateways[name] = true
		maps.Copy(s.models, models)
	}
	slices.Sort(s.missing)
	return s, nil
}

// entrypoint returns the Service and its port to which requests from outside lead, and where they come from: a load balancer
// if there is no Ingress. It returns no Service if there is none.
func entrypoint(h *objectHistory, from callers) (service *corev1.Service, port string, sources []string) {
	if ingresses := all[*networkingv1.Ingress](h); len(ingresses) > 0 {
		in := ingresses[0]
		if *in.Spec.IngressClassName == catalog.IngressClassALB {
			sources = []string{from.balancer}
		}
		for _, namespace := range from.controllers[*in.Spec.IngressClassName] {
			sources = append(sources, namespace+"/controller")
		}
		backend := in.Spec.Rules[0].HTTP.Paths[0].Backend.Service
		return get[*corev1.Service](h, "services", in.Namespace, backend.Name), backend.Port.Name, sources
	}
	for _, s := range all[*corev1.Service](h) {
		if s.Spec.Type == corev1.ServiceTypeLoadBalancer {
			return s, s.Spec.Ports[0].Name, []string{from.internet}
		}
	}
	return nil, "", nil
}

// modelsOf returns the ready model pods that a gateway's pod calls, or what it lacks.
func modelsOf(h *objectHistory, engine *eval.PolicyEngine, gateway *corev1.Pod) (models map[string]bool, missing string, err error) {
	models = map[string]bool{}
	name, host := gateway.Namespace+"/"+gateway.Name, ""
	for _, env := range gateway.Spec.Containers[0].Env {
		if env.Name == "TF_SERVING_HOST" {
			host = env.Value
		}
	}
	address, number, _ := strings.Cut(host, ":")
	parts := strings.Split(address, ".")
	if len(parts) < 2 {
		return nil, fmt.Sprintf("%s calls %q, which is no Service", name, host), nil
	}
	service := get[*corev1.Service](h, "services", parts[1], parts[0])
	if service == nil {
		return nil, fmt.Sprintf("%s calls %s, which does not exist", name, host), nil
	}
	if resolves, err := engine.CheckIfAllowed(name, dnsPod, "UDP", "53"); err != nil || !resolves {
		return nil, fmt.Sprintf("no NetworkPolicy lets %s ask the DNS", name), err
	}
	missing = fmt.Sprintf("%s calls %s, which has no ready pod", name, host)
	for _, p := range service.Spec.Ports {
		if strconv.Itoa(int(p.Port)) != number {
			continue
		}
		endpoints := endpointsOf(h, service, p.Name)
		for _, model := range slices.Sorted(maps.Keys(endpoints)) {
			port := endpoints[model]
			pod := get[*corev1.Pod](h, "pods", service.Namespace, model)
			if !slices.ContainsFunc(pod.Spec.Containers[0].Env, func(e corev1.EnvVar) bool {
				return e.Name == "MODEL_NAME" && "tf-serving-"+e.Value == service.Name
			}) {
				missing = fmt.Sprintf("%s calls %s, and its pod %s serves another model", name, host, model)
				continue
			}
			allowed, err := engine.CheckIfAllowed(name, pod.Namespace+"/"+pod.Name, "TCP", strconv.Itoa(port))
			if err != nil {
				return nil, "", err
			}
			if allowed {
				models[pod.Namespace+"/"+pod.Name] = true
			} else {
				missing = fmt.Sprintf("%s calls %s, and no NetworkPolicy lets it reach the ready pod %s", name, host, model)
			}
		}
	}
	return models, missing, nil
}

// endpointsOf returns the ready pods to which a port of a Service leads, with the number of the port in each pod.
func endpointsOf(h *objectHistory, service *corev1.Service, port string) map[string]int {
	pods := map[string]int{}
	for _, slice := range all[*discoveryv1.EndpointSlice](h) {
		if slice.Namespace != service.Namespace || slice.Labels[discoveryv1.LabelServiceName] != service.Name {
			continue
		}
		for _, e := range slice.Endpoints {
			if pod := get[*corev1.Pod](h, "pods", slice.Namespace, e.TargetRef.Name); pod == nil || !checkout.PodReady(pod) || !*e.Conditions.Ready {
				continue
			}
			for _, p := range slice.Ports {
				if *p.Name == port {
					pods[e.TargetRef.Name] = int(*p.Port)
				}
			}
		}
	}
	return pods
}

// dnsPod is a pod of the cluster's DNS.
const dnsPod = "kube-system/dns"

// policyEngine evaluates the NetworkPolicies as of the history's last revision, for the ready pods and for the callers.
func policyEngine(h *objectHistory, from callers) (*eval.PolicyEngine, error) {
	engine := eval.NewPolicyEngine()
	namespaces, pods := map[string]bool{}, []*corev1.Pod{callerPod(dnsPod, map[string]string{"k8s-app": "kube-dns"})}
	for _, where := range from.controllers {
		for _, namespace := range where {
			pods = append(pods, callerPod(namespace+"/controller", nil))
		}
	}
	address := netip.MustParseAddr("10.99.0.1")
	for _, pod := range append(pods, all[*corev1.Pod](h)...) {
		if !checkout.PodReady(pod) {
			continue
		}
		pod = pod.DeepCopy()
		pod.OwnerReferences = nil // the library would take pods of one owner for the same
		pod.Status.HostIP, pod.Status.PodIP, pod.Status.PodIPs = "10.98.0.1", address.String(), []corev1.PodIP{{IP: address.String()}}
		address = address.Next()
		namespaces[pod.Namespace] = true
		if err := engine.UpsertObject(pod); err != nil {
			return nil, err
		}
	}
	for name := range namespaces {
		if err := engine.UpsertObject(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}}); err != nil {
			return nil, err
		}
	}
	for _, policy := range all[*networkingv1.NetworkPolicy](h) {
		if err := engine.UpsertObject(ipv4Only(policy)); err != nil {
			return nil, err
		}
	}
	return engine, nil
}

// callerPod returns a ready pod that is not the application's.
func callerPod(name string, labels map[string]string) *corev1.Pod {
	namespace, pod, _ := strings.Cut(name, "/")
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod, Labels: labels},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
}
