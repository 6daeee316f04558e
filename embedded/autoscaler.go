package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tfserving/embedded/child"
)

// Names of the ConfigMaps from which the Cluster Autoscaler's kwok provider reads its groups.
const (
	providerConfig    = "kwok-provider-config"
	providerTemplates = "kwok-provider-templates"
	systemNamespace   = "kube-system"

	clusterAutoscaler = "cluster-autoscaler"
	// autoscalerTimeout bounds the time from the autoscaler's start until it reports itself healthy.
	autoscalerTimeout = 30 * time.Second
)

// ensureAutoscaler makes sure that one Cluster Autoscaler runs, with the node groups and flags of the configuration.
func (c *Cluster) ensureAutoscaler(ctx context.Context) error {
	if len(c.cfg.AutoscalerFlags) == 0 {
		c.stopAutoscaler()
		return nil
	}
	changed, err := c.writeGroups(ctx)
	if err != nil {
		return err
	}
	p := c.processIn(c.file(clusterAutoscaler + ".pid"))
	if p != nil && !changed {
		args, err := p.CmdlineSlice()
		if err == nil && !slices.ContainsFunc(c.cfg.AutoscalerFlags, func(flag string) bool { return !slices.Contains(args, flag) }) {
			return nil
		}
	}
	c.stopAutoscaler()
	return c.startAutoscaler(ctx)
}

// writeGroups writes the node groups where the autoscaler reads them, and says whether they differ from the previous ones.
func (c *Cluster) writeGroups(ctx context.Context) (changed bool, err error) {
	list := corev1.List{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}}
	for _, g := range c.cfg.NodeGroups {
		n, err := c.template(g)
		if err != nil {
			return false, err
		}
		raw, err := json.Marshal(n)
		if err != nil {
			return false, err
		}
		list.Items = append(list.Items, runtime.RawExtension{Raw: raw})
	}
	templates, err := json.Marshal(list)
	if err != nil {
		return false, err
	}
	config := map[string]any{
		"apiVersion":    "v1alpha1",
		"readNodesFrom": "configmap",
		"nodegroups":    map[string]any{"fromNodeLabelKey": groupLabel},
		"nodes":         map[string]any{"skipTaint": true},
		"configmap":     map[string]any{"name": providerTemplates},
	}
	text, err := json.Marshal(config)
	if err != nil {
		return false, err
	}
	client, err := c.Client()
	if err != nil {
		return false, err
	}
	configMaps := client.CoreV1().ConfigMaps(systemNamespace)
	data := map[string]map[string]string{
		providerConfig:    {"config": string(text)},
		providerTemplates: {"templates": string(templates)},
	}
	maps.Copy(data, c.cfg.AutoscalerData)
	for name, data := range data {
		want := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
		have, err := configMaps.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			changed = true
			_, err = configMaps.Create(ctx, want, metav1.CreateOptions{})
		case err == nil && fmt.Sprint(have.Data) != fmt.Sprint(data):
			changed = true
			_, err = configMaps.Update(ctx, want, metav1.UpdateOptions{})
		}
		if err != nil {
			return false, fmt.Errorf("writing the autoscaler's node groups: %w", err)
		}
	}
	return changed, nil
}

func (c *Cluster) startAutoscaler(ctx context.Context) error {
	c.logf("starting the Cluster Autoscaler")
	address, err := child.FreeAddress()
	if err != nil {
		return err
	}
	// This file is in the cluster's folder. processIn recognises the process by that folder.
	kubeconfig := c.kwokctlFile("kubeconfig.yaml")
	// Prometheus reads it in this file.
	targets, err := json.Marshal([]map[string]any{{"targets": []string{address}}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file(autoscalerTargets), targets, 0o644); err != nil {
		return fmt.Errorf("recording the address of the Cluster Autoscaler: %w", err)
	}
	return c.startDaemon(ctx, daemon{
		name: clusterAutoscaler,
		args: append([]string{
			"--cloud-provider=kwok",
			"--kubeconfig=" + kubeconfig,
			"--address=" + address, // the default listens on every address
			"--leader-elect=false", // only one runs
			"--emit-per-nodegroup-metrics",
		}, c.cfg.AutoscalerFlags...),
		env:     []string{"KWOK_PROVIDER_MODE=local", "KUBECONFIG=" + kubeconfig, "POD_NAMESPACE=" + systemNamespace},
		health:  "http://" + address + "/health-check",
		timeout: autoscalerTimeout,
	})
}

// stopAutoscaler kills the autoscaler. After SIGTERM its kwok provider would delete every node, so a restart with other
// flags would empty the cluster.
func (c *Cluster) stopAutoscaler() { c.stopDaemon(clusterAutoscaler) }
