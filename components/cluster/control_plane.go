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

// keyDeletionDays is how long a deleted key can be restored, in days: the longest that KMS allows, because a backup of the
// cluster's Secrets cannot be read without the key. A key that is pending deletion costs nothing.
const keyDeletionDays = 30

// newControlPlane registers the control plane, the key of its Secrets and the group of its logs.
func newControlPlane(ctx *pulumi.Context, name string, args *Args, partition string, child pulumi.ResourceOption) (*eks.Cluster, error) {
	// Without this group EKS creates one of the same name, which keeps its logs for ever and outlives the stack. So the group
	// must exist before the control plane, and be deleted after it.
	logs, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		Name:            pulumi.Sprintf("/aws/eks/%s/cluster", args.Name),
		RetentionInDays: pulumi.Int(args.LogRetentionDays),
	}, child)
	if err != nil {
		return nil, err
	}
	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description:          pulumi.Sprintf("Secrets of EKS cluster %s", args.Name),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(keyDeletionDays),
	}, child, pulumi.Protect(args.Protect))
	if err != nil {
		return nil, err
	}
	return eks.NewCluster(ctx, name, clusterArgs(args, partition, key.Arn), child,
		pulumi.DependsOn([]pulumi.Resource{logs}),
		pulumi.Transforms([]pulumi.ResourceTransform{transform(args)}))
}

// clusterArgs returns the inputs of pulumi-eks's component. They turn off its outdated defaults: the aws-auth ConfigMap, a
// node group, a copy of the CNI, an OIDC provider, a public endpoint and the newest version.
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
		EnabledClusterLogTypes: pulumi.ToStringArray(args.LogTypes),

		// Node groups are resources outside of the component: ignoreChanges on the component does not reach node groups
		// inside it, and every `up` would undo the autoscaler's changes. With an empty list of roles the component creates
		// no node role.
		SkipDefaultNodeGroup: &yes,
		InstanceRoles:        iam.RoleArray{},

		// EKS's default CNI is the add-on.
		UseDefaultVpcCni:   &yes,
		CreateOidcProvider: pulumi.Bool(false),
	}
	if len(args.PublicAccessCIDRs) > 0 {
		cluster.PublicAccessCidrs = pulumi.ToStringArray(args.PublicAccessCIDRs)
	}
	return cluster
}

// Types of the resources inside pulumi-eks's component that transform changes.
const (
	innerCluster  = "aws:eks/cluster:Cluster"
	innerProvider = "pulumi:providers:kubernetes"
)

// emptyKubeconfig is a kubeconfig without a cluster.
const emptyKubeconfig = `{"apiVersion":"v1","kind":"Config"}`

// transform returns a change of the resources inside pulumi-eks's component. It sets properties of the EKS cluster that the
// component does not offer, and disconnects the component's own Kubernetes providers.
func transform(args *Args) pulumi.ResourceTransform {
	return func(_ context.Context, resource *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		switch resource.Type {
		case innerCluster:
			// By default EKS keeps a version after standard support, in extended support at six times the price.
			resource.Props["upgradePolicy"] = pulumi.Map{"supportType": pulumi.String("STANDARD")}
			// By default EKS installs unmanaged copies of some add-ons, which the managed add-ons would have to replace.
			resource.Props["bootstrapSelfManagedAddons"] = pulumi.Bool(false)
			resource.Props["zonalShiftConfig"] = pulumi.Map{"enabled": pulumi.Bool(args.ZonalShift)}
			resource.Props["accessConfig"] = accessConfig(args.Administrators)
			// Protection of the component would also protect its access entries, and no administrator could be removed.
			resource.Opts.Protect = args.Protect
		case innerProvider:
			// pulumi-eks registers two, for an aws-auth ConfigMap and StorageClasses that this cluster does not have. With
			// the cluster's kubeconfig, each would get a token and read the cluster's whole API in every preview, and leave a
			// kubeconfig file behind.
			resource.Props["kubeconfig"] = pulumi.String(emptyKubeconfig)
		default:
			return nil
		}
		return &pulumi.ResourceTransformResult{Props: resource.Props, Opts: resource.Opts}
	}
}

// maxName is the longest name of a cluster in the stack, in characters. pulumi-eks names its role <name>-eksRole-role,
// Pulumi adds a hyphen and 7 random characters, and IAM allows 64 ("IAM and STS quotas", IAM User Guide).
const maxName = 64 - len("-eksRole-role") - len("-0123456")

func checkName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("its name in the stack, %q, has %d characters; at most %d are allowed, because roles are named after it", name, len(name), maxName)
	}
	return nil
}
