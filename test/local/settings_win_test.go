package local

import (
	"context"
	"fmt"
	"strings"
	"syscall"
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

// interruptedAndReverted interrupts `make up` once the cluster has an update that pulumi's state does not have yet.
func interruptedAndReverted(t *testing.T, c *checkout.Checkout) {
	image, err := gatewayImage(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for name, signal := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGKILL": syscall.SIGKILL} {
		next := "zoomcamp-10-gateway:" + strings.ToLower(name)
		c.Set("gateway.image", next)
		up := c.Start("make", "up")
		checkout.Eventually(t, "the update is sent", func(ctx context.Context) error {
			if got, err := gatewayImage(ctx, c); err != nil || got != next {
				return fmt.Errorf("the image is %q (%v)", got, err)
			}
			return nil
		})
		up.Signal(signal)
		if out, err := up.Wait(); err == nil {
			t.Errorf("%s does not interrupt make up:\n%s", name, out)
		}
		c.Set("gateway.image", image)
		c.Make("up")
		wantGatewayImage(t, c, "after "+name+", a revert and make up", image)
	}
}
