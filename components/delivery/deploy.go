package delivery

import "slices"

// awsPolicies are the names of the AWS managed policies that a stack attaches to its roles. The deploy role may attach no
// others.
var awsPolicies = []string{
	"AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly",
	"AmazonSSMManagedInstanceCore",
}

// DeployPolicy returns the JSON of the policy that allows changing some stacks: resources with their names or tag, and their state.
// stacks is a stack's name, or a prefix and *. A role that deploys needs the policy of ReadPolicy besides: together they are longer
// than IAM allows one of them to be.
//
// AWS does not support two further limits. The parts of a VPC have no tag when they are made and are joined by their
// identifiers, so the actions that make and change them are limited to the region only. And a role that may write the
// policies of the machines' roles can give those machines any permission. To separate stacks from each other, use several
// accounts; this policy does not do it.
func DeployPolicy(a Account, stacks string, state *State) (string, error) {
	return document("deploy policy", slices.Concat(state.reads(), networkWrites(a, stacks), clusterWrites(a, stacks),
		roleWrites(a, stacks), keyAndLogWrites(a, stacks), state.writes(a.Project, stacks))...)
}

// tagged is the condition that the tags project and stack are those of the stacks. tags is where IAM looks for them:
// aws:ResourceTag for a resource's tags, aws:RequestTag for the tags that a call sets.
func tagged(a Account, tags, stacks string) condition {
	return condition{"StringEquals": {tags + "/project": a.Project}, "StringLike": {tags + "/stack": stacks}}
}

// untagged is the condition that a call sets the tags of the stacks on a resource that has no stack's tag yet.
func untagged(a Account, stacks string) condition {
	c := tagged(a, "aws:RequestTag", stacks)
	c["Null"] = map[string]any{"aws:ResourceTag/stack": "true"}
	return c
}

// name is the name, or the beginning of the name, of the stacks' resources.
func (a Account) name(stacks string) string { return a.Project + "-" + stacks }

func networkWrites(a Account, stacks string) []statement {
	here := condition{"StringEquals": {"aws:RequestedRegion": a.Region}}
	return []statement{
		{Sid: "MakeAndJoinNetworks", Resource: []string{"*"}, Condition: here, Action: actions("ec2",
			"AllocateAddress", "AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress",
			"CreateFlowLogs", "CreateInternetGateway", "CreateLaunchTemplate", "CreateLaunchTemplateVersion", "CreateNatGateway", "CreateRoute",
			"CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc", "CreateVpcEndpoint", "DeleteRoute", "DetachInternetGateway",
			"DisassociateAddress", "DisassociateRouteTable", "ModifyLaunchTemplate", "ModifySubnetAttribute", "ModifyVpcAttribute",
			"ModifyVpcEndpoint", "ReplaceRoute", "ReplaceRouteTableAssociation", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress",
			"RunInstances")}, // EKS requires it to make a node group from a launch template
		// A call that makes a resource also tags it. A resource with the tag of another stack is never retagged.
		{Sid: "TagResourcesWithoutAStack", Resource: []string{a.arn("ec2", "*")}, Condition: untagged(a, stacks),
			Action: actions("ec2", "CreateTags")},
		{Sid: "ChangeNetworksOfTheStacks", Resource: []string{a.arn("ec2", "*")}, Condition: tagged(a, "aws:ResourceTag", stacks),
			Action: actions("ec2",
				"CreateTags", "DeleteTags", "DeleteFlowLogs", "DeleteInternetGateway", "DeleteLaunchTemplate", "DeleteNatGateway",
				"DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet", "DeleteVpc", "DeleteVpcEndpoints", "ReleaseAddress")},
		// An interface that the VPC CNI left behind blocks the deletion of its security group. The AWS provider
		// deletes it first.
		{Sid: "DeleteInterfacesThatPodsLeft", Resource: []string{a.arn("ec2", "*")},
			Condition: condition{"StringLike": {"aws:ResourceTag/cluster.k8s.amazonaws.com/name": a.name(stacks)}},
			Action:    actions("ec2", "DeleteNetworkInterface", "DetachNetworkInterface")},
		{Sid: "DeliverFlowLogs", Resource: []string{"*"}, Condition: here, Action: actions("logs", "CreateLogDelivery", "DeleteLogDelivery")},
	}
}

