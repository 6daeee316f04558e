package program

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// grpcPort is the port on which TF-Serving serves gRPC.
const grpcPort = 8500

// containerPort returns the container port of a Deployment's pods that has a name or number. The test fails if there is none.
func containerPort(t *testing.T, d *appsv1.Deployment, port intstr.IntOrString) int32 {
	t.Helper()
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return p.ContainerPort
			}
		}
	}
	t.Errorf("Deployment %s has no container port %s", d.Name, port.String())
	return 0
}

// servicePort returns the first port of a Service that is the one looked for. The test fails if there is none.
func servicePort(t *testing.T, s *corev1.Service, is func(corev1.ServicePort) bool) corev1.ServicePort {
	t.Helper()
	i := slices.IndexFunc(s.Spec.Ports, is)
	if i < 0 {
		t.Fatalf("Service %s has ports %v, and not the one looked for", s.Name, s.Spec.Ports)
	}
	return s.Spec.Ports[i]
}

func TestPortsMatchFromTheIngressToTheContainer(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		for _, in := range objects[*networkingv1.Ingress](g) {
			for _, rule := range in.Spec.Rules {
				for _, p := range rule.HTTP.Paths {
					service := objectNamed[*corev1.Service](t, g, p.Backend.Service.Name)
					port := servicePort(t, service, func(sp corev1.ServicePort) bool { return sp.Name == p.Backend.Service.Port.Name })
					d := deploymentsSelectedBy(t, g, &metav1.LabelSelector{MatchLabels: service.Spec.Selector})[0]
					if got := containerPort(t, d, port.TargetPort); got != int32(g.settings.Gateway.Port) {
						t.Errorf("Ingress %s leads to port %d of %s, but the gateway listens on port %d", in.Name, got, d.Name, g.settings.Gateway.Port)
					}
				}
			}
		}
		for _, s := range objects[*corev1.Service](g) {
			d := deploymentsSelectedBy(t, g, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})[0]
			for _, p := range s.Spec.Ports {
				if p.TargetPort.Type != intstr.String {
					t.Errorf("Service %s targets port %s by number, so a changed container port would break it without a test that fails", s.Name, p.TargetPort.String())
				}
				containerPort(t, d, p.TargetPort)
			}
		}
		for _, d := range objects[*appsv1.Deployment](g) {
			for _, c := range d.Spec.Template.Spec.Containers {
				for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
					if p != nil {
						containerPort(t, d, probedPort(p))
					}
				}
			}
		}
	})
}

func TestGatewayCallsTheModelsService(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		model := g.settings.Model.Name
		address := environment(objectNamed[*appsv1.Deployment](t, g, "gateway"))["TF_SERVING_HOST"]
		if address != g.endpoint {
			t.Errorf("TF_SERVING_HOST is %q, but the output modelEndpoint is %q", address, g.endpoint)
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		service := objectNamed[*corev1.Service](t, g, "tf-serving-"+model)
		if want := service.Name + "." + service.Namespace + ".svc"; host != want && !strings.HasPrefix(host, want+".") {
			t.Errorf("TF_SERVING_HOST is %q, want the Service %s", address, want)
		}
		number, _ := strconv.Atoi(port)
		p := servicePort(t, service, func(sp corev1.ServicePort) bool { return sp.Port == int32(number) })
		if got := containerPort(t, objectNamed[*appsv1.Deployment](t, g, service.Name), p.TargetPort); got != grpcPort {
			t.Errorf("TF_SERVING_HOST leads to container port %d, want TF-Serving's gRPC port %d", got, grpcPort)
		}
	})
}

func probedPort(p *corev1.Probe) intstr.IntOrString {
	if p.HTTPGet != nil {
		return p.HTTPGet.Port
	}
	return p.TCPSocket.Port
}
