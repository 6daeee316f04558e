package cluster

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// keyDeletionDays is how long a deleted key can still be brought back, in days: the longest that KMS allows, as without
// the key no backup of the cluster's Secrets can be read. A key that waits for its deletion costs nothing.
const keyDeletionDays = 30

// logTypes are all the logs that a control plane has.
var logTypes = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}

// newControlPlane makes the control plane, the key of its Secrets and the group of its logs.
func newControlPlane(ctx *pulumi.Context, name string, args *Args, partition string, within pulumi.ResourceOption) (*eks.Cluster, error) {
	// EKS would make this group itself, with logs that stay for ever and outlive the stack. It must exist before the
	// control plane writes and go after it stopped.
	logs, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name:            pulumi.Sprintf("/aws/eks/%s/cluster", args.Name),
		RetentionInDays: pulumi.Int(args.LogRetentionDays),
	}, within)
	if err != nil {
		return nil, err
	}
	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description:          pulumi.Sprintf("Secrets of EKS cluster %s", args.Name),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(keyDeletionDays),
	}, within, pulumi.Protect(args.Protect))
	if err != nil {
		return nil, err
	}
	return eks.NewCluster(ctx, name, clusterArgs(args, partition, key.Arn), within,
		pulumi.DependsOn([]pulumi.Resource{logs}),
		pulumi.Transforms([]pulumi.ResourceTransform{complete(args)}))
}

// clusterArgs set aside what pulumi-eks does by default and has been superseded: the aws-auth ConfigMap, a node group of
// its own, its own copy of the CNI, an OIDC provider, a public endpoint, the newest version.
func clusterArgs(args *Args, partition string, key pulumi.StringInput) *eks.ClusterArgs {
	api, yes := eks.AuthenticationModeApi, true
	cluster := &eks.ClusterArgs{
		Name:    pulumi.String(args.Name),
		Version: pulumi.String(args.Version),

		VpcId:                 args.VPCID,
		SubnetIds:             args.SubnetIDs,
		EndpointPrivateAccess: pulumi.Bool(true),
		EndpointPublicAccess:  pulumi.Bool(len(args.PublicAccessCIDRs) > 0),

		AuthenticationMode: &api,
		AccessEntries:      accessEntries(args.Administrators, partition),

		EncryptionConfigKeyArn: key.ToStringOutput().ToStringPtrOutput(),
		EnabledClusterLogTypes: pulumi.ToStringArray(logTypes),

		// Node groups are made beside this resource: ignoreChanges on it would not reach them, and every `up` would undo
		// what the autoscaler scaled. An empty list of roles keeps it from making a node role that nothing uses.
		SkipDefaultNodeGroup: &yes,
		InstanceRoles:        iam.RoleArray{},

		// "Default" means EKS's own: the add-on.
		UseDefaultVpcCni:   &yes,
		CreateOidcProvider: pulumi.Bool(false),
	}
	if len(args.PublicAccessCIDRs) > 0 {
		cluster.PublicAccessCidrs = pulumi.ToStringArray(args.PublicAccessCIDRs)
	}
	return cluster
}

// Types of the resources inside of pulumi-eks's component that are changed.
const (
	innerCluster  = "aws:eks/cluster:Cluster"
	innerProvider = "pulumi:providers:kubernetes"
)

// noCluster is a kubeconfig in which there is nothing to reach.
const noCluster = `{"apiVersion":"v1","kind":"Config"}`

// complete sets on the EKS cluster proper what pulumi-eks does not offer, and unplugs what it makes for nothing.
func complete(args *Args) pulumi.ResourceTransform {
	return func(_ context.Context, resource *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		switch resource.Type {
		case innerCluster:
			// Past standard support EKS would otherwise keep the version at six times the price.
			resource.Props["upgradePolicy"] = pulumi.Map{"supportType": pulumi.String("STANDARD")}
			// The add-ons are ours from the start: none that EKS put there has to be taken over.
			resource.Props["bootstrapSelfManagedAddons"] = pulumi.Bool(false)
			resource.Props["accessConfig"] = accessConfig(args.Administrators)
			// On the component, protection would spread to its access entries, and no administrator could be removed.
			resource.Opts.Protect = args.Protect
		case innerProvider:
			// pulumi-eks makes two, for an aws-auth ConfigMap and StorageClasses that it is not asked for. Each would
			// fetch a token and read the cluster's whole API in every preview, and leave a kubeconfig behind.
			resource.Props["kubeconfig"] = pulumi.String(noCluster)
		default:
			return nil
		}
		return &pulumi.ResourceTransformResult{Props: resource.Props, Opts: resource.Opts}
	}
}

// maxName is how long a cluster's name in the stack may be, in characters. pulumi-eks names its role <name>-eksRole-role,
// Pulumi appends a hyphen and 7 random characters, and IAM takes 64 ("IAM and STS quotas", IAM User Guide).
const maxName = 64 - len("-eksRole-role") - len("-0123456")

func checkName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("its name in the stack, %q, has %d characters; the roles named after it allow %d", name, len(name), maxName)
	}
	return nil
}