func clusterWrites(a Account, stacks string) []statement {
	return []statement{
		// A new cluster has only the tags of the request. So has a collector, whose call also names its cluster and workspace.
		{Sid: "MakeClustersOfTheStacks", Resource: []string{"*"}, Condition: tagged(a, "aws:RequestTag", stacks),
			Action: append(actions("eks", "CreateCluster"), "aps:CreateScraper")},
		{Sid: "ChangeClustersOfTheStacks", Resource: clusterParts(a, a.name(stacks)), Action: actions("eks",
			"AssociateAccessPolicy", "AssociateEncryptionConfig", "CreateAccessEntry", "CreateAddon", "CreateNodegroup",
			"CreatePodIdentityAssociation", "DeleteAccessEntry", "DeleteAddon", "DeleteCluster", "DeleteNodegroup", "DeletePodIdentityAssociation",
			"DisassociateAccessPolicy", "TagResource", "UntagResource", "UpdateAccessEntry", "UpdateAddon", "UpdateClusterConfig",
			"UpdateClusterVersion", "UpdateNodegroupConfig", "UpdateNodegroupVersion", "UpdatePodIdentityAssociation")},
		// EKS makes the Auto Scaling groups, and tags them with their cluster.
		{Sid: "ChangeOffHoursOfTheStacks", Resource: []string{a.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")},
			Condition: condition{"StringLike": {"aws:ResourceTag/eks:cluster-name": a.name(stacks)}},
			Action:    actions("autoscaling", "DeleteScheduledAction", "PutScheduledUpdateGroupAction")},
		{Sid: "ChangeRepositoriesOfTheStacks", Resource: []string{a.arn("ecr", "repository/"+a.name(stacks)+"/*")},
			Action: actions("ecr",
				"BatchDeleteImage", "CreateRepository", "DeleteLifecyclePolicy", "DeleteRepository", "ListImages", "PutImageScanningConfiguration",
				"PutImageTagMutability", "PutLifecyclePolicy", "TagResource", "UntagResource")},
	}
}

func roleWrites(a Account, stacks string) []statement {
	roles := []string{a.globalARN("iam", "role/"+a.name(stacks)+"-*")}
	var attachable []string
	for _, name := range awsPolicies {
		attachable = append(attachable, "arn:"+a.Partition+":iam::aws:policy/"+name)
	}
	return []statement{
		{Sid: "ChangeRolesOfTheStacks", Resource: roles,
			Action: actions("iam", "CreateRole", "DeleteRole", "DeleteRolePolicy", "PutRolePolicy", "TagRole", "UntagRole",
				"UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription")},
		{Sid: "AttachAWSManagedPolicies", Resource: roles, Condition: condition{"ArnEquals": {"iam:PolicyARN": attachable}},
			Action: actions("iam", "AttachRolePolicy", "DetachRolePolicy")},
		{Sid: "PassRolesToServices", Resource: roles, Action: actions("iam", "PassRole"),
			Condition: condition{"StringEquals": {"iam:PassedToService": []string{
				"ec2.amazonaws.com", "eks.amazonaws.com", "pods.eks.amazonaws.com", "vpc-flow-logs.amazonaws.com",
			}}}},
		// The service-linked roles of the services that a stack uses. An account has each of them once.
		{Sid: "MakeRolesOfServices", Resource: []string{a.globalARN("iam", "role/aws-service-role/*")}, Action: actions("iam", "CreateServiceLinkedRole"),
			Condition: condition{"StringEquals": {"iam:AWSServiceName": []string{
				"autoscaling.amazonaws.com", "eks.amazonaws.com", "eks-nodegroup.amazonaws.com", "scraper.aps.amazonaws.com", "spot.amazonaws.com",
			}}}},
	}
}

func keyAndLogWrites(a Account, stacks string) []statement {
	return []statement{
		{Sid: "MakeKeysOfTheStacks", Resource: []string{"*"}, Condition: untagged(a, stacks),
			Action: append(actions("kms", "CreateKey", "TagResource"), actions("aps", "CreateRuleGroupsNamespace", "CreateWorkspace", "TagResource")...)},
		// The role that makes a cluster or a repository grants EKS or ECR the use of the key.
		{Sid: "ChangeKeysOfTheStacks", Resource: []string{a.arn("kms", "key/*")}, Condition: tagged(a, "aws:ResourceTag", stacks),
			Action: actions("kms", "CancelKeyDeletion", "CreateGrant", "DisableKeyRotation", "EnableKeyRotation", "PutKeyPolicy", "RetireGrant",
				"ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateKeyDescription")},
		{Sid: "ChangeWorkspacesOfTheStacks", Resource: workspaceParts(a), Condition: tagged(a, "aws:ResourceTag", stacks),
			Action: actions("aps", "CreateAlertManagerDefinition", "DeleteAlertManagerDefinition", "DeleteRuleGroupsNamespace", "DeleteScraper",
				"DeleteWorkspace", "PutAlertManagerDefinition", "PutRuleGroupsNamespace", "TagResource", "UntagResource", "UpdateScraper", "UpdateWorkspaceAlias")},
		{Sid: "ChangeTopicsOfTheStacks", Resource: []string{a.arn("sns", a.name(stacks)+"-*")},
			Action: actions("sns", "CreateTopic", "DeleteTopic", "SetSubscriptionAttributes", "SetTopicAttributes", "Subscribe", "TagResource",
				"Unsubscribe", "UntagResource")},
		{Sid: "ChangeAlarmsOfTheStacks", Resource: []string{a.arn("cloudwatch", "alarm:"+a.name(stacks)+"-*")},
			Action: actions("cloudwatch", "DeleteAlarms", "PutMetricAlarm", "TagResource", "UntagResource")},
		{Sid: "ChangeLogGroupsOfTheStacks", Resource: logGroups(a, a.name(stacks)),
			Action: actions("logs", "CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "PutRetentionPolicy", "TagResource",
				"UntagResource")},
	}
}
