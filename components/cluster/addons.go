package cluster

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Names that EKS gives to its add-ons.
const (
	vpcCNI           = "vpc-cni"
	kubeProxy        = "kube-proxy"
	podIdentityAgent = "eks-pod-identity-agent"
	coreDNS          = "coredns"
	metricsServer    = "metrics-server"
)

// conflicts says what EKS does where an object of an add-on exists already or was changed by hand: this program's word
// counts.
const conflicts = "OVERWRITE"

type addon struct {
	name string
	// settings are the add-on's own, after the JSON schema of its version; nil takes its defaults.
	settings map[string]any
	// preserve leaves the add-on's objects in the cluster when the add-on goes.
	preserve bool
}

// daemonAddons run on every node, and are active without one. They are deleted while nodes still drain, which takes CNI,
// proxy and agent; so their pods stay until the nodes go.
func daemonAddons(args *Args) []addon {
	return []addon{
		{name: vpcCNI, preserve: true, settings: map[string]any{
			// Strings both, as the add-on's schema has them.
			"enableNetworkPolicy": "true",
			"env":                 map[string]any{"ENABLE_PREFIX_DELEGATION": strconv.FormatBool(args.PrefixDelegation)},
		}},
		{name: kubeProxy, preserve: true},
		{name: podIdentityAgent, preserve: true, settings: map[string]any{
			// The CNI gets its permissions from the agent, so the agent must start on a node that is not ready yet, and on
			// every tainted one. It needs no CNI: it is on the host's network.
			"tolerations": []any{map[string]any{"operator": "Exists"}},
		}},
	}
}

// deploymentAddons are active only once their pods run on a node. EKS would take them before, and call them degraded until
// one comes; but then Ctrl-C, or a node group that fails, would be waited out for as long as the provider gives an add-on.
func deploymentAddons() []addon {
	return []addon{{name: coreDNS}, {name: metricsServer}}
}

// newAddons makes add-ons, and returns them by name.
func newAddons(ctx *pulumi.Context, name string, args *Args, cluster pulumi.StringInput, addons []addon, within pulumi.ResourceOrInvokeOption, opts ...pulumi.ResourceOption) (map[string]pulumi.Resource, error) {
	made := map[string]pulumi.Resource{}
	for _, a := range addons {
		addonArgs := &eks.AddonArgs{
			ClusterName:              cluster,
			AddonName:                pulumi.String(a.name),
			AddonVersion:             addonVersion(ctx, a.name, args, within),
			ResolveConflictsOnCreate: pulumi.String(conflicts),
			ResolveConflictsOnUpdate: pulumi.String(conflicts),
			Preserve:                 pulumi.Bool(a.preserve),
		}
		if a.settings != nil {
			text, err := json.Marshal(a.settings)
			if err != nil {
				return nil, fmt.Errorf("settings of add-on %s: %w", a.name, err)
			}
			addonArgs.ConfigurationValues = pulumi.String(text)
		}
		resource, err := eks.NewAddon(ctx, name+"-"+a.name, addonArgs, append(opts, within)...)
		if err != nil {
			return nil, err
		}
		made[a.name] = resource
	}
	return made, nil
}

// addonVersion is the pinned version of an add-on, or the one that EKS takes by default for the cluster's Kubernetes
// version. It is asked for, not left out: left out, an add-on stays behind when the cluster is upgraded.
func addonVersion(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.InvokeOption) pulumi.StringPtrInput {
	if pinned := args.AddonVersions[name]; pinned != "" {
		return pulumi.String(pinned)
	}
	return eks.GetAddonVersionOutput(ctx, eks.GetAddonVersionOutputArgs{
		AddonName:         pulumi.String(name),
		KubernetesVersion: pulumi.String(args.Version),
		MostRecent:        pulumi.Bool(false),
	}, opts...).Version().ToStringPtrOutput()
}
