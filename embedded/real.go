package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/mem"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"tfserving/embedded/node"
)

// RealNodes describes the real nodes of a cluster.
type RealNodes struct {
	Count int // from 1 to node.MaxNodes
	// Images are archives of the images that pods may use. The nodes can pull none.
	Images []string
	// ImageStore is a folder that keeps the imported images, also after Stop. It is beside the cluster's folder.
	ImageStore string
	// IngressClass is the class of the Ingresses that the cluster's controller serves, and IngressNamespace its namespace.
	IngressClass, IngressNamespace string
	// Pause is the static command of a pod's first container.
	Pause string
}

const (
	networkPID = "network.pid"
	// nodesTimeout bounds the start of the nodes, which takes 5-10 s on two idle cores.
	nodesTimeout = 2 * time.Minute
	// ingressPort is the port of the cluster's loopback address at which its ingress controller answers.
	ingressPort = 80
)

// loopbackAddress is the cluster's address on this machine. Linux answers on all of 127.0.0.0/8, so that each checkout has an
// address of its own, and the usual ports.
func (c *Cluster) loopbackAddress() string {
	sum := sha256.Sum256([]byte(c.cfg.Dir))
	return fmt.Sprintf("127.213.%d.%d", sum[0], 1+sum[1]%254)
}

func (c *Cluster) apiAddress() string {
	return net.JoinHostPort(c.loopbackAddress(), strconv.Itoa(node.APIPort))
}

// cgroup is the name of the cgroup of this cluster's nodes.
func (c *Cluster) cgroup() string {
	sum := sha256.Sum256([]byte(c.cfg.Dir))
	return "tfserving-" + hex.EncodeToString(sum[:])[:8]
}

// network is the process of the network between the real nodes, or nil.
func (c *Cluster) network() *clusterProcess { return c.processIn(c.file(networkPID)) }

func (c *Cluster) networkRuns() bool { return c.cfg.Real == nil || c.network() != nil }

// ensureNetwork starts the network between the real nodes, if there are any. Nodes that are linked to a network that has
// ended are ended first.
func (c *Cluster) ensureNetwork() error {
	if c.networkRuns() {
		return nil
	}
	if err := c.stopRealNodes(); err != nil {
		return err
	}
	return node.StartNetwork(c.cfg.Dir, c.file(networkPID), c.apiAddress(), net.JoinHostPort(c.loopbackAddress(), strconv.Itoa(ingressPort)))
}

// inNetwork calls a function that starts processes of the control plane: with real nodes, in their network.
func (c *Cluster) inNetwork(start func() error) error {
	if c.cfg.Real == nil {
		return start()
	}
	p := c.network()
	if p == nil {
		return fmt.Errorf("the network between the nodes has ended (its log is %s)", c.file("network.log"))
	}
	return node.InNetwork(int(p.Pid), start)
}

// nodeFolders are the folders of all real nodes, running or not.
func (c *Cluster) nodeFolders() []string {
	all, _ := filepath.Glob(c.file("nodes/real-*"))
	return all
}

const nodePID = "pid"

// stopRealNodes ends the real nodes and the network between them, and removes their cgroups.
func (c *Cluster) stopRealNodes() error {
	var wait sync.WaitGroup
	for _, folder := range c.nodeFolders() {
		if p := c.processIn(filepath.Join(folder, nodePID)); p != nil {
			wait.Go(p.kill)
		}
	}
	if p := c.network(); p != nil {
		wait.Go(p.kill)
	}
	wait.Wait()
	if len(c.nodeFolders()) == 0 {
		return nil
	}
	return node.RemoveCgroups(c.cgroup())
}

// realNode is the configuration of a node by its number, from 1.
func (c *Cluster) realNode(number int, memoryMiB int64) node.Config {
	zones := c.zones()
	count := int64(c.cfg.Real.Count)
	return node.Config{
		Number:       number,
		Dir:          c.file(fmt.Sprintf("nodes/real-%d", number)),
		Work:         filepath.Dir(c.cfg.Dir),
		Bin:          c.cfg.Bin,
		CgroupParent: c.cgroup(),
		CA:           c.kwokctlFile("pki/ca.crt"),
		CAKey:        c.kwokctlFile("pki/ca.key"),
		Region:       c.cfg.Region,
		Zone:         zones[(number-1)%len(zones)],
		// The nodes share the memory that is free for them, in equal parts.
		ReservedMiB: memoryMiB - memoryMiB*nodeMemoryShare/100/count,
	}
}

// nodeMemoryShare is the share of the machine's memory, in percent, that all nodes together offer to pods. The rest is for the
// control plane (0.9 GiB) and for what else runs on the machine.
const nodeMemoryShare = 60

