package config

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"tfserving/catalog"
)

const (
	// maxNodes are the nodes of a managed node group (EKS service quotas).
	maxNodes = 450
	// minDiskGiB is the size of EKS' AL2023 image, maxDiskGiB a gp3 volume's most.
	minDiskGiB, maxDiskGiB = 20, 16384
	// maxLabelText is the most characters of a key or value, with a key's prefix, that EKS takes (API reference,
	// CreateNodegroup); Kubernetes takes longer keys.
	maxLabelText = 63
)

// reservedDomains are those of whose labels and taints EKS sets none for its users.
var reservedDomains = []string{"kubernetes.io", "k8s.io", "eks.amazonaws.com"}

func (c *checker) nodeGroups(groups []NodeGroup) {
	seen := map[string]bool{}
	for i, g := range groups {
		key := fmt.Sprintf("nodeGroups[%d].", i)
		c.label(key+"name", g.Name)
		if seen[g.Name] && g.Name != "" {
			c.failf(key+"name", "is %q, and so is an earlier group's; each needs a name of its own", g.Name)
		}
		seen[g.Name] = true
		c.instanceTypes(key+"instanceTypes", g.InstanceTypes)
		c.inRange(key+"min", g.Min, 0, maxNodes)
		c.inRange(key+"max", g.Max, 1, maxNodes)
		if g.Min > g.Max {
			c.failf(key+"min", "is %d, above max %d; min must be at most max", g.Min, g.Max)
		} else if g.Desired != 0 && (g.Desired < g.Min || g.Desired > g.Max) {
			c.failf(key+"desired", "is %d; it must be from min %d to max %d, or 0 to begin with min", g.Desired, g.Min, g.Max)
		}
		c.inRange(key+"diskGiB", g.DiskGiB, minDiskGiB, maxDiskGiB)
		c.nodeLabels(key+"labels", g.Labels)
		c.taints(key+"taints", g.Taints)
	}
}

// instanceTypes of one group boot one image, so they have one architecture. The Cluster Autoscaler reckons with one of
// them for all, so they have as many vCPUs and as much memory (its documentation for AWS, mixed instances policies).
func (c *checker) instanceTypes(key string, names []string) {
	if len(names) == 0 {
		c.failf(key, "is empty; name at least one EC2 instance type, such as m6i.large")
	}
	c.unique(key, names)
	var first *catalog.InstanceType
	for i, name := range names {
		t, err := catalog.Lookup(name)
		switch {
		case err != nil:
			c.failf(fmt.Sprintf("%s[%d]", key, i), "is %q, which is not an EC2 instance type known here; did you mean %s?", name, strings.Join(catalog.Nearest(name), ", "))
		case first == nil:
			first = t
		case t.Architecture != first.Architecture:
			c.failf(key, "has %s (%s) and %s (%s); one group has one architecture: make a group for each", first.Name, first.Architecture, t.Name, t.Architecture)
			return
		case t.VCPUs != first.VCPUs || t.MemoryMiB != first.MemoryMiB:
			c.failf(key, "has %s (%s) and %s (%s); the autoscaler takes a group's nodes for alike: make a group for each size", first.Name, size(first), t.Name, size(t))
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
			c.failf(at, "has the key and effect of an earlier one; remove it")
		}
		seen[same] = true
	}
}

// nodeKey checks the key of a label or taint.
func (c *checker) nodeKey(at, name string) {
	domain, _, prefixed := strings.Cut(name, "/")
	reserved := func(of string) bool { return domain == of || strings.HasSuffix(domain, "."+of) }
	switch errs := validation.IsQualifiedName(name); {
	case len(errs) > 0:
		c.failf(at, "has the key %s; it must be letters, digits, -, _ and ., and may have a domain before it, as in example.com/team", show(name))
	case len(name) > maxLabelText:
		c.failf(at, "has a key of %d characters; EKS takes at most %d", len(name), maxLabelText)
	case prefixed && slices.ContainsFunc(reservedDomains, reserved):
		c.failf(at, "has the key %q; EKS keeps %s for itself, so take another domain or none", name, strings.Join(reservedDomains, ", "))
	}
}

// keepsOut tells whether pods without tolerations stay away from the group's nodes.
func (g *NodeGroup) keepsOut() bool {
	return slices.ContainsFunc(g.Taints, func(t Taint) bool { return t.Effect != "PreferNoSchedule" })
}
