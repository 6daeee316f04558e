package loadbalancer

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// user is the user nobody, as in the chart.
const user = 65534

// resources of a controller pod: the chart's suggestion with twice its memory, because the controller caches every pod, node
// and endpoint of the cluster. The pod that waits for the lease caches them, too.
var resources = map[string]string{"cpu": "100m", "memory": "256Mi"}

// values returns the chart's values that differ from its defaults. ready is the cluster's name.
func values(args *Args, ready pulumi.StringInput) pulumi.Map {
	v := pulumi.Map{
		"clusterName": ready,
		// Without these two the controller queries the node's metadata service, which does not answer pods.
		"region":         pulumi.String(args.Region),
		"vpcId":          args.VPCID,
		"replicaCount":   pulumi.Int(args.Replicas),
		"serviceAccount": pulumi.Map{"create": pulumi.Bool(true), "name": pulumi.String(object)},
		"resources":      pulumi.Map{"requests": pulumi.ToStringMap(resources), "limits": pulumi.ToStringMap(resources)},
		// With a new certificate at each upgrade, the default since chart 3, the webhook's answers fail until the pods have it.
		"keepTLSSecret": pulumi.Bool(true),
		// The chart creates the budget only if there are several replicas.
		"podDisruptionBudget": pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		// Another zone for each controller pod, if possible. The chart itself prefers another node.
		"topologySpreadConstraints": pulumi.Array{pulumi.Map{
			"maxSkew":           pulumi.Int(1),
			"topologyKey":       pulumi.String("topology.kubernetes.io/zone"),
			"whenUnsatisfiable": pulumi.String("ScheduleAnyway"),
			"labelSelector":     pulumi.Map{"matchLabels": pulumi.StringMap{"app.kubernetes.io/component": pulumi.String(Component)}},
		}},
		"additionalLabels": labels(),
		"podLabels":        labels(),

		"ingressClass":               pulumi.String(catalog.IngressClassALB),
		"createIngressClassResource": pulumi.Bool(false), // NewController registers the class
		"ingressClassParams":         pulumi.Map{"create": pulumi.Bool(false)},
		// This webhook checks every new Service of the cluster. While no controller answers, such as in the controller's
		// first minute, the API server refuses every Service. A Service selects the controller by its class instead.
		"enableServiceMutatorWebhook": pulumi.Bool(false),
		// The stacks use neither WAF nor Shield. With these on, the controller calls both services for each load balancer.
		"enableWaf":    pulumi.Bool(false),
		"enableWafv2":  pulumi.Bool(false),
		"enableShield": pulumi.Bool(false),
		// The values for Pod Security level restricted. The chart's defaults lack two parts of it.
		"podSecurityContext": pulumi.Map{
			"runAsNonRoot":   pulumi.Bool(true),
			"runAsUser":      pulumi.Int(user),
			"runAsGroup":     pulumi.Int(user),
			"fsGroup":        pulumi.Int(user), // the group that may read the webhook's certificate
			"seccompProfile": pulumi.Map{"type": pulumi.String("RuntimeDefault")},
		},
		"securityContext": pulumi.Map{
			"runAsNonRoot":             pulumi.Bool(true),
			"allowPrivilegeEscalation": pulumi.Bool(false),
			"readOnlyRootFilesystem":   pulumi.Bool(true),
			"capabilities":             pulumi.Map{"drop": pulumi.ToStringArray([]string{"ALL"})},
		},
	}
	if len(args.Tags) > 0 {
		v["defaultTags"] = pulumi.ToStringMap(args.Tags)
	}
	return v
}

// labels are the project's labels that the chart does not set. The chart sets name, instance and managed-by: Helm.
func labels() pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/part-of":   pulumi.String(workload.PartOf),
		"app.kubernetes.io/component": pulumi.String(Component),
	}
}
