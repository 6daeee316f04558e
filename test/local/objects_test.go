package local

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/np-guard/netpol-analyzer/pkg/netpol/eval"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tfserving/internal/checkout"
)

// contractLabels are on every object (components/workload). An empty value allows any.
var contractLabels = map[string]string{
	"app.kubernetes.io/part-of":    "tfserving",
	"app.kubernetes.io/managed-by": "pulumi",
	"app.kubernetes.io/component":  "",
	"app.kubernetes.io/name":       "",
	"app.kubernetes.io/instance":   "",
}

// objectsKeepRules checks the objects as the API server stores them.
func objectsKeepRules(t *testing.T, c *checkout.Checkout) {
	ctx, client, all := t.Context(), c.Client(), metav1.ListOptions{}
	metas := map[string]metav1.ObjectMeta{}
	add := func(kind string, m metav1.ObjectMeta) { metas[kind+"/"+m.Name] = m }

	ns, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	add("Namespace", ns.ObjectMeta)
	if got := ns.Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
		t.Errorf("the namespace enforces Pod Security level %q, want restricted", got)
	}
	deployments, err := client.AppsV1().Deployments(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	services, err := client.CoreV1().Services(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	ingresses, err := client.NetworkingV1().Ingresses(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	budgets, err := client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	scalers, err := client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := client.NetworkingV1().NetworkPolicies(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	for i := range deployments.Items {
		add("Deployment", deployments.Items[i].ObjectMeta)
	}
	for i := range services.Items {
		add("Service", services.Items[i].ObjectMeta)
	}
	for i := range ingresses.Items {
		add("Ingress", ingresses.Items[i].ObjectMeta)
	}
	for i := range pods.Items {
		add("Pod", pods.Items[i].ObjectMeta)
		checkPod(t, &pods.Items[i])
	}
	for i := range budgets.Items {
		add("PodDisruptionBudget", budgets.Items[i].ObjectMeta)
		if b := budgets.Items[i]; b.Status.DisruptionsAllowed < 1 {
			t.Errorf("PodDisruptionBudget %s allows no disruption with all pods ready: a drain would never end", b.Name)
		}
	}
	for i := range scalers.Items {
		add("HorizontalPodAutoscaler", scalers.Items[i].ObjectMeta)
	}
	for i := range policies.Items {
		add("NetworkPolicy", policies.Items[i].ObjectMeta)
	}
	for name, m := range metas {
		for label, want := range contractLabels {
			if got := m.Labels[label]; got == "" || want != "" && got != want {
				t.Errorf("%s: label %s is %q, want %q", name, label, got, want)
			}
		}
	}
	if want := 1 + 2 + 2 + 1 + 4 + 2 + 2 + 4; len(metas) != want {
		t.Errorf("%d objects, want %d: namespace, 2 Deployments, 2 Services, Ingress, 4 pods, 2 budgets, 2 autoscalers, 4 policies: %v", len(metas), want, metas)
	}
	for i := range services.Items {
		checkService(t, c, &services.Items[i], deployments.Items, pods.Items)
	}
	if len(ingresses.Items) != 1 {
		t.Fatalf("%d Ingresses, want 1", len(ingresses.Items))
	}
	backend := ingresses.Items[0].Spec.Rules[0].HTTP.Paths[0].Backend.Service
	i := slices.IndexFunc(services.Items, func(s corev1.Service) bool { return s.Name == backend.Name })
	if i < 0 || !slices.ContainsFunc(services.Items[i].Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == backend.Port.Name }) {
		t.Errorf("the Ingress leads to port %q of Service %q, which does not exist", backend.Port.Name, backend.Name)
	}
}

func checkPod(t *testing.T, p *corev1.Pod) {
	t.Helper()
	if p.Spec.AutomountServiceAccountToken == nil || *p.Spec.AutomountServiceAccountToken {
		t.Errorf("pod %s mounts a token", p.Name)
	}
	for _, v := range p.Spec.Volumes {
		if v.Projected != nil || v.HostPath != nil {
			t.Errorf("pod %s mounts volume %s with a token or a path of the host", p.Name, v.Name)
		}
	}
	for _, container := range p.Spec.Containers {
		s := container.SecurityContext
		if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.Privileged == nil || *s.Privileged {
			t.Errorf("pod %s: container %s can write to its root file system or is privileged", p.Name, container.Name)
		}
		for _, probe := range []*corev1.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
			if probe == nil {
				t.Errorf("pod %s: a probe is missing", p.Name)
			}
		}
		if sleep := container.Lifecycle.PreStop.Sleep.Seconds; *p.Spec.TerminationGracePeriodSeconds <= sleep {
			t.Errorf("pod %s is killed after %d s, before its drain of %d s ends", p.Name, *p.Spec.TerminationGracePeriodSeconds, sleep)
		}
	}
}

// checkService checks that a Service selects one Deployment, and that its endpoints are the ready pods with their ports.
func checkService(t *testing.T, c *checkout.Checkout, s *corev1.Service, deployments []appsv1.Deployment, pods []corev1.Pod) {
	t.Helper()
	selector := labels.SelectorFromSet(s.Spec.Selector)
	var selected []string
	for _, d := range deployments {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			selected = append(selected, d.Name)
		}
	}
	if len(selected) != 1 {
		t.Errorf("Service %s selects the pods of Deployments %v, want one", s.Name, selected)
	}
	if s.Spec.Type != corev1.ServiceTypeClusterIP {
		t.Errorf("Service %s is of type %s; by default no Service is reachable from outside", s.Name, s.Spec.Type)
	}
	wanted := map[string]bool{}
	for _, p := range pods {
		if selector.Matches(labels.Set(p.Labels)) {
			wanted[p.Name] = checkout.PodReady(&p)
			for _, port := range s.Spec.Ports {
				if !slices.ContainsFunc(p.Spec.Containers[0].Ports, func(cp corev1.ContainerPort) bool { return cp.Name == port.TargetPort.StrVal }) {
					t.Errorf("Service %s leads to port %q, which pod %s does not have", s.Name, port.TargetPort.StrVal, p.Name)
				}
			}
		}
	}
	slices_, err := c.Client().DiscoveryV1().EndpointSlices(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + s.Name})
	if err != nil {
		t.Fatal(err)
	}
	serving := map[string]bool{}
	for _, slice := range slices_.Items {
		for _, e := range slice.Endpoints {
			serving[e.TargetRef.Name] = *e.Conditions.Ready
		}
	}
	if fmt.Sprint(serving) != fmt.Sprint(wanted) || len(wanted) < 2 {
		t.Errorf("Service %s sends traffic to %v, want its ready pods %v", s.Name, serving, wanted)
	}
}

