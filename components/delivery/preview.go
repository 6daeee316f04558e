package delivery

import "slices"

// PreviewPolicy returns the JSON of the policy of previews and refreshes: read the resources of the project's stacks, and
// the state. It allows no change, not even a lock: in a bucket, Pulumi takes no lock for a preview.
func PreviewPolicy(a Account, state *State) (string, error) {
	return document("preview policy", append(stackReads(a), state.reads()...)...)
}

// ReadPolicy returns the JSON of the policy that allows reading the resources of the project's stacks.
func ReadPolicy(a Account) (string, error) { return document("read policy", stackReads(a)...) }

// stackReads allow the calls with which Pulumi's AWS provider and the program compare a stack with its state. Where AWS
// supports it, they are limited to resources with the project's name. They do not allow reading instances' user data or
// the account's own SSM parameters.
func stackReads(a Account) []statement {
	anyStack := a.name("*")
	return []statement{
		{Sid: "ReadWithoutResourceLevelPermissions", Resource: []string{"*"}, Action: slices.Concat(
			actions("ec2",
				"DescribeAccountAttributes", "DescribeAddresses", "DescribeAddressesAttribute", "DescribeAvailabilityZones", "DescribeFlowLogs",
				"DescribeInternetGateways", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "DescribeNatGateways",
				"DescribeNetworkAcls", "DescribeNetworkInterfaces", "DescribePrefixLists", "DescribeRouteTables", "DescribeSecurityGroups",
				"DescribeSecurityGroupRules", "DescribeSubnets", "DescribeTags", "DescribeVpcAttribute", "DescribeVpcEndpoints", "DescribeVpcs"),
			actions("eks", "DescribeAddonConfiguration", "DescribeAddonVersions", "DescribeClusterVersions"),
			actions("logs", "DescribeLogGroups"), actions("autoscaling", "DescribeAutoScalingGroups", "DescribeScheduledActions"), actions("ecr", "GetAuthorizationToken"),
			actions("cloudwatch", "DescribeAlarms"), actions("elasticloadbalancing", "DescribeLoadBalancerAttributes", "DescribeLoadBalancers", "DescribeTags"))},
		{Sid: "ReadClusters", Resource: clusterParts(a, anyStack),
			Action: actions("eks", "DescribeAccessEntry", "DescribeAddon", "DescribeCluster", "DescribeNodegroup",
				"DescribePodIdentityAssociation", "DescribeUpdate", "ListAssociatedAccessPolicies", "ListNodegroups", "ListPodIdentityAssociations", "ListTagsForResource")},
		{Sid: "ReadRoles", Resource: []string{a.globalARN("iam", "role/"+anyStack)},
			Action: actions("iam", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListInstanceProfilesForRole",
				"ListRolePolicies", "ListRoleTags")},
		{Sid: "ReadTheRoleOfSpot", Resource: []string{a.globalARN("iam", "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot")},
			Action: actions("iam", "GetRole")},
		// A key has no name, so the limit is the tag on every stack's resources.
		{Sid: "ReadKeys", Resource: []string{a.arn("kms", "key/*")},
			Condition: condition{"StringEquals": {"aws:ResourceTag/project": a.Project}},
			Action:    actions("kms", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags")},
		{Sid: "ReadRepositories", Resource: []string{a.arn("ecr", "repository/"+anyStack)},
			Action: actions("ecr", "DescribeImages", "DescribeRepositories", "GetLifecyclePolicy", "GetRepositoryPolicy", "ListTagsForResource")},
		{Sid: "ReadWorkspaces", Resource: workspaceParts(a), Condition: condition{"StringEquals": {"aws:ResourceTag/project": a.Project}},
			Action: actions("aps", "DescribeAlertManagerDefinition", "DescribeLoggingConfiguration", "DescribeRuleGroupsNamespace", "DescribeScraper",
				"DescribeWorkspace")},
		// AWS does not promise that this action knows the resource's tags.
		{Sid: "ReadTagsOfWorkspaces", Resource: workspaceParts(a), Action: actions("aps", "ListTagsForResource")},
		{Sid: "ReadTopics", Resource: []string{a.arn("sns", anyStack)},
			Action: actions("sns", "GetSubscriptionAttributes", "GetTopicAttributes", "ListTagsForResource")},
		{Sid: "ReadAlarms", Resource: []string{a.arn("cloudwatch", "alarm:"+anyStack)}, Action: actions("cloudwatch", "ListTagsForResource")},
		{Sid: "ReadLogGroups", Action: actions("logs", "ListTagsForResource"), Resource: logGroups(a, anyStack)},
		{Sid: "ReadIDsOfAWSImages", Resource: []string{"arn:" + a.Partition + ":ssm:" + a.Region + "::parameter/aws/service/*"},
			Action: actions("ssm", "GetParameter")},
	}
}

// clusterParts are the ARNs of the clusters of a name or a pattern, and of their node groups, add-ons, access entries and
// pod identity associations.
func clusterParts(a Account, cluster string) []string {
	return []string{
		a.arn("eks", "cluster/"+cluster), a.arn("eks", "nodegroup/"+cluster+"/*"), a.arn("eks", "addon/"+cluster+"/*"),
		a.arn("eks", "access-entry/"+cluster+"/*"), a.arn("eks", "podidentityassociation/"+cluster+"/*"),
	}
}

// workspaceParts are the ARNs of workspaces of Prometheus, of their rules and of collectors. AWS chooses their names.
func workspaceParts(a Account) []string {
	return []string{a.arn("aps", "workspace/*"), a.arn("aps", "rulegroupsnamespace/*"), a.arn("aps", "scraper/*")}
}

// logGroups are the ARNs of the log groups of the clusters of a name or a pattern: the control plane's, whose name EKS
// sets, and the flow logs'. AWS checks some calls against the group's ARN, and others against the ARN with :<stream>.
func logGroups(a Account, cluster string) (arns []string) {
	for _, name := range []string{"/aws/eks/" + cluster + "/cluster", cluster + "-flow-logs*"} {
		arns = append(arns, a.arn("logs", "log-group:"+name), a.arn("logs", "log-group:"+name+":*"))
	}
	return arns
}

// reads allow reading all states in the bucket, and the secrets in them.
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
