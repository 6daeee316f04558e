package config

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"tfserving/catalog"
)

// maxLabelText is the number of characters that EKS allows in the key of a label or taint, its domain included (API
// reference, CreateNodegroup). Kubernetes allows longer keys.
const maxLabelText = 63

// reservedDomains are the domains in which EKS accepts no labels and taints from its users.
var reservedDomains = []string{"kubernetes.io", "k8s.io", "eks.amazonaws.com"}

func (c *checker) nodeGroups(groups []NodeGroup) {
	seen := map[string]bool{}
	for i, g := range groups {
		key := fmt.Sprintf("nodeGroups[%d].", i)
		c.label(key+"name", g.Name)
		if seen[g.Name] && g.Name != "" {
			c.failf(key+"name", "is %q, which an earlier group has, too; give each group its own name", g.Name)
		}
		seen[g.Name] = true
		c.instanceTypes(key+"instanceTypes", g.InstanceTypes)
		if g.Min > g.Max {
			c.failf(key+"min", "is %d, above max %d; min must be at most max", g.Min, g.Max)
		} else if g.Desired != 0 && (g.Desired < g.Min || g.Desired > g.Max) {
			c.failf(key+"desired", "is %d; it must be from min %d to max %d, or 0 to start with min", g.Desired, g.Min, g.Max)
		}
		c.nodeLabels(key+"labels", g.Labels)
		c.taints(key+"taints", g.Taints)
	}
}

// instanceTypes checks the instance types of a group. All boot the same image, so they have one architecture. The Cluster
// Autoscaler assumes that all have the vCPUs and the memory of one of them (its documentation for AWS, mixed instances
// policies).
func (c *checker) instanceTypes(key string, names []string) {
	if len(names) == 0 {
		c.failf(key, "is empty; give at least one EC2 instance type, such as m6i.large")
	}
	c.unique(key, names)
	var first *catalog.InstanceType
	for i, name := range names {
		t, err := catalog.Lookup(name)
		switch {
		case err != nil:
			c.failf(fmt.Sprintf("%s[%d]", key, i), "is %q, which is not in this program's list of EC2 instance types; did you mean %s?", name, strings.Join(catalog.Nearest(name), ", "))
		case first == nil:
			first = t
		case t.Architecture != first.Architecture:
			c.failf(key, "has %s (%s) and %s (%s); all types of a group must have one architecture: make a group for each", first.Name, first.Architecture, t.Name, t.Architecture)
			return
		case t.VCPUs != first.VCPUs || t.MemoryMiB != first.MemoryMiB:
			c.failf(key, "has %s (%s) and %s (%s); the autoscaler assumes that a group's nodes are of one size: make a group for each size", first.Name, size(first), t.Name, size(t))
			return
		}
	}
}

func size(t *catalog.InstanceType) string {
	return fmt.Sprintf("%d vCPUs, %d MiB", t.VCPUs, t.MemoryMiB)
}

func (c *checker) nodeLabels(key string, labels map[string]string) {
	for name, value := range labels {
		at := fmt.Sprintf("%s[%s]", key, name)
		c.nodeKey(at, name)
		if errs := validation.IsValidLabelValue(value); len(errs) > 0 || value == "" {
			c.failf(at, "is %s; a label's value must be 1 to 63 letters, digits, -, _ and ., with a letter or digit first and last", show(value))
		}
	}
}

func (c *checker) taints(key string, taints []Taint) {
	seen := map[Taint]bool{}
	for i, taint := range taints {
		at := fmt.Sprintf("%s[%d]", key, i)
		if taint.Key == "" {
			c.failf(at+".key", "is missing; give it a key, such as dedicated")
			continue
		}
		c.nodeKey(at+".key", taint.Key)
		if errs := validation.IsValidLabelValue(taint.Value); len(errs) > 0 {
			c.failf(at+".value", "is %s; a taint's value must be at most 63 letters, digits, -, _ and ., with a letter or digit first and last", show(taint.Value))
		}
		same := Taint{Key: taint.Key, Effect: taint.Effect}
		if seen[same] {
			c.failf(at, "has the key and effect of an earlier taint; remove it")
		}
		seen[same] = true
	}
}

// nodeKey checks the key of a label or taint.
func (c *checker) nodeKey(at, name string) {
	domain, _, prefixed := strings.Cut(name, "/")
	isIn := func(reserved string) bool { return domain == reserved || strings.HasSuffix(domain, "."+reserved) }
	switch errs := validation.IsQualifiedName(name); {
	case len(errs) > 0:
		c.failf(at, "has the key %s; it must be letters, digits, -, _ and ., after an optional domain, as in example.com/team", show(name))
	case len(name) > maxLabelText:
		c.failf(at, "has a key of %d characters; EKS allows at most %d", len(name), maxLabelText)
	case prefixed && slices.ContainsFunc(reservedDomains, isIn):
		c.failf(at, "has the key %q; EKS reserves %s, so use another domain or none", name, strings.Join(reservedDomains, ", "))
	}
}

// hasHardTaint returns whether pods without tolerations cannot run on the group's nodes.
func (g *NodeGroup) hasHardTaint() bool {
	return slices.ContainsFunc(g.Taints, func(t Taint) bool { return t.Effect != "PreferNoSchedule" })
}
