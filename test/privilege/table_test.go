package privilege

import (
	"fmt"
	"maps"
	"slices"
)

// arnOf is an ARN in the account and the stack's region.
func arnOf(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, account, resource)
}

// scalingTag is the tag that EKS puts on the Auto Scaling groups of a cluster.
func scalingTag(cluster, value string) values {
	return values{"aws:ResourceTag/k8s.io/cluster-autoscaler/" + cluster: value}
}

// and joins condition keys.
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

// requestsOf are the requests that a role's policies must allow, and those that they must refuse.
func requestsOf(role string) []request {
	if role == deployRole {
		return deployRequests() // it may do what refusedToAll lists
	}
	own := map[string][]request{
		previewRole:    previewRequests(),
		autoscalerRole: autoscalerRequests(), balancerRole: balancerRequests(), nodeRole: nodeRequests(),
		networkingRole: networkingRequests(), flowLogRole: flowLogRequests(),
	}[role]
	if own == nil {
		return nil
	}
	return slices.Concat(own, refusedToAll())
}

// refusedToAll are requests that every role except the deploy role must be refused: gaining rights, reading secrets, making or
// ending instances, and changing clusters and their images.
func refusedToAll() []request {
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
			all = append(all, request{"outside the work of every role", refused, []string{action}, resource, nil})
		}
	}
	return all
}

// inAnotherRegion is the region of a request to us-east-1.
var inAnotherRegion = values{"aws:RequestedRegion": "us-east-1"}

// scalingGroup is the resource part of the ARN of an Auto Scaling group, with a name as EKS gives it.
const scalingGroup = "autoScalingGroup:1:autoScalingGroupName/eks-general-1"

func autoscalerRequests() []request {
	group := arnOf("autoscaling", scalingGroup)
	elsewhere := fmt.Sprintf("arn:aws:autoscaling:us-east-1:%s:%s", account, scalingGroup)
	scale := calls("autoscaling", "SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup")
	node := calls("eks", "DescribeNodegroup")
	return []request{
		{"the resources it reads", allowed, []string{
			"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeScalingActivities",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
		}, "*", nil},
		{"its cluster's group", allowed, scale, group, scalingTag(ownCluster, "owned")},
		{"another cluster's group", refused, scale, group, scalingTag(otherCluster, "owned")},
		{"a group of a cluster with a longer name", refused, scale, group, scalingTag(ownCluster+"-2", "owned")},
		{"a group that its cluster shares", refused, scale, group, scalingTag(ownCluster, "shared")},
		{"a group of no cluster", refused, scale, group, nil},
		{"a group of a cluster of the same name in another region", refused, scale, elsewhere, scalingTag(ownCluster, "owned").and(inAnotherRegion)},
		{"its cluster's node group", allowed, node, arnOf("eks", "nodegroup/"+ownCluster+"/general/1"), nil},
		{"another cluster's node group", refused, node, arnOf("eks", "nodegroup/"+otherCluster+"/general/1"), nil},
		{"a node group of a cluster with a longer name", refused, node, arnOf("eks", "nodegroup/"+ownCluster+"-2/general/1"), nil},
		{"changing its cluster's group beyond its size", refused, calls("autoscaling",
			"UpdateAutoScalingGroup", "DeleteAutoScalingGroup", "SetInstanceProtection", "AttachInstances",
		), group, scalingTag(ownCluster, "owned")},
		{"tagging another cluster's group as its own", refused, calls("autoscaling", "CreateOrUpdateTags"), group,
			scalingTag(otherCluster, "owned").and(values{"aws:RequestTag/k8s.io/cluster-autoscaler/" + ownCluster: "owned"})},
		{"load balancers", refused, calls("elasticloadbalancing", "DeleteLoadBalancer"), arnOf("elasticloadbalancing", "loadbalancer/app/a/1"), nil},
	}
}

