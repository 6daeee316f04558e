package cluster

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
	"tfserving/components/podidentity"
)

// newDataPlane registers the node groups, the add-ons and the CNI's role. It returns the resources without which a pod
// cannot run, resolve names or get an AWS role.
func newDataPlane(ctx *pulumi.Context, name string, args *Args, cluster pulumi.StringOutput, partition string, child pulumi.ResourceOrInvokeOption) ([]pulumi.Resource, error) {
	cni, err := podidentity.NewRole(ctx, name+"-"+vpcCNI, &podidentity.Args{
		ClusterName:       pulumi.String(args.Name),
		ClusterExists:     cluster,
		Namespace:         catalog.SystemNamespace,
		ServiceAccount:    "aws-node",
		ManagedPolicyARNs: []string{managedPolicy(partition, "AmazonEKS_CNI_Policy")},
	}, child)
	if err != nil {
		return nil, err
	}
	daemons, err := newAddons(ctx, name, args, cluster, daemonAddons(args), child)
	if err != nil {
		return nil, err
	}
	// A pod gets its role from a webhook when it is created, and not later. On a node that joins before the association
	// exists, the CNI would have no permissions.
	beforeNodes := []pulumi.Resource{cni.Association}
	if args.PrefixDelegation {
		// EKS computes how many pods a node takes when it creates the group, from the CNI's settings at that time.
		beforeNodes = append(beforeNodes, daemons[vpcCNI])
	}
	groups, err := newNodeGroups(ctx, name, args, cluster, partition, child, pulumi.DependsOn(beforeNodes))
	if err != nil {
		return nil, err
	}
	deployments, err := newAddons(ctx, name, args, cluster, deploymentAddons(), child, pulumi.DependsOn(groups))
	if err != nil {
		return nil, err
	}
	return append(groups, cni.Association, daemons[vpcCNI], daemons[kubeProxy], daemons[podIdentityAgent], deployments[coreDNS]), nil
}
