package loadbalancer

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/workload"
)

// user is the user nobody, as whom the chart runs the controller.
const user = 65534

// resources of a controller: the chart's suggestion, with twice its memory, for it keeps every pod, node and endpoint of
// the cluster in mind. The controller that waits for the lease keeps them, too.
var resources = map[string]string{"cpu": "100m", "memory": "256Mi"}

// values are the chart's values, where its defaults are not what is wanted. ready is the cluster's name.
func values(args *Args, ready pulumi.StringInput) pulumi.Map {
	v := pulumi.Map{
		"clusterName": ready,
		// Given, for the node's metadata service, which it would ask, does not answer pods.
		"region":         pulumi.String(args.Region),
		"vpcId":          args.VPCID,
		"replicaCount":   pulumi.Int(args.Replicas),
		"serviceAccount": pulumi.Map{"create": pulumi.Bool(true), "name": pulumi.String(object)},
		"resources":      pulumi.Map{"requests": pulumi.ToStringMap(resources), "limits": pulumi.ToStringMap(resources)},
		// The chart makes one where there are several replicas.
		"podDisruptionBudget":       pulumi.Map{"maxUnavailable": pulumi.Int(1)},
		"topologySpreadConstraints": pulumi.Array{spread()},
		"additionalLabels":          labels(),
		"podLabels":                 labels(),

		"ingressClass":               pulumi.String(catalog.IngressClassALB),
		"createIngressClassResource": pulumi.Bool(false), // the program's own, below the controller
		"ingressClassParams":         pulumi.Map{"create": pulumi.Bool(false)},
		// By default it looks at every new Service of the cluster and refuses it while no controller answers, the
		// controller's own first minute included. A Service that wants a load balancer of it says so by its class.
		"enableServiceMutatorWebhook": pulumi.Bool(false),
		// Nothing here has WAF or Shield. With them on it asks each service about each load balancer, through the NAT.
		"enableWaf":    pulumi.Bool(false),
		"enableWafv2":  pulumi.Bool(false),
		"enableShield": pulumi.Bool(false),
	}
	if len(args.Tags) > 0 {
		v["defaultTags"] = pulumi.ToStringMap(args.Tags)
	}
	for key, context := range security() {
		v[key] = context
	}
	return v
}

// security is Pod Security level restricted, of which the chart's defaults lack two parts.
func security() pulumi.Map {
	return pulumi.Map{
		"podSecurityContext": pulumi.Map{
			"runAsNonRoot":   pulumi.Bool(true),
			"runAsUser":      pulumi.Int(user),
			"runAsGroup":     pulumi.Int(user),
			"fsGroup":        pulumi.Int(user), // reads the webhook's certificate
			"seccompProfile": pulumi.Map{"type": pulumi.String("RuntimeDefault")},
		},
		"securityContext": pulumi.Map{
			"runAsNonRoot":             pulumi.Bool(true),
			"allowPrivilegeEscalation": pulumi.Bool(false),
			"readOnlyRootFilesystem":   pulumi.Bool(true),
			"capabilities":             pulumi.Map{"drop": pulumi.ToStringArray([]string{"ALL"})},
		},
	}
}

// labels are those of the house that the chart does not set itself. Its own say name, instance and that Helm manages
// the objects.
func labels() pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/part-of":   pulumi.String(workload.PartOf),
		"app.kubernetes.io/component": pulumi.String(Component),
	}
}

// spread prefers another zone for each controller; the chart itself prefers another node.
func spread() pulumi.Map {
	return pulumi.Map{
		"maxSkew":           pulumi.Int(1),
		"topologyKey":       pulumi.String("topology.kubernetes.io/zone"),
		"whenUnsatisfiable": pulumi.String("ScheduleAnyway"),
		"labelSelector": pulumi.Map{"matchLabels": pulumi.StringMap{
			"app.kubernetes.io/component": pulumi.String(Component),
		}},
	}
}
