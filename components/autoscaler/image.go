package autoscaler

import (
	"fmt"
	"regexp"

	"github.com/distribution/reference"
)

const repository = "registry.k8s.io/autoscaling/cluster-autoscaler"

// minorOf is a release's tag, its group the minor version.
var minorOf = regexp.MustCompile(`^v?(\d+\.\d+)\.\d+`)

// ImageFor is the image of the autoscaler for a cluster's version, such as 1.35: the first release of its minor version.
func ImageFor(clusterVersion string) string {
	return fmt.Sprintf("%s:v%s.0", repository, clusterVersion)
}

// CheckImage holds the autoscaler to its cluster's minor version. It carries that version's scheduler and asks it where
// pods would fit; with another version's it adds nodes that do not help, or none. An image by digest alone is refused,
// for a digest tells no version; a tag beside the digest does.
func CheckImage(image, clusterVersion string) error {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return fmt.Errorf("autoscaler image %q: %w", image, err)
	}
	tagged, ok := ref.(reference.Tagged)
	if !ok {
		return fmt.Errorf("autoscaler image %s has no tag, so its version cannot be told; give it one such as v%s.0, beside its digest if it has one", image, clusterVersion)
	}
	version := minorOf.FindStringSubmatch(tagged.Tag())
	if version == nil {
		return fmt.Errorf("autoscaler image %s: its version cannot be told from tag %s; it must be such as v%s.0", image, tagged.Tag(), clusterVersion)
	}
	if version[1] != clusterVersion {
		return fmt.Errorf("autoscaler image %s is of version %s and the cluster of %s; their minor versions must be the same", image, version[1], clusterVersion)
	}
	return nil
}
