package preflight

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ReadKubeconfig returns one context of a kubeconfig file, as a kubeconfig of its own with all credentials embedded, and the
// context's name. An empty contextName selects the file's current context.
func ReadKubeconfig(file, contextName string) (kubeconfig, name string, err error) {
	all, err := clientcmd.LoadFromFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("kubeconfig %s does not exist: set tfserving:kubernetes.kubeconfig to an existing file (for stack local, `make up` starts the cluster and writes the file)", file)
	}
	if err != nil {
		return "", "", fmt.Errorf("reading kubeconfig %s: %w", file, err)
	}
	contextName = cmp.Or(contextName, all.CurrentContext)
	if all.Contexts[contextName] == nil {
		return "", "", fmt.Errorf("kubeconfig %s has no context %q; it has %s: set tfserving:kubernetes.context to one of them",
			file, contextName, strings.Join(slices.Sorted(maps.Keys(all.Contexts)), ", "))
	}
	all.CurrentContext = contextName
	if err := clientcmdapi.MinifyConfig(all); err != nil {
		return "", "", fmt.Errorf("reading context %s of kubeconfig %s: %w", contextName, file, err)
	}
	// Paths in the file are relative to its folder. Embedded content works everywhere.
	if err := clientcmdapi.FlattenConfig(all); err != nil {
		return "", "", fmt.Errorf("reading the certificates of context %s of kubeconfig %s: %w", contextName, file, err)
	}
	data, err := clientcmd.Write(*all)
	if err != nil {
		return "", "", fmt.Errorf("writing context %s of kubeconfig %s: %w", contextName, file, err)
	}
	return string(data), contextName, nil
}
