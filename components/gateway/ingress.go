package gateway

import (
	"fmt"
	"strings"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// newEntrypoint registers the Ingress, if the gateway has one. It returns the URL of the Ingress or of the Service's load
// balancer.
func newEntrypoint(ctx *pulumi.Context, name string, args *Args, id workload.Identity, service *corev1.Service, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	if args.Ingress == nil {
		return service.Status.LoadBalancer().Ingress().ApplyT(func(points []corev1.LoadBalancerIngress) string {
			for _, p := range points {
				return url("http", p.Hostname, p.Ip)
			}
			return ""
		}).(pulumi.StringOutput), nil
	}
	in := args.Ingress
	meta := workload.ObjectMeta(name, args.Namespace, id)
	meta = workload.Annotate(meta, ingressAnnotations(args))
	rule := &networkingv1.IngressRuleArgs{
		Http: &networkingv1.HTTPIngressRuleValueArgs{Paths: networkingv1.HTTPIngressPathArray{&networkingv1.HTTPIngressPathArgs{
			Path:     pulumi.String("/"),
			PathType: pulumi.String("Prefix"),
			Backend: &networkingv1.IngressBackendArgs{Service: &networkingv1.IngressServiceBackendArgs{
				Name: service.Metadata.Name().Elem(),
				Port: &networkingv1.ServiceBackendPortArgs{Name: pulumi.String(httpPort)},
			}},
		}}},
	}
	spec := &networkingv1.IngressSpecArgs{IngressClassName: pulumi.String(in.Class), Rules: networkingv1.IngressRuleArray{rule}}
	if in.Host != "" {
		rule.Host = pulumi.String(in.Host)
	}
	if in.TLSSecret != "" {
		spec.Tls = networkingv1.IngressTLSArray{&networkingv1.IngressTLSArgs{
			Hosts: pulumi.ToStringArray([]string{in.Host}), SecretName: pulumi.String(in.TLSSecret),
		}}
	}
	ingress, err := networkingv1.NewIngress(ctx, name, &networkingv1.IngressArgs{Metadata: meta, Spec: spec}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	scheme := "http"
	if in.CertificateARN != "" || in.TLSSecret != "" {
		scheme = "https"
	}
	return ingress.Status.LoadBalancer().Ingress().ApplyT(func(points []networkingv1.IngressLoadBalancerIngress) string {
		if in.Host != "" && !strings.HasPrefix(in.Host, "*") {
			return scheme + "://" + in.Host
		}
		for _, p := range points {
			return url(scheme, p.Hostname, p.Ip)
		}
		return ""
	}).(pulumi.StringOutput), nil
}

// url returns the URL of a load balancer by its hostname or its IP address; empty if it has neither.
func url(scheme string, hostname, ip *string) string {
	for _, host := range []*string{hostname, ip} {
		if host != nil && *host != "" {
			return scheme + "://" + *host
		}
	}
	return ""
}

// ingressAnnotations returns the settings of the Ingress's controller for which an Ingress has no field.
func ingressAnnotations(args *Args) map[string]string {
	in, cidrs := args.Ingress, strings.Join(args.AllowedCIDRs, ",")
	all := map[string]string{}
	switch in.Class {
	case catalog.IngressClassALB:
		all["alb.ingress.kubernetes.io/scheme"] = in.Scheme
		// The load balancer sends to the pods and not to the nodes' ports: one hop less, and readiness gates work.
		all["alb.ingress.kubernetes.io/target-type"] = "ip"
		// A target that is deregistered gets no new requests. Its pod still serves for the same time.
		all["alb.ingress.kubernetes.io/target-group-attributes"] = fmt.Sprintf("deregistration_delay.timeout_seconds=%d", int(args.DrainTime/time.Second))
		all["alb.ingress.kubernetes.io/healthcheck-timeout-seconds"] = fmt.Sprint(args.HealthCheck.Timeout.Seconds())
		all["alb.ingress.kubernetes.io/healthcheck-interval-seconds"] = fmt.Sprint(args.HealthCheck.Interval.Seconds())
		all["alb.ingress.kubernetes.io/unhealthy-threshold-count"] = fmt.Sprint(args.HealthCheck.Failures)
		if args.HealthPath != "" {
			all["alb.ingress.kubernetes.io/healthcheck-path"] = args.HealthPath
		} else {
			// The gateway's only route is POST /predict. A healthy gateway answers GET with 405.
			all["alb.ingress.kubernetes.io/healthcheck-path"] = "/predict"
			all["alb.ingress.kubernetes.io/success-codes"] = "405"
		}
		if in.CertificateARN != "" {
			all["alb.ingress.kubernetes.io/certificate-arn"] = in.CertificateARN
			all["alb.ingress.kubernetes.io/listen-ports"] = `[{"HTTP":80},{"HTTPS":443}]`
			all["alb.ingress.kubernetes.io/ssl-redirect"] = "443"
		}
		if cidrs != "" {
			all["alb.ingress.kubernetes.io/inbound-cidrs"] = cidrs
		}
		// The load balancer removes headers with invalid names.
		attributes := append([]string{"routing.http.drop_invalid_header_fields.enabled=true"}, balancerAttributes(in.DeletionProtection, in.ZonalShift)...)
		all["alb.ingress.kubernetes.io/load-balancer-attributes"] = strings.Join(attributes, ",")
	case catalog.IngressClassNginx:
		if cidrs != "" {
			all["nginx.ingress.kubernetes.io/whitelist-source-range"] = cidrs
		}
	}
	return all
}

// loadBalancerAnnotations returns the settings of the load balancer's controller for which a Service has no field.
func loadBalancerAnnotations(args *Args) map[string]string {
	if args.LoadBalancer.Class != catalog.LoadBalancerClassNLB {
		return map[string]string{}
	}
	const prefix = "service.beta.kubernetes.io/aws-load-balancer-"
	all := map[string]string{
		prefix + "scheme":          args.LoadBalancer.Scheme,
		prefix + "nlb-target-type": "ip", // the pods, not the nodes' ports
		// A target that is deregistered gets no new connections. Its pod still serves for the same time.
		prefix + "target-group-attributes": fmt.Sprintf("deregistration_delay.timeout_seconds=%d", int(args.DrainTime/time.Second)),
	}
	if attributes := balancerAttributes(args.LoadBalancer.DeletionProtection, args.LoadBalancer.ZonalShift); attributes != nil {
		all[prefix+"attributes"] = strings.Join(attributes, ",")
	}
	return all
}

// balancerAttributes returns the attributes that Application and Network Load Balancers share. Each is off by default.
func balancerAttributes(deletionProtection, zonalShift bool) (all []string) {
	if deletionProtection {
		all = append(all, "deletion_protection.enabled=true")
	}
	if zonalShift {
		all = append(all, "zonal_shift.config.enabled=true")
	}
	return all
}
