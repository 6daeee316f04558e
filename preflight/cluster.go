package preflight

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/labels"
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
	var answer struct{ GitVersion string }
	host, err := get(ctx, kubeconfig, timeout, "/version", nil, &answer)
	if err != nil {
		return err
	}
	v, err := version.ParseGeneric(answer.GitVersion)
	if err != nil {
		return fmt.Errorf("the cluster at %s does not return its version: %w", host, err)
	}
	if v.LessThan(oldestVersion) {
		return fmt.Errorf("the cluster at %s runs Kubernetes %s; the application needs %s or newer", host, answer.GitVersion, oldestVersion)
	}
	return nil
}

// Deployments returns the Deployments with these labels in a namespace.
func Deployments(ctx context.Context, kubeconfig, namespace string, selected map[string]string) ([]appsv1.Deployment, error) {
	var list appsv1.DeploymentList
	path := "/apis/apps/v1/namespaces/" + namespace + "/deployments"
	_, err := get(ctx, kubeconfig, ClusterTimeout, path, selected, &list)
	return list.Items, err
}

// get reads the answer of a kubeconfig's cluster at a path, of objects with the given labels. It returns the cluster's address.
func get(ctx context.Context, kubeconfig string, timeout time.Duration, path string, selected map[string]string, answer any) (host string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	cfg.Timeout = timeout
	client, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	request := client.RESTClient().Get().AbsPath(path)
	if len(selected) > 0 {
		request.Param("labelSelector", labels.SelectorFromSet(selected).String())
	}
	data, err := request.DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("the cluster at %s does not answer: %w", cfg.Host, err)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return "", fmt.Errorf("the cluster at %s does not answer like Kubernetes: %w", cfg.Host, err)
	}
	return cfg.Host, nil
}
