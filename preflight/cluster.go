package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// ClusterTimeout is how long the program waits for a cluster's answer. Without this check, the engine retries each resource
// for minutes.
const ClusterTimeout = 10 * time.Second

// oldestVersion is the first Kubernetes version with every feature of the application's objects. The newest of them is
// preStop.sleep, on by default since 1.30.
var oldestVersion = version.MustParseGeneric("1.30")

// CheckCluster fails unless the cluster of a kubeconfig answers within timeout, accepts the credentials, and has at least
// oldestVersion.
func CheckCluster(ctx context.Context, kubeconfig string, timeout time.Duration) error {
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
	data, err := client.RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("the cluster at %s does not answer: %w", cfg.Host, err)
	}
	var answer struct{ GitVersion string }
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("the cluster at %s does not answer like Kubernetes: %w", cfg.Host, err)
	}
	v, err := version.ParseGeneric(answer.GitVersion)
	if err != nil {
		return fmt.Errorf("the cluster at %s does not return its version: %w", cfg.Host, err)
	}
	if v.LessThan(oldestVersion) {
		return fmt.Errorf("the cluster at %s runs Kubernetes %s; the application needs %s or newer", cfg.Host, answer.GitVersion, oldestVersion)
	}
	return nil
}
