package catalog

import (
	"strings"
	"testing"
)

func TestEveryReleaseHasTheNewestPatchOfItsAutoscaler(t *testing.T) {
	for _, r := range releases {
		if autoscalerPatches[r.Version] == 0 {
			t.Errorf("%s has no patch of the autoscaler, so its image is %s", r.Version, AutoscalerImage(r.Version))
		}
	}
	if got := AutoscalerImage("1.36"); got != "registry.k8s.io/autoscaling/cluster-autoscaler:v1.36.1" {
		t.Errorf("the image is %s", got)
	}
}

func TestTheVersionOfAnAutoscalerImageIsInItsTag(t *testing.T) {
	const (
		repository = "registry.k8s.io/autoscaling/cluster-autoscaler"
		digest     = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	)
	for _, c := range []struct{ name, image, version, problem string }{
		{"the default", AutoscalerImage("1.35"), "1.35", ""},
		{"a later patch", repository + ":v1.35.2", "1.35", ""},
		{"a private copy with a port and a tag of its own", "mirror.example.net:5000/ca:v1.34.1-fips.2", "1.34", ""},
		{"a private copy whose tag lacks the v", "mirror.example.net/ca:1.34.1", "1.34", ""},
		{"tag and digest", AutoscalerImage("1.35") + digest, "1.35", ""},
		{"a minor version of one digit", AutoscalerImage("1.3"), "1.3", ""},
		{"another major version", "registry.k8s.io/ca:v11.35.0", "11.35", ""},
		{"digest alone", repository + digest, "", "has no tag"},
		{"no tag", repository, "", "has no tag"},
		{"a tag that moves", repository + ":latest", "", "does not contain a version"},
		{"a minor version as tag", repository + ":v1.35", "", "does not contain a version"},
		{"no image", "not an image", "", "invalid reference format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			version, err := AutoscalerVersion(c.image)
			if version != c.version || (err == nil) != (c.problem == "") {
				t.Errorf("%s: version %q and error %v, want version %q", c.image, version, err, c.version)
			}
			if err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: error is %v, want one that says %q", c.image, err, c.problem)
			}
		})
	}
}
