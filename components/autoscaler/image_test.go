package autoscaler

import (
	"strings"
	"testing"
)

const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestTheImageIsOfTheClustersMinorVersion(t *testing.T) {
	for _, c := range []struct{ name, image, cluster, problem string }{
		{"the default", ImageFor("1.35"), "1.35", ""},
		{"a later patch", "registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.2", "1.35", ""},
		{"a mirror with a port and a tag of its own", "mirror.example.net:5000/ca:v1.34.1-fips.2", "1.34", ""},
		{"a tag without v", "mirror.example.net/ca:1.34.1", "1.34", ""},
		{"tag and digest", ImageFor("1.35") + digest, "1.35", ""},
		{"one minor version behind", ImageFor("1.34"), "1.35", "must be the same"},
		{"one minor version ahead", ImageFor("1.36"), "1.35", "must be the same"},
		{"a version that only begins alike", ImageFor("1.3"), "1.35", "must be the same"},
		{"another major version", "registry.k8s.io/ca:v11.35.0", "1.35", "must be the same"},
		{"digest alone", "registry.k8s.io/autoscaling/cluster-autoscaler" + digest, "1.35", "has no tag"},
		{"no tag", "registry.k8s.io/autoscaling/cluster-autoscaler", "1.35", "has no tag"},
		{"a tag that moves", "registry.k8s.io/autoscaling/cluster-autoscaler:latest", "1.35", "cannot be told"},
		{"a minor version as tag", "registry.k8s.io/autoscaling/cluster-autoscaler:v1.35", "1.35", "cannot be told"},
		{"no image", "not an image", "1.35", "invalid reference format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckImage(c.image, c.cluster)
			if c.problem == "" && err != nil {
				t.Errorf("%s for a cluster of %s is refused: %v", c.image, c.cluster, err)
			}
			if c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("%s for a cluster of %s: got %v, want an error that says %q", c.image, c.cluster, err, c.problem)
			}
		})
	}
}
