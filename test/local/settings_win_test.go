package local

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tfserving/internal/checkout"
)

// gatewayImage is the image in the gateway's Deployment.
func gatewayImage(ctx context.Context, c *checkout.Checkout) (string, error) {
	d, err := c.Client().AppsV1().Deployments(namespace).Get(ctx, "gateway", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return d.Spec.Template.Spec.Containers[0].Image, nil
}

func wantGatewayImage(t *testing.T, c *checkout.Checkout, after, want string) {
	t.Helper()
	if got, err := gatewayImage(t.Context(), c); err != nil || got != want {
		t.Errorf("%s, the gateway's image is %q (%v), want the settings' %q", after, got, err, want)
	}
}

// foreignChange changes the gateway's image as another tool would, with a field manager of its own.
func foreignChange(t *testing.T, c *checkout.Checkout) {
	image, err := gatewayImage(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, manager := range []string{"argocd-controller", "kubectl-edit"} {
		patch := fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"gateway","image":"zoomcamp-10-gateway:%s"}]}}}}`, manager)
		if _, err := c.Client().AppsV1().Deployments(namespace).Patch(t.Context(), "gateway", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager}); err != nil {
			t.Fatal(err)
		}
		if out := c.Make("up"); checkout.Changes(out) == "" {
			t.Errorf("make up does not say that it changes what %s has changed:\n%s", manager, out)
		}
		wantGatewayImage(t, c, "after a change by "+manager+" and make up", image)
	}
	if out := c.Make("up"); checkout.Changes(out) != "" {
		t.Errorf("the next make up still finds something to change:\n%s", out)
	}
}
