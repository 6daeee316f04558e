package cluster

import (
	"strings"

	awseks "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-eks/sdk/v2/go/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// administratorPolicy is the name of the EKS access policy that allows everything in the cluster.
const administratorPolicy = "AmazonEKSClusterAdminPolicy"

// accessEntries returns an access entry for each administrator. Nodes need none: EKS creates one for the role of managed
// node groups, and refuses a second entry for the same role.
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

// entryName returns the name of an administrator's access entry in the stack. It consists of account and path and not of
// the position in the list, so the addition or removal of one administrator changes no other entry.
func entryName(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[4] + "/" + parts[5]
	}
	return arn
}

// accessConfig returns the cluster's access configuration. By default EKS makes the cluster's creator a permanent
// administrator. If the settings name administrators, this is off: only they have access, and EKS would refuse an access
// entry for a creator who is among them. If the settings name none, it is on, or no one could access the cluster. EKS
// accepts this configuration only when the cluster is created.
func accessConfig(administrators []string) pulumi.Map {
	return pulumi.Map{
		"authenticationMode":                      pulumi.String(eks.AuthenticationModeApi),
		"bootstrapClusterCreatorAdminPermissions": pulumi.Bool(len(administrators) == 0),
	}
}
