// Command providers is a Pulumi program that makes nothing. It starts the plugins that PLUGINS names (aws, eks,
// kubernetes), and asks AWS what the program of an EKS stack asks: what engine, plugins and reads take for themselves.
package main

import (
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/components/account"
)

// What is asked about. Answers depend on neither.
const (
	region  = "eu-west-1"
	version = "1.35"
)

// addons are those of an EKS stack; each has its version asked for.
var addons = []string{"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "metrics-server"}

func main() { pulumi.Run(program) }

func program(ctx *pulumi.Context) error {
	plugins := strings.Fields(os.Getenv("PLUGINS"))
	if slices.Contains(plugins, "eks") {
		if _, err := eks.NewProvider(ctx, "eks", &eks.ProviderArgs{}); err != nil {
			return err
		}
	}
	if slices.Contains(plugins, "kubernetes") {
		// KUBECONFIG is the stack's own.
		if _, err := kubernetes.NewProvider(ctx, "kubernetes", &kubernetes.ProviderArgs{Kubeconfig: pulumi.String(os.Getenv("KUBECONFIG"))}); err != nil {
			return err
		}
	}
	if slices.Contains(plugins, "aws") {
		return read(ctx)
	}
	return nil
}

// read makes each read of the stack's program once.
func read(ctx *pulumi.Context) error {
	if _, err := account.Check(ctx.Context(), region, nil); err != nil {
		return err
	}
	provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.String(region)})
	if err != nil {
		return err
	}
	on := pulumi.Provider(provider)
	if _, err := aws.GetAvailabilityZones(ctx, &aws.GetAvailabilityZonesArgs{}, on); err != nil {
		return err
	}
	if _, err := aws.GetPartition(ctx, &aws.GetPartitionArgs{}, on); err != nil {
		return err
	}
	if _, err := aws.GetRegion(ctx, &aws.GetRegionArgs{}, on); err != nil {
		return err
	}
	if _, err := aws.GetCallerIdentity(ctx, &aws.GetCallerIdentityArgs{}, on); err != nil {
		return err
	}
	for _, name := range addons {
		awseks.GetAddonVersionOutput(ctx, awseks.GetAddonVersionOutputArgs{
			AddonName: pulumi.String(name), KubernetesVersion: pulumi.String(version), MostRecent: pulumi.Bool(false),
		}, on)
	}
	return nil
}