// ensureRealNodes brings the real nodes to the number and the images of the configuration.
func (c *Cluster) ensureRealNodes(ctx context.Context) error {
	store, archives, err := c.importImages()
	if err != nil {
		return err
	}
	client, err := c.Client()
	if err != nil {
		return err
	}
	memory, err := mem.VirtualMemory()
	if err != nil {
		return fmt.Errorf("reading the machine's memory: %w", err)
	}
	network := c.network()
	if network == nil {
		return errors.New("the network between the nodes has ended: run this again")
	}
	var wanted []string
	for number := 1; number <= c.cfg.Real.Count; number++ {
		n := c.realNode(number, int64(memory.Total>>20))
		wanted = append(wanted, n.Dir)
		if err := registerNode(ctx, client, n); err != nil {
			return err
		}
		pidFile := filepath.Join(n.Dir, nodePID)
		if p := c.processIn(pidFile); p != nil {
			if err := c.importInto(n, int(p.Pid), archives); err != nil {
				return err
			}
			continue
		}
		c.logf("starting node %s", n.Name())
		if err := node.RemoveCgroups(n.CgroupRoot()[1:]); err != nil {
			return err
		}
		if err := n.Prepare(); err != nil {
			return err
		}
		if err := n.ShareImages(store); err != nil {
			return fmt.Errorf("giving the images to node %s: %w", n.Name(), err)
		}
		if err := n.Start(int(network.Pid), pidFile); err != nil {
			return err
		}
		if err := recordImages(n, archives); err != nil {
			return err
		}
	}
	for _, folder := range c.nodeFolders() {
		if !slices.Contains(wanted, folder) {
			if err := c.removeNode(ctx, client, folder); err != nil {
				return err
			}
		}
	}
	return c.awaitNodes(ctx, client)
}

// registerNode makes the Node object, with the labels and the range of pods that a cloud would give it. The kubelet adds
// the rest.
func registerNode(ctx context.Context, client kubernetes.Interface, n node.Config) error {
	object := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name(), Labels: map[string]string{
			zoneLabel:                       n.Zone,
			"topology.kubernetes.io/region": n.Region,
			"kubernetes.io/hostname":        n.Name(),
			"kubernetes.io/os":              "linux",
		}},
		Spec: corev1.NodeSpec{PodCIDR: n.PodCIDR(), PodCIDRs: []string{n.PodCIDR()}},
	}
	if _, err := client.CoreV1().Nodes().Create(ctx, object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("registering node %s: %w", n.Name(), err)
	}
	return nil
}

// removeNode ends a node that the configuration no longer has.
func (c *Cluster) removeNode(ctx context.Context, client kubernetes.Interface, folder string) error {
	name := filepath.Base(folder)
	c.logf("ending node %s", name)
	if p := c.processIn(filepath.Join(folder, nodePID)); p != nil {
		p.kill()
	}
	if err := client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting node %s: %w", name, err)
	}
	if err := node.RemoveCgroups(filepath.Join(c.cgroup(), name)); err != nil {
		return err
	}
	return os.RemoveAll(folder)
}

// awaitNodes waits until the nodes are ready.
func (c *Cluster) awaitNodes(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, nodesTimeout)
	defer cancel()
	for {
		missing := ""
		for number := 1; number <= c.cfg.Real.Count; number++ {
			name := node.Config{Number: number}.Name()
			p := c.processIn(c.file(filepath.Join("nodes", name, nodePID)))
			if p == nil {
				return fmt.Errorf("node %s has ended: its log is %s", name, c.file(filepath.Join("nodes", name, "node.log")))
			}
			if !renewed(ctx, client, name, p) {
				missing = name
			}
		}
		if missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s is not ready after %s: its logs are in %s", missing, nodesTimeout, c.file(filepath.Join("nodes", missing)))
		case <-time.After(pollInterval):
		}
	}
}

// renewed says whether a node is ready and its kubelet has renewed the node's lease since its process began: a node that was
// killed counts as ready for some seconds more.
func renewed(ctx context.Context, client kubernetes.Interface, name string, p *clusterProcess) bool {
	begin, err := p.CreateTime()
	if err != nil {
		return false
	}
	lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, name, metav1.GetOptions{})
	if err != nil || lease.Spec.RenewTime == nil || lease.Spec.RenewTime.UnixMilli() < begin {
		return false
	}
	n, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	return err == nil && slices.ContainsFunc(n.Status.Conditions, func(condition corev1.NodeCondition) bool {
		return condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	})
}
