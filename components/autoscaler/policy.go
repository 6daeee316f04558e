package autoscaler

import (
	"fmt"

	"tfserving/components/podidentity"
)

// Tags that EKS puts on the Auto Scaling group of each managed node group ("Cluster Autoscaler", EKS Best Practices
// Guide). The autoscaler finds the groups by the tags' keys. Its policy allows changes of groups with the tag's value.
const (
	tagEnabled       = "k8s.io/cluster-autoscaler/enabled"
	tagClusterPrefix = "k8s.io/cluster-autoscaler/"
	tagClusterValue  = "owned"
)

// reads are the actions by which the autoscaler reads (README of its AWS provider, policy of full features). AWS cannot
// limit them to single resources. DescribeLaunchConfigurations of that policy is missing here: a managed node group has a
// launch template.
var reads = []string{
	"autoscaling:DescribeAutoScalingGroups",
	"autoscaling:DescribeAutoScalingInstances",
	"autoscaling:DescribeScalingActivities", // shows that EC2 has no instances for a group
	// The size of a new node in a group that has no nodes. The autoscaler has a list of its own
	// (--aws-use-static-instance-list), but that lacks the instance types that are newer than the autoscaler.
	"ec2:DescribeInstanceTypes",
	"ec2:DescribeLaunchTemplateVersions",
	"ec2:DescribeImages",
	"ec2:GetInstanceTypesFromInstanceRequirements",
}

// writes are the actions by which the autoscaler changes a group.
var writes = []string{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}

// awsPolicy returns the JSON of the AWS policy of a cluster's autoscaler: read, and change the groups of this cluster alone.
func awsPolicy(clusterARN string) (string, error) {
	cluster, name, err := podidentity.ParseClusterARN(clusterARN)
	if err != nil {
		return "", fmt.Errorf("the autoscaler's policy: %w", err)
	}
	nodeGroups := cluster
	nodeGroups.Resource = "nodegroup/" + name + "/*"
	return podidentity.Policy(
		podidentity.Statement{Sid: "Look", Effect: "Allow", Action: reads, Resource: "*"},
		// Labels and taints of a group without nodes.
		podidentity.Statement{
			Sid: "LookAtOwnNodeGroups", Effect: "Allow", Action: []string{"eks:DescribeNodegroup"}, Resource: nodeGroups.String(),
		},
		// EKS chooses the names of the groups, so the policy selects them by a tag with the cluster's name. Another region of
		// the account may have a cluster of the same name.
		podidentity.Statement{
			Sid: "ScaleOwnGroups", Effect: "Allow", Action: writes, Resource: "*",
			Condition: map[string]map[string]string{"StringEquals": {
				"aws:ResourceTag/" + tagClusterPrefix + name: tagClusterValue, "aws:RequestedRegion": cluster.Region,
			}},
		})
}
