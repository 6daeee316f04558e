package cluster

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Names of EKS add-ons.
const (
	vpcCNI           = "vpc-cni"
	kubeProxy        = "kube-proxy"
	podIdentityAgent = "eks-pod-identity-agent"
	coreDNS          = "coredns"
	metricsServer    = "metrics-server"
)

// resolveConflicts is what EKS does if an object of an add-on exists already or was changed by hand: it replaces the
// object.
const resolveConflicts = "OVERWRITE"

type addon struct {
	name string
	// settings are the add-on's settings by the JSON schema of its version; nil takes the defaults.
	settings map[string]any
	// preserve keeps the add-on's objects in the cluster when the add-on is deleted.
	preserve bool
}

// daemonAddons are the add-ons that run on every node. EKS reports them active even if there is no node. A destroy deletes
// them while nodes still drain, and a drain needs CNI, proxy and agent, so their pods stay until the nodes are deleted.
func daemonAddons(args *Args) []addon {
	return []addon{
		{name: vpcCNI, preserve: true, settings: map[string]any{
			// Both are strings in the add-on's schema.
			"enableNetworkPolicy": "true",
			"env":                 map[string]any{"ENABLE_PREFIX_DELEGATION": strconv.FormatBool(args.PrefixDelegation)},
		}},
		{name: kubeProxy, preserve: true},
		{name: podIdentityAgent, preserve: true, settings: map[string]any{
			// The CNI gets its permissions from the agent, so the agent must start on nodes that are not ready yet and on all
			// tainted nodes. It uses the host's network and so needs no CNI.
			"tolerations": []any{map[string]any{"operator": "Exists"}},
		}},
	}
}

// deploymentAddons are the add-ons that are active only once their pods run on a node. They wait for the node groups: EKS
// accepts them before that, but without nodes they stay degraded, and an `up` could only end at the provider's timeout for
// add-ons, even after Ctrl-C or a failed node group.
func deploymentAddons() []addon {
	return []addon{{name: coreDNS}, {name: metricsServer}}
}

// newAddons registers add-ons and returns them by name.
func newAddons(ctx *pulumi.Context, name string, args *Args, cluster pulumi.StringInput, addons []addon, child pulumi.ResourceOrInvokeOption, opts ...pulumi.ResourceOption) (map[string]pulumi.Resource, error) {
	registered := map[string]pulumi.Resource{}
	for _, a := range addons {
		addonArgs := &eks.AddonArgs{
			ClusterName:              cluster,
			AddonName:                pulumi.String(a.name),
			AddonVersion:             addonVersion(ctx, a.name, args, child),
			ResolveConflictsOnCreate: pulumi.String(resolveConflicts),
			ResolveConflictsOnUpdate: pulumi.String(resolveConflicts),
			Preserve:                 pulumi.Bool(a.preserve),
		}
		if a.settings != nil {
			text, err := json.Marshal(a.settings)
			if err != nil {
				return nil, fmt.Errorf("writing the settings of add-on %s: %w", a.name, err)
			}
			addonArgs.ConfigurationValues = pulumi.String(text)
		}
		resource, err := eks.NewAddon(ctx, name+"-"+a.name, addonArgs, append(opts, child)...)
		if err != nil {
			return nil, err
		}
		registered[a.name] = resource
	}
	return registered, nil
}

// addonVersion returns the pinned version of an add-on, or EKS's default version for the nodes' Kubernetes version. An add-on
// without a version would keep its old version when the nodes are upgraded.
//
// Add-ons follow the nodes and not the control plane. EKS rolls a control plane back only if no add-on is too new for the older
// version, and kube-proxy must not be newer than the API server (EKS User Guide, "Roll back a cluster to a previous Kubernetes
// version"). So while the nodes stay behind, nothing but the control plane has to go back.
func addonVersion(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.InvokeOption) pulumi.StringPtrInput {
	if pinned := args.AddonVersions[name]; pinned != "" {
		return pulumi.String(pinned)
	}
	return eks.GetAddonVersionOutput(ctx, eks.GetAddonVersionOutputArgs{
		AddonName:         pulumi.String(name),
		KubernetesVersion: pulumi.String(args.NodeVersion),
		MostRecent:        pulumi.Bool(false),
	}, opts...).Version().ToStringPtrOutput()
}
