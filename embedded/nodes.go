package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

const (
	// groupLabel is EKS' label with the name of a node's group.
	groupLabel = "eks.amazonaws.com/nodegroup"
	// groupAnnotation and kwokAnnotation make the autoscaler's kwok provider count a node to a group. The provider sets both
	// on its own nodes, and recognises these by them after a restart.
	groupAnnotation = "cluster-autoscaler.kwok.nodegroup/name"
)

func (c *Cluster) zones() (names []string) {
	for i := range c.cfg.Zones {
		names = append(names, c.cfg.Region+string(rune('a'+i)))
	}
	return names
}

// template is a node of a group without its final name and zone.
func (c *Cluster) template(g NodeGroup) (*corev1.Node, error) {
	node, err := NewNode(NodeSpec{
		Name:         g.Name,
		InstanceType: g.InstanceType,
		Region:       c.cfg.Region,
		Labels: map[string]string{
			groupLabel:                       g.Name,
			"eks.amazonaws.com/capacityType": g.Capacity,
		},
		Annotations: map[string]string{
			"cluster-autoscaler.kwok.nodegroup/min-count":     strconv.Itoa(g.Min),
			"cluster-autoscaler.kwok.nodegroup/desired-count": strconv.Itoa(g.Min), // the default is 0, and the provider refuses less than min
			"cluster-autoscaler.kwok.nodegroup/max-count":     strconv.Itoa(g.Max),
		},
		BootTime: c.cfg.BootTime,
	})
	if err != nil {
		return nil, fmt.Errorf("node group %s: %w", g.Name, err)
	}
	return node, nil
}

func (c *Cluster) validate() error {
	for _, g := range c.cfg.NodeGroups {
		if _, err := c.template(g); err != nil {
			return err
		}
	}
	return nil
}

// ensureNodes brings each group to its minimum and deletes nodes whose group no longer exists.
func (c *Cluster) ensureNodes(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the embedded cluster's nodes: %w", err)
	}
	have := map[string]int{}
	groups := map[string]NodeGroup{}
	for _, g := range c.cfg.NodeGroups {
		groups[g.Name] = g
	}
	for _, n := range nodes.Items {
		g, wanted := groups[n.Labels[groupLabel]]
		if wanted && n.Labels["node.kubernetes.io/instance-type"] == g.InstanceType {
			have[g.Name]++
			continue
		}
		if err := client.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil {
			return fmt.Errorf("deleting node %s, whose group no longer exists: %w", n.Name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g, zones := groups[name], c.zones()
		for i := have[name]; i < g.Min; i++ {
			n, err := c.template(g)
			if err != nil {
				return err
			}
			n.Name = fmt.Sprintf("%s-%s", g.Name, rand.String(5))
			n.Labels[zoneLabel] = zones[i%len(zones)]
			// The first nodes exist from the start, so they do not boot.
			n.Annotations[bootAnnotation] = "0"
			n.Annotations[groupAnnotation] = g.Name
			n.Spec.ProviderID = "kwok:" + n.Name
			if _, err := client.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("making node %s: %w", n.Name, err)
			}
		}
	}
	return nil
}
