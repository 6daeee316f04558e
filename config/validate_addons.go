package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/distribution/reference"
)

var (
	// releaseTag is the tag of a Kubernetes component's image; its group is the minor version.
	releaseTag = regexp.MustCompile(`^v(\d+\.\d+)\.\d+`)
	// chartName is a chart's name in its repository.
	chartName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	// chartVersion is a semantic version.
	chartVersion = regexp.MustCompile(`^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

func (c *checker) autoscaler(s *Settings) {
	a := &s.Autoscaler
	c.durationIn("autoscaler.scanInterval", a.ScanInterval, time.Second, 10*time.Minute)
	c.durationIn("autoscaler.scaleDownUnneededTime", a.ScaleDownUnneededTime, time.Second, 24*time.Hour)
	c.durationIn("autoscaler.scaleDownDelayAfterAdd", a.ScaleDownDelayAfterAdd, time.Second, 24*time.Hour)
	c.inRange("autoscaler.headroom.pods", a.Headroom.Pods, 0, 100)
	c.resources("autoscaler.headroom.resources", a.Headroom.Resources, "headroom without CPU keeps nothing free")
	c.autoscalerImage(a.Image, s.Cluster.Version)
}

// autoscalerImage holds the autoscaler to the cluster's minor version: it simulates that version's scheduler.
func (c *checker) autoscalerImage(image, cluster string) {
	const key = "autoscaler.image"
	if image == "" {
		return
	}
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		c.failf(key, "is %q (%v); it must be an image with its tag, such as registry.k8s.io/autoscaling/cluster-autoscaler:v%s.0", image, err, cluster)
		return
	}
	tagged, ok := ref.(reference.Tagged)
	if !ok {
		c.failf(key, "is %q, whose version cannot be told; give it a tag such as v%s.0", image, cluster)
		return
	}
	switch version := releaseTag.FindStringSubmatch(tagged.Tag()); {
	case version == nil:
		c.failf(key, "has the tag %s, of which the version cannot be told; it must be such as v%s.0", tagged.Tag(), cluster)
	case minorVersion.MatchString(cluster) && version[1] != cluster:
		c.failf(key, "has version %s and cluster.version is %s; their minor versions must be the same", strings.TrimPrefix(tagged.Tag(), "v"), cluster)
	}
}

func (c *checker) loadBalancerController(l *LoadBalancerController) {
	const key = "loadBalancerController."
	isPath := strings.Contains(l.Chart, "/") || strings.HasSuffix(l.Chart, ".tgz")
	switch {
	case l.Chart == "":
		c.failf(key+"chart", "is missing; name the Helm chart, such as %s", Default().LoadBalancerController.Chart)
	case l.Repository == "" && !isPath:
		c.failf(key+"chart", "is %q and repository is empty; it must then be the path of a chart, such as ./charts/%s", l.Chart, l.Chart)
	case l.Repository != "" && isPath:
		c.failf(key+"chart", "is the path %q and repository is %s; set repository to \"\", or chart to a name in it", l.Chart, show(l.Repository))
	case l.Repository != "" && !chartName.MatchString(l.Chart):
		c.failf(key+"chart", "is %q; it must be the name of a chart: lower-case letters, digits and -", l.Chart)
	}
	if l.Repository != "" {
		if u, err := url.Parse(l.Repository); err != nil || u.Scheme != "https" || u.Host == "" {
			c.failf(key+"repository", "is %s; it must be the https URL of a Helm repository", show(l.Repository))
		}
		if !chartVersion.MatchString(l.Version) {
			c.failf(key+"version", "is %q; it must be the chart's version, such as %s", l.Version, Default().LoadBalancerController.Version)
		}
	}
	c.inRange(key+"replicas", l.Replicas, 1, 5)
}
