package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Names of the ConfigMaps from which the Cluster Autoscaler's kwok provider reads its groups.
const (
	providerConfig    = "kwok-provider-config"
	providerTemplates = "kwok-provider-templates"
	systemNamespace   = "kube-system"

	autoscalerPID   = "cluster-autoscaler.pid"
	autoscalerLog   = "cluster-autoscaler.log"
	autoscalerStart = 30 * time.Second // most it may take to say that it is healthy
)

// ensureAutoscaler has one Cluster Autoscaler running, with these groups and these flags.
func (c *Cluster) ensureAutoscaler(ctx context.Context) error {
	if len(c.cfg.AutoscalerFlags) == 0 {
		c.stopAutoscaler()
		return nil
	}
	changed, err := c.writeGroups(ctx)
	if err != nil {
		return err
	}
	p := c.recordedIn(c.file(autoscalerPID))
	if p != nil && !changed {
		args, err := p.CmdlineSlice()
		if err == nil && !slices.ContainsFunc(c.cfg.AutoscalerFlags, func(flag string) bool { return !slices.Contains(args, flag) }) {
			return nil
		}
	}
	c.stopAutoscaler()
	return c.startAutoscaler(ctx)
}

// writeGroups writes the node groups where the autoscaler reads them, and says whether they are other ones than before.
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
	maps := client.CoreV1().ConfigMaps(systemNamespace)
	for name, data := range map[string]map[string]string{
		providerConfig:    {"config": string(text)},
		providerTemplates: {"templates": string(templates)},
	} {
		want := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
		have, err := maps.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			changed = true
			_, err = maps.Create(ctx, want, metav1.CreateOptions{})
		case err == nil && fmt.Sprint(have.Data) != fmt.Sprint(data):
			changed = true
			_, err = maps.Update(ctx, want, metav1.UpdateOptions{})
		}
		if err != nil {
			return false, fmt.Errorf("writing the autoscaler's node groups: %w", err)
		}
	}
	return changed, nil
}

func (c *Cluster) startAutoscaler(ctx context.Context) error {
	c.say("starting the Cluster Autoscaler")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("finding a port for the Cluster Autoscaler: %w", err)
	}
	address := listener.Addr().String()
	listener.Close()
	log, err := os.Create(c.file(autoscalerLog))
	if err != nil {
		return fmt.Errorf("making the Cluster Autoscaler's log: %w", err)
	}
	defer log.Close()
	// kwokctl's own file, inside the cluster's folder: recordedIn knows the process by it.
	kubeconfig := c.components("kubeconfig.yaml")
	cmd := c.command(context.WithoutCancel(ctx), "cluster-autoscaler", append([]string{
		"--cloud-provider=kwok",
		"--kubeconfig=" + kubeconfig,
		"--address=" + address, // the default listens on every address
		"--leader-elect=false", // there is only one
	}, c.cfg.AutoscalerFlags...)...)
	cmd.Env = append(cmd.Env, "KWOK_PROVIDER_MODE=local", "KUBECONFIG="+kubeconfig, "POD_NAMESPACE="+systemNamespace)
	cmd.Stdout, cmd.Stderr = log, log
	// A session of its own: Ctrl-C in the terminal ends `make`, not the cluster.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the Cluster Autoscaler: %w", err)
	}
	if err := os.WriteFile(c.file(autoscalerPID), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("writing down the Cluster Autoscaler's process: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, autoscalerStart)
	defer cancel()
	for {
		if healthy(ctx, "http://"+address+"/health-check") {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the Cluster Autoscaler ended at once (%v); its log is %s", err, c.file(autoscalerLog))
		case <-ctx.Done():
			return fmt.Errorf("the Cluster Autoscaler is not healthy after %s; its log is %s", autoscalerStart, c.file(autoscalerLog))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stopAutoscaler kills the autoscaler. It is not asked to end: its kwok provider then deletes every node, and a restart
// with other flags would empty the cluster.
func (c *Cluster) stopAutoscaler() {
	if p := c.recordedIn(c.file(autoscalerPID)); p != nil {
		p.kill()
	}
	if err := os.Remove(c.file(autoscalerPID)); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.say("removing the Cluster Autoscaler's record: %v", err)
	}
}
