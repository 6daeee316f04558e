package autoscaler

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// Priorities returns the text of catalog.AutoscalerPriorities: for each priority, patterns that match the names of its
// groups. The expander passes over a group that no pattern matches.
func Priorities(groups map[string]int, pattern func(group string) string) string {
	patterns := map[int][]string{}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		patterns[groups[name]] = append(patterns[groups[name]], pattern(name))
	}
	var text strings.Builder
	for _, priority := range slices.Sorted(maps.Keys(patterns)) {
		fmt.Fprintf(&text, "%d:\n", priority)
		for _, p := range patterns[priority] {
			fmt.Fprintf(&text, "  - '%s'\n", p)
		}
	}
	return text.String()
}

// ScalingGroups matches the names of the Auto Scaling groups of a managed node group. EKS names them
// eks-<node group>-<UUID>, and the AWS provider completes the node group's name with 26 digits.
func ScalingGroups(nodeGroup string) string {
	return fmt.Sprintf("^eks-%s-[0-9a-f]{26}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", regexp.QuoteMeta(nodeGroup))
}

func newPriorities(ctx *pulumi.Context, name string, groups map[string]int, id workload.Identity, opts ...pulumi.ResourceOption) (*corev1.ConfigMap, error) {
	return corev1.NewConfigMap(ctx, name+"-priorities", &corev1.ConfigMapArgs{
		Metadata: workload.ObjectMeta(catalog.AutoscalerPriorities, namespace, id),
		Data:     pulumi.StringMap{catalog.AutoscalerPrioritiesKey: pulumi.String(Priorities(groups, ScalingGroups))},
	}, opts...)
}
