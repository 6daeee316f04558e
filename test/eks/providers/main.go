// Command providers is a Pulumi program that only starts plugins and makes their reads. BenchmarkPreview compares a stack with it.
// The environment variable PLUGINS lists its parts:
//
//	aws         the AWS plugin, and each call to AWS that the program of an EKS stack makes
//	eks         the EKS plugin, without reads
//	cluster     with aws, a cluster of pulumi-eks: the EKS plugin makes its reads only for a cluster
//	unplugged   disconnects pulumi-eks's own Kubernetes providers from that cluster, as a stack does
//	kubernetes  the Kubernetes plugin and one read of an object, from cluster if it is in the list, or else from KUBECONFIG
package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/preflight"
)

// The region and the Kubernetes version of the calls. Neither changes how long an answer takes.
const (
	region  = "eu-west-1"
	version = "1.36"
)

// addons are the add-ons of an EKS stack. The program reads the default version of each.
var addons = []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"}

func main() { pulumi.Run(program) }

func program(ctx *pulumi.Context) error {
	parts := strings.Fields(os.Getenv("PLUGINS"))
	// The benchmark sets KUBECONFIG to the stack's kubeconfig.
	var kubeconfig pulumi.StringInput = pulumi.String(os.Getenv("KUBECONFIG"))
	if slices.Contains(parts, "aws") {
		provider, err := read(ctx)
		if err != nil {
			return err
		}
		if slices.Contains(parts, "cluster") {
			cluster, err := newCluster(ctx, provider, slices.Contains(parts, "unplugged"))
			if err != nil {
				return err
			}
			kubeconfig = cluster.KubeconfigJson
		}
	}
	if slices.Contains(parts, "eks") {
		if _, err := eks.NewProvider(ctx, "eks", &eks.ProviderArgs{}); err != nil {
			return err
		}
	}
	if slices.Contains(parts, "kubernetes") {
		provider, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: kubeconfig})
		if err != nil {
			return err
		}
		_, err = corev1.GetNamespace(ctx, "system", pulumi.ID("kube-system"), nil, pulumi.Provider(provider))
		return err
	}
	return nil
}

// read makes each call to AWS of the stack's program once.
func read(ctx *pulumi.Context) (*aws.Provider, error) {
	if _, err := preflight.CheckAccount(ctx.Context(), region, nil); err != nil {
		return nil, err
	}
	provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.String(region)})
	if err != nil {
		return nil, err
	}
	on := pulumi.Provider(provider)
	if _, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{}, on); err != nil {
		return nil, err
	}
	if _, err := aws.GetPartition(ctx, &aws.GetPartitionArgs{}, on); err != nil {
		return nil, err
	}
	if _, err := aws.GetRegion(ctx, &aws.GetRegionArgs{}, on); err != nil {
		return nil, err
	}
	if _, err := aws.GetCallerIdentity(ctx, &aws.GetCallerIdentityArgs{}, on); err != nil {
		return nil, err
	}
	for _, name := range addons {
		awseks.GetAddonVersionOutput(ctx, awseks.GetAddonVersionOutputArgs{
			AddonName: pulumi.String(name), KubernetesVersion: pulumi.String(version), MostRecent: pulumi.Bool(false),
		}, on)
	}
	return provider, nil
}

// newCluster makes a control plane without nodes in the account's default VPC.
func newCluster(ctx *pulumi.Context, provider *aws.Provider, unplugged bool) (*eks.Cluster, error) {
	opts := []pulumi.ResourceOption{pulumi.Provider(provider)}
	if unplugged {
		opts = append(opts, pulumi.Transforms([]pulumi.ResourceTransform{unplug}))
	}
	api, yes := eks.AuthenticationModeApi, true
	return eks.NewCluster(ctx, "bare", &eks.ClusterArgs{
		Version:              pulumi.String(version),
		AuthenticationMode:   &api,
		SkipDefaultNodeGroup: &yes,
		InstanceRoles:        iam.RoleArray{},
		UseDefaultVpcCni:     &yes,
		CreateOidcProvider:   pulumi.Bool(false),
	}, opts...)
}

// unplug gives those providers an empty kubeconfig, as components/cluster does.
func unplug(_ context.Context, resource *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
	if resource.Type != "pulumi:providers:kubernetes" {
		return nil
	}
	resource.Props["kubeconfig"] = pulumi.String(`{"apiVersion":"v1","kind":"Config"}`)
	return &pulumi.ResourceTransformResult{Props: resource.Props, Opts: resource.Opts}
}
