package privilege

import (
	"fmt"
	"maps"
	"slices"
)

// arnOf is an ARN of the account, in the stack's region.
func arnOf(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, account, resource)
}

// scalingTag is what EKS puts on the Auto Scaling groups of a cluster.
func scalingTag(cluster, value string) values {
	return values{"aws:ResourceTag/k8s.io/cluster-autoscaler/" + cluster: value}
}

// and is some condition keys together.
func (v values) and(others ...values) values {
	all := maps.Clone(v)
	for _, o := range others {
		maps.Copy(all, o)
	}
	return all
}

// calls are actions of one service.
func calls(service string, names ...string) (actions []string) {
	for _, name := range names {
		actions = append(actions, service+":"+name)
	}
	return actions
}

// requestsOf are what a role must be able to do, and what it must not.
func requestsOf(role string) []request {
	if role == deployRole {
		return deployRequests() // what is nobody else's business is its own
	}
	own := map[string][]request{
		previewRole:    previewRequests(),
		autoscalerRole: autoscalerRequests(), balancerRole: balancerRequests(), nodeRole: nodeRequests(),
		networkingRole: networkingRequests(), flowLogRole: flowLogRequests(),
	}[role]
	if own == nil {
		return nil
	}
	return slices.Concat(own, nobodysBusiness())
}

