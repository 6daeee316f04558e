package delivery

// awsPolicies are the policies of AWS's own that roles of a stack have, by name. Nothing else may be attached to them.
var awsPolicies = []string{
	"AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly",
	"AmazonSSMManagedInstanceCore",
}

// DeployPolicy is the JSON of what deploying some stacks takes: the reads of a preview, and changes to what bears the
// stacks' names or tag. stacks is a stack's name, or a prefix and *.
//
// Two things AWS does not let it limit further. A VPC's parts are made before they have a tag and are joined by their
// identifiers, so what makes and changes them is limited to the region. And whoever may write the policies of roles that
// machines use can give those machines any right: the account is the wall between stacks, not this policy.
func DeployPolicy(a Account, stacks string, state *State) (string, error) {
	all := append(reads(a), state.reads()...)
	all = append(all, networkWrites(a, stacks)...)
	all = append(all, clusterWrites(a, stacks)...)
	all = append(all, roleWrites(a, stacks)...)
	all = append(all, keyAndLogWrites(a, stacks)...)
	return document("deploy policy", append(all, state.writes(a.Project, stacks)...)...)
}

// tagged is the condition that a resource is one of the stacks.
func tagged(a Account, where, stacks string) condition {
	return condition{
		"StringEquals": {where + "/project": a.Project},
		"StringLike":   {where + "/stack": stacks},
	}
}

// untagged is the condition that a resource gets the tags of the stacks and has none of a stack's yet.
func untagged(a Account, stacks string) condition {
	c := tagged(a, "aws:RequestTag", stacks)
	c["Null"] = map[string]any{"aws:ResourceTag/stack": "true"}
	return c
}

// name is what the names of the stacks' resources are, or begin with.
func (a Account) name(stacks string) string { return a.Project + "-" + stacks }

func networkWrites(a Account, stacks string) []statement {
	here := condition{"StringEquals": {"aws:RequestedRegion": a.Region}}
	return []statement{
		{
			Sid: "MakeAndJoinNetworks",
			Action: actions("ec2",
				"AllocateAddress", "AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress",
				"CreateFlowLogs", "CreateInternetGateway", "CreateLaunchTemplate", "CreateLaunchTemplateVersion", "CreateNatGateway", "CreateRoute",
				"CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateVpc", "CreateVpcEndpoint", "DeleteRoute", "DetachInternetGateway",
				"DisassociateAddress", "DisassociateRouteTable", "ModifyLaunchTemplate", "ModifySubnetAttribute",
				"ModifyVpcAttribute", "ModifyVpcEndpoint", "ReplaceRoute", "ReplaceRouteTableAssociation", "RevokeSecurityGroupEgress",
				"RevokeSecurityGroupIngress",
				"RunInstances"), // EKS asks whether who makes a node group from a launch template could start it
			Resource:  []string{"*"},
			Condition: here,
		},
		{
			// As it is made, a resource gets the stack's tag; one that has the tag of another stack never does.
			Sid:       "TagWhatIsNoOthers",
			Action:    actions("ec2", "CreateTags"),
			Resource:  []string{a.arn("ec2", "*")},
			Condition: untagged(a, stacks),
		},
		{
			Sid: "ChangeNetworksOfTheStacks",
			Action: actions("ec2",
				"CreateTags", "DeleteTags",
				"DeleteFlowLogs", "DeleteInternetGateway", "DeleteLaunchTemplate", "DeleteNatGateway", "DeleteRouteTable", "DeleteSecurityGroup",
				"DeleteSubnet", "DeleteVpc", "DeleteVpcEndpoints", "ReleaseAddress"),
			Resource:  []string{a.arn("ec2", "*")},
			Condition: tagged(a, "aws:ResourceTag", stacks),
		},
		{
			// What the CNI left behind holds a security group; the provider takes it away.
			Sid:       "DeleteInterfacesThatPodsLeft",
			Action:    actions("ec2", "DeleteNetworkInterface", "DetachNetworkInterface"),
			Resource:  []string{a.arn("ec2", "*")},
			Condition: condition{"StringLike": {"aws:ResourceTag/cluster.k8s.amazonaws.com/name": a.name(stacks)}},
		},
		{
			Sid:       "DeliverFlowLogs",
			Action:    actions("logs", "CreateLogDelivery", "DeleteLogDelivery"),
			Resource:  []string{"*"},
			Condition: here,
		},
	}
}

