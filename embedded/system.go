package embedded

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"text/template"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tfserving/embedded/node"
)

//go:embed system.yaml
var systemManifest string

const (
	systemFile = "system.yaml"
	// systemTimeout bounds the start of the system's pods, which takes a few seconds.
	systemTimeout = 2 * time.Minute
)

// PictureURL is the address of a picture, for a gateway in the cluster's pods.
const PictureURL = "http://" + node.PictureHost + "/picture.png"

// IngressURL is the address at which the ingress controller of a cluster of real nodes answers on this machine.
func (c *Cluster) IngressURL() string { return "http://" + c.loopbackAddress() }

// ensureSystemPods makes the pods of the cluster's system: DNS and the ingress controller.
func (c *Cluster) ensureSystemPods(ctx context.Context) error {
	t, err := template.New("system").Delims("[[", "]]").Parse(systemManifest)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, map[string]any{
		"DNSAddress":       node.DNSAddress,
		"PictureAddress":   node.PictureAddress,
		"PictureHost":      node.PictureHost,
		"CoreDNSImage":     node.CoreDNSImage,
		"SkipperImage":     node.SkipperImage,
		"IngressNodePort":  node.IngressNodePort,
		"IngressClass":     c.cfg.Real.IngressClass,
		"IngressNamespace": c.cfg.Real.IngressNamespace,
	}); err != nil {
		return err
	}
	if err := os.WriteFile(c.file(systemFile), out.Bytes(), 0o644); err != nil {
		return err
	}
	apply := c.command(ctx, "kubectl", "--kubeconfig", c.cfg.Kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", c.file(systemFile))
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("making the system's pods: %w\n%s", err, out)
	}
	return nil
}

// AwaitSystemPods waits until DNS and the ingress controller run on every real node. Start does not wait for them, since the
// application's pods take longer and do not need them to start.
func (c *Cluster) AwaitSystemPods(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, systemTimeout)
	defer cancel()
	for {
		waitingFor := ""
		for name, namespace := range map[string]string{"coredns": systemNamespace, "skipper": c.cfg.Real.IngressNamespace} {
			set, err := client.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil || !everywhere(set) {
				waitingFor = name
			}
		}
		if waitingFor == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the pods of %s are not ready after %s: kubectl --kubeconfig %s get pods -A", waitingFor, systemTimeout, c.cfg.Kubeconfig)
		case <-time.After(pollInterval):
		}
	}
}

// everywhere says whether a DaemonSet is ready on every node.
func everywhere(set *appsv1.DaemonSet) bool {
	s := set.Status
	return s.ObservedGeneration == set.Generation && s.DesiredNumberScheduled > 0 &&
		s.NumberReady == s.DesiredNumberScheduled && s.UpdatedNumberScheduled == s.DesiredNumberScheduled
}
