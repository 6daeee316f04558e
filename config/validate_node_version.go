package config

import "tfserving/catalog"

// maxNodeSkew is how many minor versions nodes may be older than the control plane (Kubernetes, "Version Skew Policy").
const maxNodeSkew = 3

// nodeVersion checks the version of nodes against that of the control plane.
func (c *checker) nodeVersion(cl *Cluster) {
	cluster, known := catalog.FindRelease(cl.Version)
	if cl.NodeVersion == "" || !known {
		return
	}
	const key = "cluster.nodeVersion"
	nodes, known := catalog.FindRelease(cl.NodeVersion)
	if !known {
		c.failf(key, "is %q, which is not in this program's list of EKS versions; give one that is at most %d minor versions older than cluster.version %q, or leave it empty", cl.NodeVersion, maxNodeSkew, cl.Version)
		return
	}
	switch skew := cluster.Minor() - nodes.Minor(); {
	case skew < 0:
		c.failf(key, "is %q, newer than cluster.version %q; nodes must not be newer than the control plane: raise cluster.version first", cl.NodeVersion, cl.Version)
	case skew > maxNodeSkew:
		c.failf(key, "is %q, %d minor versions older than cluster.version %q; nodes may be at most %d older: upgrade them first", cl.NodeVersion, skew, cl.Version, maxNodeSkew)
	}
}