func clusterWrites(a Account, stacks string) []statement {
	return []statement{
		{
			// A cluster that is not there yet is known by the tags that it will have.
			Sid:       "MakeClustersOfTheStacks",
			Action:    actions("eks", "CreateCluster"),
			Resource:  []string{"*"},
			Condition: tagged(a, "aws:RequestTag", stacks),
		},
		{
			Sid: "ChangeClustersOfTheStacks",
			Action: actions("eks",
				"AssociateAccessPolicy", "AssociateEncryptionConfig", "CreateAccessEntry", "CreateAddon", "CreateNodegroup",
				"CreatePodIdentityAssociation", "DeleteAccessEntry", "DeleteAddon", "DeleteCluster", "DeleteNodegroup", "DeletePodIdentityAssociation",
				"DisassociateAccessPolicy", "TagResource", "UntagResource", "UpdateAccessEntry", "UpdateAddon", "UpdateClusterConfig",
				"UpdateClusterVersion", "UpdateNodegroupConfig", "UpdateNodegroupVersion", "UpdatePodIdentityAssociation"),
			Resource: clusterParts(a, a.name(stacks)),
		},
		{
			Sid: "ChangeRepositoriesOfTheStacks",
			Action: actions("ecr",
				"BatchDeleteImage", "CreateRepository", "DeleteLifecyclePolicy", "DeleteRepository", "ListImages", "PutImageScanningConfiguration",
				"PutImageTagMutability", "PutLifecyclePolicy", "TagResource", "UntagResource"),
			Resource: []string{a.arn("ecr", "repository/"+a.name(stacks)+"/*")},
		},
	}
}

func roleWrites(a Account, stacks string) []statement {
	roles := []string{a.everywhere("iam", "role/"+a.name(stacks)+"-*")}
	var attachable []string
	for _, name := range awsPolicies {
		attachable = append(attachable, "arn:"+a.Partition+":iam::aws:policy/"+name)
	}
	return []statement{
		{
			Sid: "ChangeRolesOfTheStacks",
			Action: actions("iam", "CreateRole", "DeleteRole", "DeleteRolePolicy", "PutRolePolicy", "TagRole", "UntagRole",
				"UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
			Resource: roles,
		},
		{
			Sid:       "AttachWhatTheStacksAttach",
			Action:    actions("iam", "AttachRolePolicy", "DetachRolePolicy"),
			Resource:  roles,
			Condition: condition{"ArnEquals": {"iam:PolicyARN": attachable}},
		},
		{
			Sid:      "HandRolesToWhatUsesThem",
			Action:   actions("iam", "PassRole"),
			Resource: roles,
			Condition: condition{"StringEquals": {"iam:PassedToService": []string{
				"ec2.amazonaws.com", "eks.amazonaws.com", "pods.eks.amazonaws.com", "vpc-flow-logs.amazonaws.com",
			}}},
		},
		{
			// Once in an account: AWS's own roles of the services that a stack uses.
			Sid:      "MakeRolesOfServices",
			Action:   actions("iam", "CreateServiceLinkedRole"),
			Resource: []string{a.everywhere("iam", "role/aws-service-role/*")},
			Condition: condition{"StringEquals": {"iam:AWSServiceName": []string{
				"autoscaling.amazonaws.com", "eks.amazonaws.com", "eks-nodegroup.amazonaws.com", "spot.amazonaws.com",
			}}},
		},
	}
}

func keyAndLogWrites(a Account, stacks string) []statement {
	return []statement{
		{
			Sid:       "MakeKeysOfTheStacks",
			Action:    actions("kms", "CreateKey", "TagResource"),
			Resource:  []string{"*"},
			Condition: untagged(a, stacks),
		},
		{
			// EKS and ECR get their use of a key by a grant of whoever makes the cluster or the repository.
			Sid: "ChangeKeysOfTheStacks",
			Action: actions("kms", "CancelKeyDeletion", "CreateGrant", "DisableKeyRotation", "EnableKeyRotation", "PutKeyPolicy", "RetireGrant",
				"ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateKeyDescription"),
			Resource:  []string{a.arn("kms", "key/*")},
			Condition: tagged(a, "aws:ResourceTag", stacks),
		},
		{
			Sid: "ChangeLogGroupsOfTheStacks",
			Action: actions("logs", "CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "PutRetentionPolicy", "TagResource",
				"UntagResource"),
			Resource: logGroups(a, a.name(stacks)),
		},
	}
}
