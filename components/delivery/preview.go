package delivery

// PreviewPolicy is the JSON of what previews and refreshes may do: read what a stack of the project is made of, and the
// state. It changes nothing, not even a lock: Pulumi takes none for them in a bucket.
func PreviewPolicy(a Account, state *State) (string, error) {
	return document("preview policy", append(reads(a), state.reads()...)...)
}

// reads are what Pulumi's AWS provider and the program ask to compare a stack with its state. Where AWS allows, they are
// limited to what bears the project's name. Instances' user data and parameters of the account's own are not among them.
func reads(a Account) []statement {
	named := a.Project + "-*"
	return []statement{
		{
			Sid: "ReadWhatHasNoResourcesToBeLimitedTo",
			Action: append(append(append(append(
				actions("ec2",
					"DescribeAccountAttributes", "DescribeAddresses", "DescribeAddressesAttribute", "DescribeAvailabilityZones", "DescribeFlowLogs",
					"DescribeInternetGateways", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "DescribeNatGateways",
					"DescribeNetworkAcls", "DescribeNetworkInterfaces", "DescribePrefixLists", "DescribeRouteTables", "DescribeSecurityGroups",
					"DescribeSecurityGroupRules", "DescribeSubnets", "DescribeTags", "DescribeVpcAttribute", "DescribeVpcEndpoints", "DescribeVpcs"),
				actions("eks", "DescribeAddonConfiguration", "DescribeAddonVersions", "DescribeClusterVersions")...),
				actions("logs", "DescribeLogGroups")...),
				actions("autoscaling", "DescribeAutoScalingGroups")...),
				actions("ecr", "GetAuthorizationToken")...),
			Resource: []string{"*"},
		},
		{
			Sid: "ReadClusters",
			Action: actions("eks", "DescribeAccessEntry", "DescribeAddon", "DescribeCluster", "DescribeNodegroup",
				"DescribePodIdentityAssociation", "DescribeUpdate", "ListAssociatedAccessPolicies", "ListPodIdentityAssociations", "ListTagsForResource"),
			Resource: clusterParts(a, a.Project+"-*"),
		},
		{
			Sid: "ReadRoles",
			Action: actions("iam", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListInstanceProfilesForRole",
				"ListRolePolicies", "ListRoleTags"),
			Resource: []string{a.everywhere("iam", "role/"+named)},
		},
		{
			// A key has no name; what it may be read by is the tag that every stack's resources bear.
			Sid:       "ReadKeys",
			Action:    actions("kms", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"),
			Resource:  []string{a.arn("kms", "key/*")},
			Condition: condition{"StringEquals": {"aws:ResourceTag/project": a.Project}},
		},
		{
			Sid: "ReadRepositories",
			Action: actions("ecr", "DescribeImages", "DescribeRepositories", "GetLifecyclePolicy", "GetRepositoryPolicy",
				"ListTagsForResource"),
			Resource: []string{a.arn("ecr", "repository/"+named)},
		},
		{
			Sid:      "ReadLogGroups",
			Action:   actions("logs", "ListTagsForResource"),
			Resource: logGroups(a, named),
		},
		{
			Sid:      "ReadNamesOfAWSsOwnImages",
			Action:   actions("ssm", "GetParameter"),
			Resource: []string{"arn:" + a.Partition + ":ssm:" + a.Region + "::parameter/aws/service/*"},
		},
	}
}

// clusterParts are the ARNs of clusters by name and of what belongs to them.
func clusterParts(a Account, cluster string) []string {
	return []string{
		a.arn("eks", "cluster/"+cluster), a.arn("eks", "nodegroup/"+cluster+"/*"), a.arn("eks", "addon/"+cluster+"/*"),
		a.arn("eks", "access-entry/"+cluster+"/*"), a.arn("eks", "podidentityassociation/"+cluster+"/*"),
	}
}

// logGroups are the ARNs of the log groups of clusters by name: the control plane's, whose name EKS takes, and the flow
// logs'. AWS asks about some calls with the group's ARN, and about others with a colon and more behind it.
func logGroups(a Account, cluster string) (arns []string) {
	for _, name := range []string{"/aws/eks/" + cluster + "/cluster", cluster + "-flow-logs*"} {
		arns = append(arns, a.arn("logs", "log-group:"+name), a.arn("logs", "log-group:"+name+":*"))
	}
	return arns
}

// reads are what it takes to read all states in the bucket, and the secrets in them.
func (s *State) reads() []statement {
	if s == nil {
		return nil
	}
	return []statement{
		{Sid: "ListStates", Action: actions("s3", "ListBucket"), Resource: []string{s.bucket()}},
		{Sid: "ReadStates", Action: actions("s3", "GetObject"), Resource: []string{s.bucket() + "/.pulumi/*"}},
		{Sid: "ReadSecretsInStates", Action: actions("kms", "Decrypt"), Resource: []string{s.KeyARN}},
	}
}