// nodeRequests are the requests of instances. Their policies are AWS's own, which name no cluster.
func nodeRequests() []request {
	return []request{
		{"joining its cluster", allowed, calls("eks", "DescribeCluster"), clusterARN(ownCluster), nil},
		{"the resources it reads", allowed, []string{"ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ecr:GetAuthorizationToken"}, "*", nil},
		{"giving its pods their roles", allowed, calls("eks-auth", "AssumeRoleForPodIdentity"), clusterARN(ownCluster), nil},
		{"pulling images", allowed, calls("ecr", "BatchGetImage", "GetDownloadUrlForLayer"), arnOf("ecr", "repository/"+ownCluster+"/gateway"), nil},
		{"a shell by SSM, which a setting turns on", allowed, calls("ssmmessages", "CreateControlChannel"), "*", nil},
		{"scaling, which is the autoscaler's work", refused, calls("autoscaling", "SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup"),
			arnOf("autoscaling", scalingGroup), scalingTag(ownCluster, "owned")},
		{"pod addresses, which are the CNI's work", refused, calls("ec2",
			"DeleteNetworkInterface", "AttachNetworkInterface", "AssignPrivateIpAddresses",
		), arnOf("ec2", "network-interface/eni-1"), nil},
		{"deleting", refused, calls("ec2", "DeleteSecurityGroup"), arnOf("ec2", "security-group/sg-1"), nil},
		{"deleting", refused, calls("ec2", "DeleteVolume"), arnOf("ec2", "volume/vol-1"), nil},
		{"deleting", refused, calls("elasticloadbalancing", "DeleteLoadBalancer"), arnOf("elasticloadbalancing", "loadbalancer/app/a/1"), nil},
		{"AWS's policy names no cluster, but the call also needs a token of a pod of that cluster", open, calls("eks-auth", "AssumeRoleForPodIdentity"), clusterARN(otherCluster), nil},
		{"AWS's policy names no repository", open, calls("ecr", "BatchGetImage"), arnOf("ecr", "repository/other/image"), nil},
		{"AWS's policy for SSM names no parameter, so access by SSM is a setting", open, calls("ssm", "GetParameter"), arnOf("ssm", "parameter/other"), nil},
	}
}

// networkingRequests are the requests of the CNI's pods. Their policy is AWS's own.
func networkingRequests() []request {
	face := arnOf("ec2", "network-interface/eni-1")
	return []request{
		{"addresses of pods", allowed, calls("ec2",
			"AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "CreateNetworkInterface", "AttachNetworkInterface", "CreateTags",
		), face, nil},
		{"the resources it reads", allowed, calls("ec2", "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSubnets"), "*", nil},
		{"tags of anything else", refused, calls("ec2", "CreateTags"), arnOf("ec2", "instance/i-1"), nil},
		{"security groups", refused, calls("ec2", "DeleteSecurityGroup", "AuthorizeSecurityGroupIngress"), arnOf("ec2", "security-group/sg-1"), nil},
		{"scaling", refused, calls("autoscaling", "SetDesiredCapacity"), arnOf("autoscaling", scalingGroup), scalingTag(ownCluster, "owned")},
		{"pulling images, which is the node's work", refused, calls("ecr", "BatchGetImage"), arnOf("ecr", "repository/"+ownCluster+"/gateway"), nil},
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
		{"finding its group", allowed, calls("logs", "DescribeLogGroups"), "*", nil},
		{"the control plane's group", refused, write, other + ":log-stream:kube-apiserver-audit-1", nil},
		{"a group with a longer name", refused, write, alike + ":log-stream:eni-1-all", nil},
		{"the same group in another region", refused, write, elsewhere, inAnotherRegion},
		{"making, emptying and reading its group", refused, calls("logs", "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "FilterLogEvents"), group, nil},
		{"making, emptying and reading its group", refused, calls("logs", "DeleteLogStream", "GetLogEvents"), group + ":log-stream:eni-1-all", nil},
	}
}
