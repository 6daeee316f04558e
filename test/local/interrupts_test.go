package local

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/internal/checkout"
)

const (
	// interruptPoints is the number of moments at which make up is interrupted. They are spread evenly over its duration.
	interruptPoints = 20
	// shortInterruptPoints is the number with -short: one for each pair of a signal and what follows.
	shortInterruptPoints = 6
)

// Whenever make up is interrupted, and whether the change is then taken back, changed again or left, the next make up makes
// the cluster what the settings say.
func TestAfterAnInterruptedMakeUpTheNextMakesTheClusterWhatTheSettingsSay(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	// One pod of each component, and a health path, which shortens minReadySeconds: the test makes 42 updates.
	c.Set("gateway.healthPath", "/health")
	for _, component := range []string{"gateway", "model"} {
		c.Set(component+".replicas", map[string]any{"min": 1, "max": 1})
	}
	c.Set("autoscaler.scaleDownUnneededTime", "1h")
	c.Make("up")
	image := func(tag string) string { return "zoomcamp-10-gateway:" + tag }
	c.Set("gateway.image", image("first"))
	begin := time.Now()
	c.Make("up")
	whole, current := time.Since(begin), image("first")
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGKILL}
	followUps := []string{"a revert", "a further change", "nothing"}
	points := interruptPoints
	if testing.Short() {
		points = shortInterruptPoints
	}
	for i := range points {
		at := whole * time.Duration(2*i+1) / time.Duration(2*points)
		signal, followUp := signals[i%len(signals)], followUps[i/len(signals)%len(followUps)]
		name := fmt.Sprintf("%s after %.1f s and %s", signal, at.Seconds(), followUp)
		next := image(fmt.Sprintf("interrupted-%d", i))
		c.Set("gateway.image", next)
		up := c.Start("make", "up")
		time.Sleep(at)
		up.Signal(signal)
		_, err := up.Wait()
		sent, _ := gatewayImage(t.Context(), c)
		switch followUp {
		case "a revert":
			c.Set("gateway.image", current)
		case "a further change":
			next = image(fmt.Sprintf("further-%d", i))
			c.Set("gateway.image", next)
			current = next
		default:
			current = next
		}
		begin := time.Now()
		out := c.Make("up")
		if followUp == "a further change" {
			whole = min(whole, time.Since(begin)) // the first one took longer, if the machine was busy
		}
		t.Logf("%s: make up had ended with %v, and the cluster had image %s", name, err, sent)
		if err := gatewayRuns(t.Context(), c, current); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// gatewayRuns returns nil if the gateway's Deployment and all of its pods have the image, and the pods are ready.
func gatewayRuns(ctx context.Context, c *checkout.Checkout, image string) error {
	d, err := c.Client().AppsV1().Deployments(namespace).Get(ctx, "gateway", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if got := d.Spec.Template.Spec.Containers[0].Image; got != image {
		return fmt.Errorf("the gateway's image is %s, want the settings' %s", got, image)
	}
	pods, err := c.Client().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)})
	if err != nil {
		return err
	}
	if len(pods.Items) != int(*d.Spec.Replicas) {
		return fmt.Errorf("the gateway has %d pods, want %d", len(pods.Items), *d.Spec.Replicas)
	}
	for _, p := range pods.Items {
		if got := p.Spec.Containers[0].Image; got != image || !checkout.PodReady(&p) {
			return fmt.Errorf("the gateway's pod %s has image %s and is in phase %s, want %s and ready", p.Name, got, p.Status.Phase, image)
		}
	}
	return nil
}
