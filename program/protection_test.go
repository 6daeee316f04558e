package program

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tfserving/resource"
)

// protectedTypes are the types of resources that hold state, or on which all others depend.
var protectedTypes = []string{resource.VPC, resource.KMSKey, resource.Repository}

func TestProtectSettingCoversExactlyTheResourcesWithState(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		protect := g.settings.AWS.Protect
		for _, r := range g.resources {
			want := protect && slices.Contains(protectedTypes, r.TypeToken)
			if got := r.RegisterRPC.GetProtect(); got != want {
				t.Errorf("%s is protected: %t, want %t", r, got, want)
			}
			if r.RegisterRPC.GetRetainOnDelete() {
				t.Errorf("%s would stay in the account after its deletion", r)
			}
		}
		if g.engine.ControlPlane.Protected != protect {
			t.Errorf("the control plane is protected: %t, want %t", g.engine.ControlPlane.Protected, protect)
		}
		for _, r := range g.ofType(resource.Repository) {
			if r.input("forceDelete") != !protect {
				t.Errorf("%s allows its deletion with images in it: %v, want %t", r, r.input("forceDelete"), !protect)
			}
		}
		for _, in := range objects[*networkingv1.Ingress](g) {
			attributes := in.Annotations[resource.ALBAnnotation+"load-balancer-attributes"]
			if got := strings.Contains(attributes, "deletion_protection.enabled=true"); got != protect {
				t.Errorf("the load balancer is protected: %t, want %t", got, protect)
			}
		}
		for _, v := range objects[*corev1.Service](g) {
			if v.Spec.Type != corev1.ServiceTypeLoadBalancer {
				continue
			}
			attributes := v.Annotations[resource.NLBAnnotation+"attributes"]
			if got := strings.Contains(attributes, "deletion_protection.enabled=true"); got != protect {
				t.Errorf("the Service's load balancer is protected: %t, want %t", got, protect)
			}
		}
	})
}

func TestOnlyProdIsProtectedFromDeletion(t *testing.T) {
	for stack, want := range map[string]bool{"dev": false, "staging": false, "prod": true} {
		if got := checkedInStack(t, stack).settings.AWS.Protect; got != want {
			t.Errorf("stack %s is protected: %t, want %t", stack, got, want)
		}
	}
}
