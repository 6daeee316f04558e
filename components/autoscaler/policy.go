package autoscaler

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Tags that EKS puts on the Auto Scaling group of each managed node group ("Cluster Autoscaler", EKS Best Practices
// Guide). The autoscaler finds its groups by their keys, and may change those with this value.
const (
	tagEnabled       = "k8s.io/cluster-autoscaler/enabled"
	tagClusterPrefix = "k8s.io/cluster-autoscaler/"
	tagClusterValue  = "owned"
)

// reads are what the autoscaler asks for (its AWS provider's README, policy of full features). They have no resources to
// be limited to. Of that list, DescribeLaunchConfigurations is left out: a managed node group has a launch template.
var reads = []string{
	"autoscaling:DescribeAutoScalingGroups",
	"autoscaling:DescribeAutoScalingInstances",
	"autoscaling:DescribeScalingActivities", // tells a group that EC2 has no instances for
	// The shapes of instances, of which it thinks when a group has no node to look at. It could do with a list of its
	// own (--aws-use-static-instance-list), but that is as old as its release and lacks newer types.
	"ec2:DescribeInstanceTypes",
	"ec2:DescribeLaunchTemplateVersions",
	"ec2:DescribeImages",
	"ec2:GetInstanceTypesFromInstanceRequirements",
}

// writes are what the autoscaler does.
var writes = []string{
	"autoscaling:SetDesiredCapacity",
	"autoscaling:TerminateInstanceInAutoScalingGroup",
}

type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// Policy is the JSON of what the autoscaler of a cluster may do in AWS: read, and change the groups of this one cluster.
// It needs the cluster's ARN, which names partition, region and account too.
func Policy(clusterARN string) (string, error) {
	cluster, err := arn.Parse(clusterARN)
	if err != nil {
		return "", fmt.Errorf("the autoscaler's policy: cluster %q: %w", clusterARN, err)
	}
	name, ok := strings.CutPrefix(cluster.Resource, "cluster/")
	if !ok || cluster.Service != "eks" || name == "" {
		return "", fmt.Errorf("the autoscaler's policy: %q is not the ARN of an EKS cluster", clusterARN)
	}
	nodeGroups := cluster
	nodeGroups.Resource = "nodegroup/" + name + "/*"
	text, err := json.Marshal(document{Version: "2012-10-17", Statement: []statement{
		{Sid: "Look", Effect: "Allow", Action: reads, Resource: "*"},
		{
			// Labels and taints of a group without nodes.
			Sid: "LookAtOwnNodeGroups", Effect: "Allow", Action: []string{"eks:DescribeNodegroup"}, Resource: nodeGroups.String(),
		},
		{
			// The names of the groups are EKS's, made with them, so the tag is what tells whose they are. The region
			// counts, too: elsewhere in the account there may be a cluster of the same name.
			Sid: "ScaleOwnGroups", Effect: "Allow", Action: writes, Resource: "*",
			Condition: map[string]map[string]string{"StringEquals": {
				"aws:ResourceTag/" + tagClusterPrefix + name: tagClusterValue,
				"aws:RequestedRegion":                        cluster.Region,
			}},
		},
	}})
	if err != nil {
		return "", fmt.Errorf("the autoscaler's policy: %w", err)
	}
	return string(text), nil
}
