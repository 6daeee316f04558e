package autoscaler

import (
	"fmt"

	"tfserving/catalog"
)

// checkImage returns an error if an autoscaler image and a cluster have different minor versions, or if the image's tag
// contains no version. The autoscaler simulates the scheduler of its own version to find out where pods fit. With another
// version's scheduler it adds nodes that do not help, or none.
func checkImage(image, clusterVersion string) error {
	version, err := catalog.AutoscalerVersion(image)
	if err != nil {
		return fmt.Errorf("autoscaler image %q: %w; give it a tag such as v%s.0, beside its digest if it has one", image, err, clusterVersion)
	}
	if version != clusterVersion {
		return fmt.Errorf("autoscaler image %s has version %s and the cluster has version %s; their minor versions must be the same", image, version, clusterVersion)
	}
	return nil
}
