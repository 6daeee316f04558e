package machines

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"tfserving/catalog"
)

// object is an Ingress or a Service, with what the controller needs of both.
type object struct {
	metav1.Object
	kind     string
	wanted   bool   // the controller is to make a load balancer for it
	hostname string // of the load balancer in its status
	build    func() (*balancerPlan, error)
	patch    func(ctx context.Context, patch []byte, subresource ...string) error
}

// plan is the object's plan without its listeners: enough to find what was made for it.
func (o *object) plan() *balancerPlan {
	kinds := map[string]string{"Ingress": "ingress", "Service": "service"}
	return &balancerPlan{kind: kinds[o.kind], namespace: o.GetNamespace(), name: o.GetName()}
}

// objects are all Ingresses and Services. The controller's ClusterRole allows these calls.
func objects(ctx context.Context, api kubernetes.Interface) (all []*object, err error) {
	classes, err := api.NetworkingV1().IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing IngressClasses: %w", err)
	}
	mine := map[string]bool{}
	for _, class := range classes.Items {
		mine[class.Name] = class.Spec.Controller == ingressController
	}
	ingresses, err := api.NetworkingV1().Ingresses(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing Ingresses: %w", err)
	}
	for i := range ingresses.Items {
		all = append(all, ingressObject(api, &ingresses.Items[i], mine))
	}
	services, err := api.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing Services: %w", err)
	}
	for i := range services.Items {
		all = append(all, serviceObject(api, &services.Items[i]))
	}
	return all, nil
}

func ingressObject(api kubernetes.Interface, in *networkingv1.Ingress, mine map[string]bool) *object {
	o := &object{
		Object: in,
		kind:   "Ingress",
		wanted: in.Spec.IngressClassName != nil && mine[*in.Spec.IngressClassName] && in.DeletionTimestamp == nil,
		build:  func() (*balancerPlan, error) { return planForIngress(in) },
		patch: func(ctx context.Context, patch []byte, subresource ...string) error {
			_, err := api.NetworkingV1().Ingresses(in.Namespace).Patch(ctx, in.Name, types.MergePatchType, patch, metav1.PatchOptions{}, subresource...)
			return err
		},
	}
	for _, p := range in.Status.LoadBalancer.Ingress {
		o.hostname = p.Hostname
	}
	return o
}

func serviceObject(api kubernetes.Interface, svc *corev1.Service) *object {
	o := &object{
		Object: svc,
		kind:   "Service",
		wanted: svc.Spec.Type == corev1.ServiceTypeLoadBalancer && svc.Spec.LoadBalancerClass != nil &&
			*svc.Spec.LoadBalancerClass == catalog.LoadBalancerClassNLB && svc.DeletionTimestamp == nil,
		build: func() (*balancerPlan, error) { return planForService(svc) },
		patch: func(ctx context.Context, patch []byte, subresource ...string) error {
			_, err := api.CoreV1().Services(svc.Namespace).Patch(ctx, svc.Name, types.MergePatchType, patch, metav1.PatchOptions{}, subresource...)
			return err
		},
	}
	for _, p := range svc.Status.LoadBalancer.Ingress {
		o.hostname = p.Hostname
	}
	return o
}

// setFinalizers replaces the object's finalizers. It fails if the object has changed since it was read.
func (o *object) setFinalizers(ctx context.Context, finalizers []string) error {
	return o.write(ctx, "finalizers", map[string]any{"metadata": map[string]any{
		"finalizers": finalizers, "resourceVersion": o.GetResourceVersion()}})
}

// setHostname writes the load balancer's name into the object's status.
func (o *object) setHostname(ctx context.Context, hostname string) error {
	return o.write(ctx, "status", map[string]any{"status": map[string]any{"loadBalancer": map[string]any{
		"ingress": []map[string]string{{"hostname": hostname}}}}}, "status")
}

func (o *object) write(ctx context.Context, what string, patch map[string]any, subresource ...string) error {
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	if err := o.patch(ctx, text, subresource...); err != nil {
		return fmt.Errorf("writing its %s: %w", what, err)
	}
	return nil
}

// servicePort is the number of a Service's port, which is given by number or name.
func servicePort(ctx context.Context, api kubernetes.Interface, namespace, name, port string) (int32, error) {
	svc, err := api.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return 0, fmt.Errorf("reading its backend: %w", err)
	}
	for _, p := range svc.Spec.Ports {
		if p.Name == port || fmt.Sprint(p.Port) == port {
			return p.Port, nil
		}
	}
	return 0, fmt.Errorf("reading its backend: Service %s has no port %s", name, port)
}
