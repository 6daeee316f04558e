package config

import (
	"net/url"
	"regexp"
	"strings"

	"tfserving/catalog"
)

var (
	// chartName matches the name of a chart in a repository.
	chartName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	// chartVersion matches a semantic version.
	chartVersion = regexp.MustCompile(`^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

func (c *checker) autoscaler(s *Settings) {
	a := &s.Autoscaler
	c.resources("autoscaler.headroom.resources", a.Headroom.Resources, "headroom without CPU reserves nothing")
	c.autoscalerImage(a.Image, s.Cluster.Version)
}

// autoscalerImage checks that the autoscaler has the cluster's minor version: it simulates that version's scheduler.
func (c *checker) autoscalerImage(image, cluster string) {
	const key = "autoscaler.image"
	if image == "" {
		return
	}
	version, err := catalog.AutoscalerVersion(image)
	switch {
	case err != nil:
		c.failf(key, "is %q: %v; it must be an image with its tag, such as %s", image, err, catalog.AutoscalerImage(cluster))
	case minorVersion.MatchString(cluster) && version != cluster:
		c.failf(key, "has version %s and cluster.version is %s; their minor versions must be the same", version, cluster)
	}
}

func (c *checker) loadBalancerController(l *LoadBalancerController) {
	const key = "loadBalancerController."
	isPath := strings.Contains(l.Chart, "/") || strings.HasSuffix(l.Chart, ".tgz")
	switch {
	case l.Chart == "":
		c.failf(key+"chart", "is missing; give the name of a Helm chart, such as %s", Default().LoadBalancerController.Chart)
	case l.Repository == "" && !isPath:
		c.failf(key+"chart", "is %q and repository is empty; without a repository it must be the path of a chart, such as ./charts/%s", l.Chart, l.Chart)
	case l.Repository != "" && isPath:
		c.failf(key+"chart", "is the path %q and repository is %s; set repository to \"\", or chart to the name of a chart in the repository", l.Chart, show(l.Repository))
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
}
