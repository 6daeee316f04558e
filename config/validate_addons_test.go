package config

import (
	"strings"
	"testing"
)

func TestAutoscalerImageRules(t *testing.T) {
	image := func(text string) []change { return set("tfserving:autoscaler.image", text) }
	const of = "registry.k8s.io/autoscaling/cluster-autoscaler"
	runRules(t, []rule{
		{"the cluster's minor version", image(of + ":v1.36.1"), ""},
		{"the cluster's minor version, with a digest", image(of + ":v1.36.1@sha256:" + strings.Repeat("ab", 32)), ""},
		{"a private copy whose tag lacks the v", image("mirror.example.net/ca:1.36.1"), ""},
		{"another minor version", image(of + ":v1.35.2"), `tfserving:autoscaler.image has version 1.35 and cluster.version is 1.36; their minor versions must be the same`},
		{"the minor version follows the cluster's", []change{{"tfserving:autoscaler.image", of + ":v1.34.2"}, {"tfserving:cluster.version", "1.34"}}, ""},
		{"no tag", image(of), `tfserving:autoscaler.image is "` + of + `": it has no tag, so its version is unknown; it must be an image with its tag, such as registry.k8s.io/autoscaling/cluster-autoscaler:v1.36.1`},
		{"a digest alone", image(of + "@sha256:" + strings.Repeat("ab", 32)), `tfserving:autoscaler.image is "` + of + `@sha256:` + strings.Repeat("ab", 32) + `": it has no tag, so its version is unknown; …`},
		{"a tag that is no version", image(of + ":latest"), `tfserving:autoscaler.image is "` + of + `:latest": its tag latest does not contain a version; it must be an image with its tag, such as registry.k8s.io/autoscaling/cluster-autoscaler:v1.36.1`},
		{"not an image", image(of + ":"), `tfserving:autoscaler.image is "` + of + `:": invalid reference format; it must be an image with its tag, such as registry.k8s.io/autoscaling/cluster-autoscaler:v1.36.1`},
	})
}

func TestHeadroomRules(t *testing.T) {
	runRules(t, []rule{
		{"the most placeholder pods", set("tfserving:autoscaler.headroom.pods", 100), ""},
		{"too many placeholder pods", set("tfserving:autoscaler.headroom.pods", 101), `tfserving:autoscaler.headroom.pods is 101; it must be from 0 to 100`},
		{"a negative number of placeholder pods", set("tfserving:autoscaler.headroom.pods", -1), `tfserving:autoscaler.headroom.pods is -1; it must be from 0 to 100`},
		{"headroom's memory needs a unit", set("tfserving:autoscaler.headroom.resources.memory", "512"), `tfserving:autoscaler.headroom.resources.memory is 512, which is 512 bytes; it must be at least 16Mi (did you mean 512Mi?)`},
		{"headroom needs CPU", set("tfserving:autoscaler.headroom.resources.cpu", "0"), `tfserving:autoscaler.headroom.resources.cpu is 0; headroom without CPU reserves nothing, so it must be at least 1m`},
	})
}

func TestLoadBalancerControllerRules(t *testing.T) {
	controller := func(chart, repository, version string) []change {
		return set("tfserving:loadBalancerController", map[string]any{"chart": chart, "repository": repository, "version": version})
	}
	const url = "https://aws.github.io/eks-charts"
	runRules(t, []rule{
		{"a chart in a repository", controller("aws-load-balancer-controller", url, "3.5.0"), ""},
		{"a chart in the checkout", controller("./charts/controller", "", ""), ""},
		{"a packed chart", controller("controller-3.5.0.tgz", "", ""), ""},
		{"a chart is required", controller("", url, "3.5.0"), `tfserving:loadBalancerController.chart is missing; give the name of a Helm chart, such as aws-load-balancer-controller`},
		{"a chart's name needs a repository", controller("controller", "", "3.5.0"), `tfserving:loadBalancerController.chart is "controller" and repository is empty; without a repository it must be the path of a chart, such as ./charts/controller`},
		{"a chart's path excludes a repository", controller("charts/controller", url, "3.5.0"), `tfserving:loadBalancerController.chart is the path "charts/controller" and repository is "https://aws.github.io/eks-charts"; set repository to "", or chart to the name of a chart in the repository`},
		{"a chart's name has no upper case", controller("Controller", url, "3.5.0"), `tfserving:loadBalancerController.chart is "Controller"; it must be the name of a chart: lower-case letters, digits and -`},
		{"a repository is a URL", controller("controller", "aws.github.io/eks-charts", "3.5.0"), `tfserving:loadBalancerController.repository is "aws.github.io/eks-charts"; it must be the https URL of a Helm repository`},
		{"a repository is read by https only", controller("controller", "http://charts.example.com", "3.5.0"), `tfserving:loadBalancerController.repository is "http://charts.example.com"; it must be the https URL of a Helm repository`},
		{"a chart of a repository needs a version", controller("controller", url, ""), `tfserving:loadBalancerController.version is ""; it must be the chart's version, such as 3.5.0`},
		{"a chart's version is not a range", controller("controller", url, "1.x"), `tfserving:loadBalancerController.version is "1.x"; it must be the chart's version, such as 3.5.0`},
		{"at least one controller", set("tfserving:loadBalancerController.replicas", 0), `tfserving:loadBalancerController.replicas is 0; it must be from 1 to 5`},
		{"at most five controllers", set("tfserving:loadBalancerController.replicas", 6), `tfserving:loadBalancerController.replicas is 6; it must be from 1 to 5`},
		{"a repository keeps at least one image", set("tfserving:repositories.keepImages", 0), `tfserving:repositories.keepImages is 0; it must be from 1 to 1000`},
		{"a repository keeps at most 1000 images", set("tfserving:repositories.keepImages", 1001), `tfserving:repositories.keepImages is 1001; it must be from 1 to 1000`},
	})
}
