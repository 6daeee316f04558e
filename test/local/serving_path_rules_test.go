package local

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// scene is a gateway, a model and what leads to them, as of one moment.
type scene struct {
	ingress        *networkingv1.Ingress
	gateway, model *corev1.Pod
	admit, reach   *networkingv1.NetworkPolicy // of the gateway and of all pods
	gatewaySlice   *discoveryv1.EndpointSlice
}

func (s *scene) history() *objectHistory {
	h := &objectHistory{objects: map[string]metav1.Object{}}
	put := func(resource string, o metav1.Object) {
		o.SetNamespace("app")
		h.objects[objectKey(resource, "app", o.GetName())] = o
	}
	put("ingresses", s.ingress)
	put("pods", s.gateway)
	put("pods", s.model)
	put("networkpolicies", s.admit)
	put("networkpolicies", s.reach)
	put("endpointslices", s.gatewaySlice)
	put("endpointslices", sliceOf("tf-serving-m", "grpc", 8500, "model"))
	put("services", serviceOf("gateway", "http", 80))
	put("services", serviceOf("tf-serving-m", "grpc", 8500))
	return h
}

func serviceOf(name, port string, number int32) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: port, Port: number}}}}
}

func sliceOf(service, port string, number int32, pod string) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: service, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		Ports:     []discoveryv1.EndpointPort{{Name: ptr.To(port), Port: ptr.To(number)}},
		Endpoints: []discoveryv1.Endpoint{{TargetRef: &corev1.ObjectReference{Name: pod}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)}}}}
}

func readyPodOf(name, port string, number int32, env corev1.EnvVar) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"component": name, "instance": name + "-1"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: name, Env: []corev1.EnvVar{env},
			Ports: []corev1.ContainerPort{{Name: port, ContainerPort: number, Protocol: corev1.ProtocolTCP}}}}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
}

// servingScene is a scene in which the gateway serves.
func servingScene() *scene {
	port := func(p intstr.IntOrString, protocol corev1.Protocol) []networkingv1.NetworkPolicyPort {
		return []networkingv1.NetworkPolicyPort{{Protocol: &protocol, Port: &p}}
	}
	pods := func(label, value string) []networkingv1.NetworkPolicyPeer {
		return []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{label: value}}}}
	}
	in := func(namespace string) []networkingv1.NetworkPolicyPeer {
		return []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}}}}
	}
	return &scene{
		ingress: &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "gateway"}, Spec: networkingv1.IngressSpec{IngressClassName: ptr.To("nginx"),
			Rules: []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "gateway", Port: networkingv1.ServiceBackendPort{Name: "http"}}}}}}}}}}},
		gateway:      readyPodOf("gateway", "http", 9696, corev1.EnvVar{Name: "TF_SERVING_HOST", Value: "tf-serving-m.app.svc.cluster.local:8500"}),
		model:        readyPodOf("model", "grpc", 8500, corev1.EnvVar{Name: "MODEL_NAME", Value: "m"}),
		gatewaySlice: sliceOf("gateway", "http", 9696, "gateway"),
		admit: &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "gateway"}, Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"component": "gateway"}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: in("ingress"), Ports: port(intstr.FromString("http"), corev1.ProtocolTCP)}},
			Egress:      []networkingv1.NetworkPolicyEgressRule{{To: pods("component", "model"), Ports: port(intstr.FromInt32(8500), corev1.ProtocolTCP)}},
		}},
		reach: &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "dns"}, Spec: networkingv1.NetworkPolicySpec{
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
			Egress:      []networkingv1.NetworkPolicyEgressRule{{To: in("kube-system"), Ports: port(intstr.FromInt32(53), corev1.ProtocolUDP)}},
		}},
	}
}

func TestAGatewayServesOnlyIfEachStepOfARequestIsPossible(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*scene)
		missing string // empty if it serves
	}{
		"all is there": {func(*scene) {}, ""},
		"the policy admits another port than the pod listens on": {func(s *scene) { *s.admit.Spec.Ingress[0].Ports[0].Port = intstr.FromInt32(8080) }, "app/gateway listens on port 9696, and no NetworkPolicy admits [ingress/controller] there"},
		"the policy admits another controller": {func(s *scene) {
			s.admit.Spec.Ingress[0].From[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] = "other"
		}, "no NetworkPolicy admits [ingress/controller]"},
		"the Service leads to another port":                    {func(s *scene) { *s.gatewaySlice.Ports[0].Port = 8080 }, "app/gateway does not listen on port 8080 of its endpoint"},
		"the policy lets the gateway reach only another model": {func(s *scene) { s.admit.Spec.Egress[0].To[0].PodSelector.MatchLabels["instance"] = "second" }, "no NetworkPolicy lets it reach the ready pod model"},
		"the gateway calls a model that does not exist": {func(s *scene) {
			s.gateway.Spec.Containers[0].Env[0].Value = "tf-serving-second.app.svc.cluster.local:8500"
		}, "calls tf-serving-second.app.svc.cluster.local:8500, which does not exist"},
		"the model's pod serves another model": {func(s *scene) { s.model.Spec.Containers[0].Env[0].Value = "second" }, "its pod model serves another model"},
		"the model is not ready":               {func(s *scene) { s.model.Status.Conditions[0].Status = corev1.ConditionFalse }, "which has no ready pod"},
		"the gateway is not ready":             {func(s *scene) { s.gateway.Status.Conditions[0].Status = corev1.ConditionFalse }, "Service app/gateway has no ready pod"},
		"the gateway ends":                     {func(s *scene) { s.gateway.DeletionTimestamp = &metav1.Time{Time: time.Now()} }, "Service app/gateway has no ready pod"},
		"the gateway cannot ask the DNS":       {func(s *scene) { s.reach.Spec.Egress = nil }, "no NetworkPolicy lets app/gateway ask the DNS"},
		"the Ingress leads nowhere":            {func(s *scene) { s.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name = "other" }, "no Ingress and no load balancer leads to a Service that exists"},
	} {
		s := servingScene()
		c.change(s)
		got, err := servingAt(s.history(), callers{controllers: map[string][]string{"nginx": {"ingress"}}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if serves := len(got.gateways) == 1 && len(got.models) == 1; serves != (c.missing == "") || !strings.Contains(strings.Join(got.missing, "; "), c.missing) {
			t.Errorf("%s: %d gateways and %d models serve, and %q is missing; want %q", name, len(got.gateways), len(got.models), got.missing, c.missing)
		}
	}
}
