package catalog

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/distribution/reference"
)

// autoscalerPatches has the newest patch of each minor version of the Cluster Autoscaler, by the releases of
// kubernetes/autoscaler until August 2026.
var autoscalerPatches = map[string]int{"1.30": 7, "1.31": 5, "1.32": 7, "1.33": 6, "1.34": 5, "1.35": 2, "1.36": 1}

// AutoscalerImage returns the image of the Cluster Autoscaler for a cluster of a version such as 1.35: the newest known
// release of that minor version, from the registry of the Kubernetes project. A minor version that is not known has patch 0.
func AutoscalerImage(clusterVersion string) string {
	return fmt.Sprintf("registry.k8s.io/autoscaling/cluster-autoscaler:v%s.%d", clusterVersion, autoscalerPatches[clusterVersion])
}

// autoscalerTag is the tag of a Cluster Autoscaler release. Its group is the minor version. The Kubernetes project's tags
// are like v1.35.0; the tag of a private copy may lack the v, or have an ending such as -fips.2.
var autoscalerTag = regexp.MustCompile(`^v?(\d+\.\d+)\.\d+`)

// AutoscalerVersion reads the minor version, such as 1.35, from the tag of an image of the Cluster Autoscaler. An image
// without a tag is an error: a digest contains no version.
func AutoscalerVersion(image string) (string, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", err
	}
	tagged, ok := named.(reference.Tagged)
	if !ok {
		return "", errors.New("it has no tag, so its version is unknown")
	}
	version := autoscalerTag.FindStringSubmatch(tagged.Tag())
	if version == nil {
		return "", fmt.Errorf("its tag %s does not contain a version", tagged.Tag())
	}
	return version[1], nil
}
