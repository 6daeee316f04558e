package program

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/resource"
)

func TestIngressFollowsTheSettings(t *testing.T) {
	forEachApplication(t, func(t *testing.T, g *graph) {
		set := g.settings.Ingress
		for _, in := range objects[*networkingv1.Ingress](g) {
			want := map[string]string{}
			cidrs := strings.Join(set.AllowedCIDRs, ",")
			switch set.Class {
			case "alb":
				want[resource.ALBAnnotation+"inbound-cidrs"] = cidrs
				want[resource.ALBAnnotation+"certificate-arn"] = set.CertificateARN
				want[resource.ALBAnnotation+"target-type"] = "ip"
				want[resource.ALBAnnotation+"success-codes"] = "405"
				check := g.settings.Gateway.HealthCheck
				want[resource.ALBAnnotation+"healthcheck-timeout-seconds"] = strconv.Itoa(int(check.Timeout.Seconds()))
				want[resource.ALBAnnotation+"healthcheck-interval-seconds"] = strconv.Itoa(int(check.Interval.Seconds()))
				want[resource.ALBAnnotation+"unhealthy-threshold-count"] = strconv.Itoa(check.Failures)
				if set.CertificateARN != "" {
					want[resource.ALBAnnotation+"ssl-redirect"] = "443"
				}
				want[resource.ALBAnnotation+"healthcheck-path"] = "/predict"
				if p := g.settings.Gateway.HealthPath; p != "" {
					want[resource.ALBAnnotation+"healthcheck-path"] = p
					want[resource.ALBAnnotation+"success-codes"] = ""
				}
			case "nginx":
				want["nginx.ingress.kubernetes.io/whitelist-source-range"] = cidrs
			}
			for key, value := range want {
				got, exists := in.Annotations[key]
				if got != value {
					t.Errorf("annotation %s is %q, want %q", key, got, value)
				}
				if exists && got == "" {
					t.Errorf("annotation %s is set to an empty text, want no annotation", key)
				}
			}
			if *in.Spec.IngressClassName != set.Class {
				t.Errorf("the class is %q, want %q", *in.Spec.IngressClassName, set.Class)
			}
			if got := in.Spec.Rules[0].Host; got != set.Host {
				t.Errorf("the host is %q, want %q", got, set.Host)
			}
			if set.TLSSecret == "" {
				if len(in.Spec.TLS) > 0 {
					t.Errorf("TLS is %v, want none", in.Spec.TLS)
				}
			} else if len(in.Spec.TLS) != 1 || in.Spec.TLS[0].SecretName != set.TLSSecret || !slices.Equal(in.Spec.TLS[0].Hosts, []string{set.Host}) {
				t.Errorf("TLS is %v, want Secret %s for %s", in.Spec.TLS, set.TLSSecret, set.Host)
			}
			delay := "deregistration_delay.timeout_seconds=" + strconv.Itoa(int(g.settings.Gateway.DrainTime.Seconds()))
			if attributes := in.Annotations[resource.ALBAnnotation+"target-group-attributes"]; set.Class == "alb" && attributes != delay {
				t.Errorf("the target group has %q, want %q: the target must leave while the pod drains", attributes, delay)
			}
		}
	})
}

func TestLoadBalancersAreRegisteredForZonalShiftWithTheCluster(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		want := g.settings.Cluster.ZonalShift
		check := func(of, attributes string) {
			if got := strings.Contains(attributes, "zonal_shift.config.enabled=true"); got != want {
				t.Errorf("the load balancer of %s has the attributes %q; it is registered: %t, want %t", of, attributes, got, want)
			}
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			check("the Ingress", in.Annotations[resource.ALBAnnotation+"load-balancer-attributes"])
		}
		for _, v := range objects[*corev1.Service](g) {
			if v.Spec.Type == corev1.ServiceTypeLoadBalancer {
				check("the Service", v.Annotations[resource.NLBAnnotation+"attributes"])
			}
		}
	})
}

func TestLoadBalancerControllerServesTheClassOfTheIngress(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		classes := objects[*networkingv1.IngressClass](g)
		if len(classes) != 1 || classes[0].Spec.Controller != "ingress.k8s.aws/alb" {
			t.Fatalf("Ingress classes are %v, want one, of the controller", classes)
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			if *in.Spec.IngressClassName != classes[0].Name {
				t.Errorf("Ingress %s has class %s, want %s", in.Name, *in.Spec.IngressClassName, classes[0].Name)
			}
		}
		release, c := g.loadBalancerRelease(t), g.settings.LoadBalancerController
		for key, want := range map[string]string{
			"clusterName": g.clusterName(), "region": g.settings.Region, "vpcId": "vpc/tfserving-" + g.stack, "ingressClass": classes[0].Name,
		} {
			if got := release.text("values", key); got != want {
				t.Errorf("the controller's %s is %q, want %q", key, got, want)
			}
		}
		if release.text("chart") != c.Chart || release.text("repositoryOpts", "repo") != c.Repository || c.Repository != "" && release.text("version") != c.Version {
			t.Errorf("the chart is %s %s from %s, want %+v", release.text("chart"), release.text("version"), release.text("repositoryOpts", "repo"), c)
		}
		association := g.resource(t, resource.PodIdentityAssociation, g.clusterName()+"-aws-load-balancer-controller")
		if release.text("values", "serviceAccount", "name") != association.text("serviceAccount") || release.text("namespace") != association.text("namespace") {
			t.Errorf("the controller runs as service account %s, but its role is associated with %s", release.text("values", "serviceAccount", "name"), association.text("serviceAccount"))
		}
	})
}

func TestPodsAreReadyOnlyIfTheirLoadBalancerTargetIsHealthy(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		ns := objectNamed[*corev1.Namespace](t, g, g.settings.Namespace)
		if got := ns.Labels["elbv2.k8s.aws/pod-readiness-gate-inject"]; got != "enabled" {
			t.Errorf("the namespace's label for readiness gates is %q, want enabled", got)
		}
	})
}
