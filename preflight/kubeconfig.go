package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ClusterTimeout is how long a cluster may take to answer before it counts as unreachable. Without the question, the engine
// finds out resource by resource, and takes minutes.
const ClusterTimeout = 10 * time.Second

// ReadKubeconfig returns the kubeconfig in a file, cut down to one context with its credentials embedded, and that context's
// name; empty takes the file's current one.
func ReadKubeconfig(file, contextName string) (kubeconfig, name string, err error) {
	all, err := clientcmd.LoadFromFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("kubeconfig %s does not exist: set tfserving:kubernetes.kubeconfig to one that does (stack local: `make up` starts its cluster and writes it)", file)
	}
	if err != nil {
		return "", "", fmt.Errorf("reading kubeconfig %s: %w", file, err)
	}
	if contextName == "" {
		contextName = all.CurrentContext
	}
	if all.Contexts[contextName] == nil {
		return "", "", fmt.Errorf("kubeconfig %s has no context %q; it has %s: set tfserving:kubernetes.context to one of them",
			file, contextName, strings.Join(slices.Sorted(maps.Keys(all.Contexts)), ", "))
	}
	all.CurrentContext = contextName
	if err := clientcmdapi.MinifyConfig(all); err != nil {
		return "", "", fmt.Errorf("reading context %s of kubeconfig %s: %w", contextName, file, err)
	}
	// Paths in the file are relative to it; embedded, they hold wherever the text goes.
	if err := clientcmdapi.FlattenConfig(all); err != nil {
		return "", "", fmt.Errorf("reading the certificates of context %s of kubeconfig %s: %w", contextName, file, err)
	}
	data, err := clientcmd.Write(*all)
	if err != nil {
		return "", "", fmt.Errorf("writing context %s of kubeconfig %s: %w", contextName, file, err)
	}
	return string(data), contextName, nil
}

// oldest is the first version of Kubernetes that has all that the application's objects ask for; the latest to come was
// the kubelet's own sleep before a container ends (preStop.sleep, on by default since 1.30).
var oldest = version.MustParseGeneric("1.30")

// CheckCluster returns nil if the cluster of a kubeconfig answers, within timeout and to these credentials, and is new enough.
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
	var is struct{ GitVersion string }
	if err := json.Unmarshal(data, &is); err != nil {
		return fmt.Errorf("the cluster at %s answers, but not as Kubernetes does: %w", cfg.Host, err)
	}
	v, err := version.ParseGeneric(is.GitVersion)
	if err != nil {
		return fmt.Errorf("the cluster at %s does not tell its version: %w", cfg.Host, err)
	}
	if v.LessThan(oldest) {
		return fmt.Errorf("the cluster at %s is Kubernetes %s; the application needs %s or newer", cfg.Host, is.GitVersion, oldest)
	}
	return nil
}
