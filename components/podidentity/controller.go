package podidentity

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"tfserving/catalog"
)

// ControllerArgs are the arguments of a role for a controller in namespace kube-system. clusterARN is known once the
// cluster exists; policy returns the role's policy for it.
func ControllerArgs(clusterName string, clusterARN pulumi.StringInput, serviceAccount string, policy func(clusterARN string) (string, error)) *Args {
	cluster := clusterARN.ToStringOutput()
	return &Args{
		ClusterName:    pulumi.String(clusterName),
		ClusterExists:  cluster.ApplyT(func(string) string { return clusterName }).(pulumi.StringOutput),
		Namespace:      catalog.SystemNamespace,
		ServiceAccount: serviceAccount,
		Policy:         cluster.ApplyT(policy).(pulumi.StringOutput),
	}
}

// ReadyWith returns the value of an output once the role is associated, too. A resource that uses it is created after
// both, and deleted before both.
func (r *Role) ReadyWith(other pulumi.StringInput) pulumi.StringOutput {
	return pulumi.All(other, r.Ready).ApplyT(func(all []any) string { return all[0].(string) }).(pulumi.StringOutput)
}

// ParseClusterARN returns the parts of an EKS cluster's ARN and the cluster's name. Any other text is an error.
func ParseClusterARN(clusterARN string) (parts arn.ARN, name string, err error) {
	parts, err = arn.Parse(clusterARN)
	if err != nil {
		return arn.ARN{}, "", fmt.Errorf("cluster %q: %w", clusterARN, err)
	}
	name, isCluster := strings.CutPrefix(parts.Resource, "cluster/")
	if !isCluster || parts.Service != "eks" || name == "" {
		return arn.ARN{}, "", fmt.Errorf("%q is not the ARN of an EKS cluster", clusterARN)
	}
	return parts, name, nil
}