// nobodysBusiness is what no role of the program may do: take more rights, read what is secret, make or end machines,
// change clusters and what they run.
func nobodysBusiness() []request {
	other := roleARN("administrator")
	var all []request
	for resource, actions := range map[string][]string{
		other: {"iam:PassRole", "sts:AssumeRole", "iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"},
		"arn:aws:iam::" + account + ":user/someone":           calls("iam", "CreateUser", "CreateAccessKey"),
		clusterARN(ownCluster):                                calls("eks", "DeleteCluster", "CreateAccessEntry", "CreatePodIdentityAssociation", "UpdateClusterConfig"),
		arnOf("eks", "nodegroup/"+ownCluster+"/general/1"):    calls("eks", "DeleteNodegroup", "UpdateNodegroupConfig"),
		arnOf("ec2", "instance/i-1"):                          calls("ec2", "RunInstances", "TerminateInstances", "StopInstances", "ModifyInstanceMetadataOptions"),
		arnOf("ec2", "vpc/vpc-1"):                             calls("ec2", "DeleteVpc"),
		arnOf("ec2", "launch-template/lt-1"):                  calls("ec2", "CreateLaunchTemplateVersion"),
		arnOf("ecr", "repository/"+ownCluster+"/gateway"):     calls("ecr", "PutImage", "BatchDeleteImage", "DeleteRepository", "SetRepositoryPolicy"),
		arnOf("kms", "key/1"):                                 calls("kms", "Decrypt", "ScheduleKeyDeletion", "CreateGrant"),
		arnOf("secretsmanager", "secret:one"):                 calls("secretsmanager", "GetSecretValue"),
		"arn:aws:s3:::bucket/key":                             calls("s3", "GetObject", "PutObject"),
		arnOf("logs", "log-group:/aws/eks/x/cluster"):         calls("logs", "DeleteLogGroup", "PutRetentionPolicy"),
		arnOf("autoscaling", scalingGroup):                    calls("autoscaling", "UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "CreateOrUpdateTags"),
		arnOf("elasticloadbalancing", "loadbalancer/app/a/1"): calls("elasticloadbalancing", "ModifyLoadBalancerAttributes"),
	} {
		for _, action := range actions {
			all = append(all, request{"nobody's business", refused, []string{action}, resource, nil})
		}
	}
	return all
}

// inAnotherRegion is of a request that goes to us-east-1.
var inAnotherRegion = values{"aws:RequestedRegion": "us-east-1"}

// scalingGroup is an Auto Scaling group as EKS names it, the resource part of its ARN.
const scalingGroup = "autoScalingGroup:1:autoScalingGroupName/eks-general-1"

func autoscalerRequests() []request {
	group := arnOf("autoscaling", scalingGroup)
	elsewhere := fmt.Sprintf("arn:aws:autoscaling:us-east-1:%s:%s", account, scalingGroup)
	scale := calls("autoscaling", "SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup")
	node := calls("eks", "DescribeNodegroup")
	return []request{
		{"what it reads", allowed, []string{
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeScalingActivities",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
		}, "*", nil},
		{"its cluster's group", allowed, scale, group, scalingTag(ownCluster, "owned")},
		{"another cluster's group", refused, scale, group, scalingTag(otherCluster, "owned")},
		{"a group of a cluster whose name begins alike", refused, scale, group, scalingTag(ownCluster+"-2", "owned")},
		{"a group that its cluster shares", refused, scale, group, scalingTag(ownCluster, "shared")},
		{"a group of no cluster", refused, scale, group, nil},
		{"a group of the cluster's namesake in another region", refused, scale, elsewhere, scalingTag(ownCluster, "owned").and(inAnotherRegion)},
		{"its cluster's node group", allowed, node, arnOf("eks", "nodegroup/"+ownCluster+"/general/1"), nil},
		{"another cluster's node group", refused, node, arnOf("eks", "nodegroup/"+otherCluster+"/general/1"), nil},
		{"a node group of a cluster whose name begins alike", refused, node, arnOf("eks", "nodegroup/"+ownCluster+"-2/general/1"), nil},
		{"its cluster's group, and more than scaling", refused, calls("autoscaling",
			"UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "SetInstanceProtection", "AttachInstances",
		), group, scalingTag(ownCluster, "owned")},
		{"making another cluster's group look like its own", refused, calls("autoscaling", "CreateOrUpdateTags"), group,
			scalingTag(otherCluster, "owned").and(values{"aws:RequestTag/k8s.io/cluster-autoscaler/" + ownCluster: "owned"})},
		{"load balancers", refused, calls("elasticloadbalancing", "DeleteLoadBalancer"), arnOf("elasticloadbalancing", "loadbalancer/app/a/1"), nil},
	}
}

// nodeRequests are of instances. What they may do is AWS's own policies, which name no cluster.
func nodeRequests() []request {
	return []request{
		{"to join its cluster", allowed, calls("eks", "DescribeCluster"), clusterARN(ownCluster), nil},
		{"what it reads", allowed, []string{"ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ecr:GetAuthorizationToken"}, "*", nil},
		{"to hand out its pods' roles", allowed, calls("eks-auth", "AssumeRoleForPodIdentity"), clusterARN(ownCluster), nil},
		{"to pull images", allowed, calls("ecr", "BatchGetImage", "GetDownloadUrlForLayer"), arnOf("ecr", "repository/"+ownCluster+"/gateway"), nil},
		{"a shell for people, as the setting asks", allowed, calls("ssmmessages", "CreateControlChannel"), "*", nil},
		{"scaling is the autoscaler's", refused, calls("autoscaling", "SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup"),
			arnOf("autoscaling", scalingGroup), scalingTag(ownCluster, "owned")},
		{"the network is the CNI's", refused, calls("ec2",
			"DeleteNetworkInterface", "AttachNetworkInterface", "AssignPrivateIpAddresses",
		), arnOf("ec2", "network-interface/eni-1"), nil},
		{"nodes delete nothing", refused, calls("ec2", "DeleteSecurityGroup"), arnOf("ec2", "security-group/sg-1"), nil},
		{"nodes delete nothing", refused, calls("ec2", "DeleteVolume"), arnOf("ec2", "volume/vol-1"), nil},
		{"nodes delete nothing", refused, calls("elasticloadbalancing", "DeleteLoadBalancer"), arnOf("elasticloadbalancing", "loadbalancer/app/a/1"), nil},
		{"AWS's policy names no cluster; it takes a token of a pod of that cluster besides", open, calls("eks-auth", "AssumeRoleForPodIdentity"), clusterARN(otherCluster), nil},
		{"AWS's policy names no repository", open, calls("ecr", "BatchGetImage"), arnOf("ecr", "repository/other/image"), nil},
		{"AWS's policy for SSM names no parameter, which is why access by SSM is a setting", open, calls("ssm", "GetParameter"), arnOf("ssm", "parameter/other"), nil},
	}
}

// networkingRequests are of the CNI's pods, on AWS's own policy.
func networkingRequests() []request {
	face := arnOf("ec2", "network-interface/eni-1")
	return []request{
		{"addresses of pods", allowed, calls("ec2",
			"AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "CreateNetworkInterface", "AttachNetworkInterface", "CreateTags",
		), face, nil},
		{"what it reads", allowed, calls("ec2", "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSubnets"), "*", nil},
		{"tags of anything else", refused, calls("ec2", "CreateTags"), arnOf("ec2", "instance/i-1"), nil},
		{"security groups", refused, calls("ec2", "DeleteSecurityGroup", "AuthorizeSecurityGroupIngress"), arnOf("ec2", "security-group/sg-1"), nil},
		{"scaling", refused, calls("autoscaling", "SetDesiredCapacity"), arnOf("autoscaling", scalingGroup), scalingTag(ownCluster, "owned")},
		{"images are the node's", refused, calls("ecr", "BatchGetImage"), arnOf("ecr", "repository/"+ownCluster+"/gateway"), nil},
		{"AWS's policy names no cluster", open, calls("ec2", "DeleteNetworkInterface", "DetachNetworkInterface"), face, nil},
	}
}

func flowLogRequests() []request {
	group := arnOf("logs", "log-group:"+flowLogRole)
	other := arnOf("logs", "log-group:/aws/eks/"+ownCluster+"/cluster")
	alike := group + "-2"
	elsewhere := fmt.Sprintf("arn:aws:logs:us-east-1:%s:log-group:%s:log-stream:eni-1-all", account, flowLogRole)
	write := calls("logs", "CreateLogStream", "PutLogEvents")
	return []request{
		{"its group", allowed, write, group + ":log-stream:eni-1-all", nil},
		{"its group", allowed, calls("logs", "DescribeLogStreams"), group, nil},
		{"to find its group", allowed, calls("logs", "DescribeLogGroups"), "*", nil},
		{"the control plane's group", refused, write, other + ":log-stream:kube-apiserver-audit-1", nil},
		{"a group whose name begins alike", refused, write, alike + ":log-stream:eni-1-all", nil},
		{"the same group in another region", refused, write, elsewhere, inAnotherRegion},
		{"making, emptying and reading its group", refused, calls("logs", "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "FilterLogEvents"), group, nil},
		{"making, emptying and reading its group", refused, calls("logs", "DeleteLogStream", "GetLogEvents"), group + ":log-stream:eni-1-all", nil},
	}
}
