package cluster

import (
	"strings"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// administratorPolicy is EKS's access policy that allows everything in the cluster.
const administratorPolicy = "AmazonEKSClusterAdminPolicy"

// accessEntries let administrators in. Nodes need no entry here: EKS makes one for the role of its managed groups, and a
// second for the same role is refused.
func accessEntries(administrators []string, partition string) map[string]eks.AccessEntryArgs {
	entries := map[string]eks.AccessEntryArgs{}
	for _, arn := range administrators {
		entries[entryName(arn)] = eks.AccessEntryArgs{
			PrincipalArn: pulumi.String(arn),
			AccessPolicies: map[string]eks.AccessPolicyAssociationInput{
				"administrator": eks.AccessPolicyAssociationArgs{
					PolicyArn:   pulumi.Sprintf("arn:%s:eks::aws:cluster-access-policy/%s", partition, administratorPolicy),
					AccessScope: awseks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
				},
			},
		}
	}
	return entries
}

// entryName names a principal's access entry in the stack: by account and path, not by its place in the list, so that an
// administrator who comes or goes touches nobody else's entry.
func entryName(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4] + "/" + parts[5]
	}
	return arn
}

// accessConfig says who gets in. EKS makes the creator an administrator for good unless told not to. With administrators
// named, they alone are; besides, an entry for a creator who is also named would be refused, as EKS has made it already.
// With none named, the creator has to be one, or nobody could ever get in. EKS takes this at creation alone.
func accessConfig(administrators []string) pulumi.Map {
	return pulumi.Map{
		"authenticationMode":                      pulumi.String(eks.AuthenticationModeApi),
		"bootstrapClusterCreatorAdminPermissions": pulumi.Bool(len(administrators) == 0),
	}
}