// requestPath evaluates the NetworkPolicies of the API server for the running pods and for other pods.
func requestPath(t *testing.T, c *checkout.Checkout) {
	ctx, client, all := t.Context(), c.Client(), metav1.ListOptions{}
	engine := eval.NewPolicyEngine()
	pods, err := client.CoreV1().Pods(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{} // component -> a pod of it
	for i := range pods.Items {
		p := &pods.Items[i]
		of[p.Labels["app.kubernetes.io/component"]] = namespace + "/" + p.Name
		if err := engine.UpsertObject(p); err != nil {
			t.Fatal(err)
		}
	}
	strangers := map[string]map[string]string{
		"ingress-nginx/controller": {"app.kubernetes.io/component": "controller"},
		"kube-system/dns":          {"k8s-app": "kube-dns"},
		"kube-system/other":        {"k8s-app": "other"},
		"default/gateway":          {"app.kubernetes.io/component": "gateway", "app.kubernetes.io/name": "gateway", "app.kubernetes.io/instance": "gateway"},
		namespace + "/stranger":    {"app.kubernetes.io/name": "stranger"},
	}
	address := netip.MustParseAddr("10.99.0.1")
	for _, ns := range []string{namespace, "ingress-nginx", "kube-system", "default"} {
		if err := engine.UpsertObject(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{"kubernetes.io/metadata.name": ns}}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, set := range strangers {
		ns, pod, _ := strings.Cut(name, "/")
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: pod, Labels: set}}
		p.Status = corev1.PodStatus{HostIP: "10.98.0.1", PodIP: address.String(), PodIPs: []corev1.PodIP{{IP: address.String()}}}
		address = address.Next()
		if err := engine.UpsertObject(p); err != nil {
			t.Fatal(err)
		}
	}
	policies, err := client.NetworkingV1().NetworkPolicies(namespace).List(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	for i := range policies.Items {
		if err := engine.UpsertObject(ipv4Only(&policies.Items[i])); err != nil {
			t.Fatal(err)
		}
	}
	gateway, model := of["gateway"], of["model-server"]
	const internet, metadata, podIdentity = "93.184.215.14", "169.254.169.254", "169.254.170.23"
	type flow struct {
		from, to, protocol string
		port               int
	}
	allowed := []flow{
		{"ingress-nginx/controller", gateway, "TCP", 9696},
		{gateway, model, "TCP", 8500},
		{gateway, "kube-system/dns", "UDP", 53},
		{gateway, "kube-system/dns", "TCP", 53},
		{model, "kube-system/dns", "UDP", 53},
		{model, "kube-system/dns", "TCP", 53},
		{namespace + "/stranger", "kube-system/dns", "UDP", 53},
		{namespace + "/stranger", "kube-system/dns", "TCP", 53},
		{gateway, internet, "TCP", 443},
		{gateway, internet, "TCP", 80},
	}
	// Every other pair of peers must be refused, on every port that a pod or an instance uses.
	peers := []string{gateway, model, "ingress-nginx/controller", "kube-system/dns", "kube-system/other", "default/gateway", namespace + "/stranger",
		internet, metadata, podIdentity, "10.1.2.3", "172.20.0.1", "192.168.1.1", "100.64.0.1"}
	ours := func(peer string) bool { return strings.HasPrefix(peer, namespace+"/") }
	checked, open := 0, 0
	for _, from := range peers {
		for _, to := range peers {
			if from == to || !ours(from) && !ours(to) {
				continue // the policies of this namespace do not apply
			}
			for _, f := range []flow{{from, to, "TCP", 22}, {from, to, "TCP", 80}, {from, to, "TCP", 443}, {from, to, "TCP", 8500}, {from, to, "TCP", 8501}, {from, to, "TCP", 9696}, {from, to, "TCP", 53}, {from, to, "UDP", 53}} {
				got, err := engine.CheckIfAllowed(f.from, f.to, f.protocol, strconv.Itoa(f.port))
				if err != nil {
					t.Fatalf("%+v: %v", f, err)
				}
				checked++
				if got {
					open++
				}
				if want := slices.Contains(allowed, f); got != want {
					t.Errorf("%s -> %s %s/%d: allowed is %v, want %v", f.from, f.to, f.protocol, f.port, got, want)
				}
			}
		}
	}
	if open != len(allowed) {
		t.Errorf("%d of %d flows are allowed, want %d", open, checked, len(allowed))
	}
	t.Logf("%d flows checked, %d open", checked, open)
}

// ipv4Only removes the IPv6 ranges of a policy, which the library cannot evaluate. The tests of the components check them.
func ipv4Only(p *networkingv1.NetworkPolicy) *networkingv1.NetworkPolicy {
	p = p.DeepCopy()
	for i := range p.Spec.Egress {
		p.Spec.Egress[i].To = slices.DeleteFunc(p.Spec.Egress[i].To, func(peer networkingv1.NetworkPolicyPeer) bool {
			return peer.IPBlock != nil && strings.Contains(peer.IPBlock.CIDR, ":")
		})
	}
	return p
}
