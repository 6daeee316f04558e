package emulator

import (
	"fmt"
	"strings"
	"time"
)

// rollbackWindow is how long after an upgrade EKS rolls it back (EKS User Guide, "Roll back a cluster to a previous Kubernetes
// version").
const rollbackWindow = 7 * 24 * time.Hour

// rollBack takes back the last upgrade of a control plane. Node groups and add-ons keep their versions. The rules are those of
// the EKS User Guide, "Roll back a cluster to a previous Kubernetes version". force skips the rollback readiness insights.
func (c *eksCall) rollBack(one *cluster, to *release, force bool) (any, error) {
	switch {
	case one.upgrade.from != to.version:
		return nil, invalid("Cluster %s was not upgraded from %s to %s, so it cannot be rolled back", one.Name, to.version, one.Version)
	case time.Since(one.upgrade.done) > rollbackWindow:
		return nil, invalid("The upgrade of cluster %s to %s is more than 7 days ago, so it cannot be rolled back", one.Name, one.Version)
	case to.status() == extendedSupport && one.Upgrade.SupportType != "EXTENDED":
		return nil, invalid("Kubernetes version %s is in extended support: change the cluster's upgrade policy to EXTENDED first", to.version)
	}
	if findings := one.rollbackInsights(to); len(findings) > 0 && !force {
		return nil, invalidState("Rollback readiness insights with status ERROR: %s", strings.Join(findings, "; "))
	}
	return c.beginVersion(one, "VersionRollback", to.version, func() { one.upgrade = upgrade{} }), nil
}

// rollbackInsights lists what is too new for a version: nodes, kube-proxy, and add-ons whose version EKS does not offer for it.
func (one *cluster) rollbackInsights(to *release) (findings []string) {
	for _, name := range sortedKeys(one.nodeGroups) {
		if g := one.nodeGroups[name]; findRelease(g.Version).minor() > to.minor() {
			findings = append(findings, fmt.Sprintf("kubelet version skew: node group %s has version %s", name, g.Version))
		}
	}
	for _, name := range sortedKeys(one.addons) {
		if d := one.addons[name]; !to.accepts(name, d.Version) {
			findings = append(findings, fmt.Sprintf("add-on version compatibility: %s %s is not offered for %s", name, d.Version, to.version))
		}
	}
	return findings
}
