package autoscaler

import (
	"strings"
	"testing"

	"tfserving/catalog"
)

func TestTheImageHasTheClustersMinorVersion(t *testing.T) {
	for _, c := range []struct{ name, image, cluster, problem string }{
		{"the default", catalog.AutoscalerImage("1.35"), "1.35", ""},
		{"a private copy whose tag lacks the v", "mirror.example.net/ca:1.34.1", "1.34", ""},
		{"one minor version behind", catalog.AutoscalerImage("1.34"), "1.35", "must be the same"},
		{"one minor version ahead", catalog.AutoscalerImage("1.36"), "1.35", "must be the same"},
		{"a version with the same beginning", catalog.AutoscalerImage("1.3"), "1.35", "must be the same"},
		{"another major version", "registry.k8s.io/ca:v11.35.0", "1.35", "must be the same"},
		{"no tag", "registry.k8s.io/autoscaling/cluster-autoscaler", "1.35", "give it a tag such as v1.35.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkImage(c.image, c.cluster)
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s for a cluster of %s: the error is %v, want %q", c.image, c.cluster, err, c.problem)
			}
		})
	}
}
