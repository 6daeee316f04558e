package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// CheckIngressClass fails if a cluster has IngressClasses, and none of this name. Its error names those that it has. A
// controller may serve a class for which there is no object, so a cluster without any passes. So does one whose credentials
// may not list them.
func CheckIngressClass(ctx context.Context, kubeconfig, class string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	cfg.Timeout = timeout
	client, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	data, err := client.RESTClient().Get().AbsPath("/apis/networking.k8s.io/v1/ingressclasses").DoRaw(ctx)
	if apierrors.IsForbidden(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the IngressClasses of the cluster at %s: %w", cfg.Host, err)
	}
	var list struct {
		Items []struct{ Metadata struct{ Name string } }
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("listing the IngressClasses of the cluster at %s: %w", cfg.Host, err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Metadata.Name)
	}
	if len(names) == 0 || slices.Contains(names, class) {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("the cluster at %s has no IngressClass %q; it has %s: correct ingress.class, and ingress.controllerNamespace to the namespace of that class's controller", cfg.Host, class, strings.Join(names, ", "))
}
