package privilege

import "tfserving/components/delivery"

// The backend of the stacks' states, and GitHub.
const (
	stateBucket = "example-state"
	stateKey    = "arn:aws:kms:" + region + ":" + account + ":key/state"
	// githubProvider is the identity provider of GitHub's workflows.
	githubProvider = "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com"
	workflows      = "example/tfserving" // the repository
	// The simulator does not know the condition keys of identity providers. It gets the keys of the caller's tags instead, which
	// IAM compares in the same way. The test of components/delivery checks the real names.
	githubKeys, simulatedKeys = "token.actions.githubusercontent.com:", "aws:PrincipalTag/"
)

func deliveryArgs() *delivery.Args {
	return &delivery.Args{
		Project: "tfserving", Region: region, Repository: workflows, Branch: "main", ProviderARN: githubProvider,
		Environments: []delivery.Environment{{Name: "dev", Stacks: "dev"}},
		State:        &delivery.State{Bucket: stateBucket, KeyARN: stateKey},
	}
}

// workflowAssumptions are attempts to assume a role with a token of GitHub. own and also are the subjects that may assume it,
// others is the subject of the other role.
func workflowAssumptions(own, others, also string) []assumption {
	token := func(subject string) values {
		return values{simulatedKeys + "aud": "sts.amazonaws.com", simulatedKeys + "sub": subject}
	}
	of := func(purpose string) string { return "repo:" + workflows + ":" + purpose }
	elsewhere := token(of(own))
	elsewhere[simulatedKeys+"aud"] = "another service"
	return []assumption{
		{"its purpose", allowed, githubProvider, token(of(own))},
		{"its purpose", allowed, githubProvider, token(of(also))},
		{"the other role's purpose", refused, githubProvider, token(of(others))},
		{"another environment", refused, githubProvider, token(of("environment:prod"))},
		{"an environment with a longer name", refused, githubProvider, token(of("environment:dev-2"))},
		{"another branch", refused, githubProvider, token(of("ref:refs/heads/other"))},
		{"a branch with a longer name", refused, githubProvider, token(of("ref:refs/heads/main-2"))},
		{"a tag", refused, githubProvider, token(of("ref:refs/tags/main"))},
		{"another repository", refused, githubProvider, token("repo:example/other:" + own)},
		{"a repository with a longer name", refused, githubProvider, token("repo:" + workflows + "-2:" + own)},
		{"a repository of the same name of another owner", refused, githubProvider, token("repo:stranger/tfserving:" + own)},
		{"a token for another service", refused, githubProvider, elsewhere},
		{"a token without claims", refused, githubProvider, nil},
		{"another role of the account", refused, roleARN("administrator"), nil},
		{"an instance", refused, nodeService, nil},
	}
}

// ofStack are the tags of a stack's resources.
func ofStack(stack string) values {
	return values{"aws:ResourceTag/project": "tfserving", "aws:ResourceTag/stack": stack}
}

// asStack are the tags in a request that makes a resource of a stack.
func asStack(stack string) values {
	return values{"aws:RequestTag/project": "tfserving", "aws:RequestTag/stack": stack}
}

func stateFile(name string) string { return "arn:aws:s3:::" + stateBucket + "/.pulumi/" + name }

// readRequests are the reads that both roles need. AWS's public SSM parameters are missing: the simulator accepts only parameters
// of an account.
func readRequests() []request {
	own, other := ownCluster, "accounting"
	return []request{
		{"resources without names", allowed, calls("ec2", "DescribeVpcs", "DescribeSubnets", "DescribeNatGateways", "DescribeSecurityGroups", "DescribeLaunchTemplateVersions"), "*", nil},
		{"a stack's cluster", allowed, calls("eks", "DescribeCluster"), clusterARN(own), nil},
		{"a stack's nodes", allowed, calls("eks", "DescribeNodegroup"), arnOf("eks", "nodegroup/"+own+"/general/1"), nil},
		{"a stack's roles", allowed, calls("iam", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies"), roleARN(own + "-node"), nil},
		{"a stack's node groups", allowed, calls("eks", "ListNodegroups"), clusterARN(own), nil},
		{"the role of spot instances", allowed, calls("iam", "GetRole"), roleARN("aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"), nil},
		{"the role of another service", refused, calls("iam", "GetRole"), roleARN("aws-service-role/support.amazonaws.com/AWSServiceRoleForSupport"), nil},
		{"a stack's keys", allowed, calls("kms", "DescribeKey", "GetKeyPolicy"), arnOf("kms", "key/1"), values{"aws:ResourceTag/project": "tfserving"}},
		{"a stack's images", allowed, calls("ecr", "DescribeImages", "DescribeRepositories"), arnOf("ecr", "repository/"+own+"/gateway"), nil},
		{"a stack's workspace, rules and collector", allowed, calls("aps", "DescribeWorkspace"), arnOf("aps", "workspace/ws-1"), values{"aws:ResourceTag/project": "tfserving"}},
		{"the tags of workspaces", allowed, calls("aps", "ListTagsForResource"), arnOf("aps", "workspace/ws-1"), nil},
		{"another project's workspace", refused, calls("aps", "DescribeWorkspace", "DescribeAlertManagerDefinition"), arnOf("aps", "workspace/ws-2"), nil},
		{"metrics", refused, calls("aps", "QueryMetrics"), arnOf("aps", "workspace/ws-1"), values{"aws:ResourceTag/project": "tfserving"}},
		{"a stack's topic", allowed, calls("sns", "GetTopicAttributes"), arnOf("sns", own+"-1234567"), nil},
		{"another project's topic", refused, calls("sns", "GetTopicAttributes"), arnOf("sns", other), nil},
		{"states", allowed, calls("s3", "GetObject"), stateFile("stacks/tfserving/dev.json"), nil},
		{"states", allowed, calls("s3", "ListBucket"), "arn:aws:s3:::" + stateBucket, nil},
		{"secrets in states", allowed, calls("kms", "Decrypt"), stateKey, nil},
		{"another project's cluster", refused, calls("eks", "DescribeCluster"), clusterARN(other), nil},
		{"another project's roles", refused, calls("iam", "GetRole", "GetRolePolicy"), roleARN(other), nil},
		{"another project's keys", refused, calls("kms", "GetKeyPolicy"), arnOf("kms", "key/2"), nil},
		{"parameters of the account", refused, calls("ssm", "GetParameter"), arnOf("ssm", "parameter/password"), nil},
		{"user data of instances", refused, calls("ec2", "DescribeInstanceAttribute"), arnOf("ec2", "instance/i-1"), nil},
		{"other files of the bucket", refused, calls("s3", "GetObject"), "arn:aws:s3:::" + stateBucket + "/other", nil},
		{"changing the deploy role", refused, calls("iam", "UpdateAssumeRolePolicy", "PutRolePolicy"), roleARN(deployRole), nil},
	}
}

// previewRequests are the requests of code in a pull request, before a review.
func previewRequests() []request {
	return append(readRequests(), []request{
		{"the state", refused, calls("s3", "PutObject", "DeleteObject"), stateFile("stacks/tfserving/dev.json"), nil},
		{"a lock", refused, calls("s3", "PutObject"), stateFile("locks/organization/tfserving/dev/1.json"), nil},
		{"new secrets", refused, calls("kms", "Encrypt"), stateKey, nil},
		{"tags", refused, calls("ec2", "CreateTags"), arnOf("ec2", "vpc/vpc-1"), asStack("dev")},
		{"networks", refused, calls("ec2", "DeleteVpc"), arnOf("ec2", "vpc/vpc-1"), ofStack("dev")},
		{"images", refused, calls("ecr", "PutImage"), arnOf("ecr", "repository/"+ownCluster+"/gateway"), nil},
		{"who gets the alerts", refused, calls("sns", "Subscribe", "SetTopicAttributes"), arnOf("sns", ownCluster+"-1234567"), nil},
		{"alarms", refused, calls("cloudwatch", "DeleteAlarms", "PutMetricAlarm"), arnOf("cloudwatch", "alarm:"+ownCluster+"-requests-fail"), nil},
		{"the key of the cluster's secrets", refused, calls("kms", "Decrypt"), arnOf("kms", "key/1"), ofStack("dev")},
	}...)
}

// deployRequests are the requests of reviewed code that deploys its stack.
func deployRequests() []request {
	own, other := ownCluster, otherCluster
	vpc := arnOf("ec2", "vpc/vpc-1")
	role := roleARN(own + "-node-1234567")
	key := arnOf("kms", "key/1")
	pass := func(service string) values { return values{"iam:PassedToService": service} }
	offHours := calls("autoscaling", "PutScheduledUpdateGroupAction", "DeleteScheduledAction")
	groupOf := func(cluster string) values { return values{"aws:ResourceTag/eks:cluster-name": cluster} }
	attach := func(policy string) values { return values{"iam:PolicyARN": "arn:aws:iam::aws:policy/" + policy} }
	return append(readRequests(), []request{
		{"its cluster", allowed, calls("eks", "UpdateClusterVersion", "DeleteCluster"), clusterARN(own), nil},
		{"its cluster", allowed, calls("eks", "CreateCluster"), "*", asStack("dev")},
		{"another stack's cluster", refused, calls("eks", "CreateCluster"), "*", asStack("prod")},
		{"its nodes", allowed, calls("eks", "UpdateNodegroupVersion", "DeleteNodegroup"), arnOf("eks", "nodegroup/"+own+"/general/1"), nil},
		{"another stack's cluster", refused, calls("eks", "UpdateClusterVersion", "DeleteCluster", "CreateAccessEntry"), clusterARN(other), nil},
		{"a cluster with a longer name", refused, calls("eks", "DeleteCluster"), clusterARN(own + "-2"), nil},
		{"the off hours of its nodes", allowed, offHours, arnOf("autoscaling", scalingGroup), groupOf(own)},
		{"the off hours of another stack's nodes", refused, offHours, arnOf("autoscaling", scalingGroup), groupOf(other)},
		{"the off hours of a group of no cluster", refused, offHours, arnOf("autoscaling", scalingGroup), nil},
		{"the size of its nodes' groups", refused, calls("autoscaling", "UpdateAutoScalingGroup"), arnOf("autoscaling", scalingGroup), groupOf(own)},
		{"its network", allowed, calls("ec2", "CreateVpc"), vpc, nil},
		{"its network", allowed, calls("ec2", "DeleteVpc"), vpc, ofStack("dev")},
		{"another stack's network", refused, calls("ec2", "DeleteVpc"), vpc, ofStack("prod")},
		{"a network without tags", refused, calls("ec2", "DeleteVpc"), vpc, nil},
		{"its network's tags", allowed, calls("ec2", "CreateTags"), vpc, asStack("dev")},
		{"its network's tags", allowed, calls("ec2", "CreateTags"), vpc, asStack("dev").and(ofStack("dev"))},
		{"tagging another stack's network as its own", refused, calls("ec2", "CreateTags"), vpc, asStack("dev").and(ofStack("prod"))},
		{"tagging a network as another stack's", refused, calls("ec2", "CreateTags"), vpc, asStack("prod")},
		{"network interfaces of its cluster's pods", allowed, calls("ec2", "DeleteNetworkInterface"), arnOf("ec2", "network-interface/eni-1"), values{"aws:ResourceTag/cluster.k8s.amazonaws.com/name": own}},
		{"network interfaces of another cluster's pods", refused, calls("ec2", "DeleteNetworkInterface"), arnOf("ec2", "network-interface/eni-1"), values{"aws:ResourceTag/cluster.k8s.amazonaws.com/name": other}},
		{"networks of another region", refused, calls("ec2", "CreateVpc"), "arn:aws:ec2:us-east-1:" + account + ":vpc/vpc-1", inAnotherRegion},
		{"its roles", allowed, calls("iam", "CreateRole", "PutRolePolicy", "DeleteRole"), role, nil},
		{"other roles", refused, calls("iam", "CreateRole", "PutRolePolicy", "DeleteRole", "UpdateAssumeRolePolicy"), roleARN(other + "-node"), nil},
		{"other roles", refused, calls("iam", "PutRolePolicy", "UpdateAssumeRolePolicy"), roleARN("administrator"), nil},
		{"the policies that its nodes need", allowed, calls("iam", "AttachRolePolicy"), role, attach("AmazonEKSWorkerNodePolicy")},
		{"administrator rights for its nodes", refused, calls("iam", "AttachRolePolicy"), role, attach("AdministratorAccess")},
		{"passing its nodes' role to EC2", allowed, calls("iam", "PassRole"), role, pass("ec2.amazonaws.com")},
		{"passing its nodes' role to Lambda", refused, calls("iam", "PassRole"), role, pass("lambda.amazonaws.com")},
		{"passing another role to EC2", refused, calls("iam", "PassRole"), roleARN("administrator"), pass("ec2.amazonaws.com")},
		{"users and their keys", refused, calls("iam", "CreateUser", "CreateAccessKey"), "arn:aws:iam::" + account + ":user/someone", nil},
		{"assuming another role", refused, calls("sts", "AssumeRole"), roleARN("administrator"), nil},
		{"a key", allowed, calls("kms", "CreateKey"), "*", asStack("dev")},
		{"its key", allowed, calls("kms", "ScheduleKeyDeletion", "CreateGrant"), key, ofStack("dev")},
		{"another stack's key", refused, calls("kms", "ScheduleKeyDeletion", "PutKeyPolicy", "CreateGrant"), key, ofStack("prod")},
		{"tagging another stack's key as its own", refused, calls("kms", "TagResource"), key, asStack("dev").and(ofStack("prod"))},
		{"the state's key", refused, calls("kms", "ScheduleKeyDeletion", "PutKeyPolicy"), stateKey, nil},
		{"its workspace", allowed, calls("aps", "CreateWorkspace"), "*", asStack("dev")},
		{"another stack's workspace", refused, calls("aps", "CreateWorkspace"), "*", asStack("prod")},
		{"its workspace", allowed, calls("aps", "DeleteWorkspace", "CreateAlertManagerDefinition"), arnOf("aps", "workspace/ws-1"), ofStack("dev")},
		{"another stack's workspace", refused, calls("aps", "DeleteWorkspace", "PutAlertManagerDefinition"), arnOf("aps", "workspace/ws-1"), ofStack("prod")},
		{"its rules", allowed, calls("aps", "CreateRuleGroupsNamespace"), arnOf("aps", "rulegroupsnamespace/ws-1/rules"), asStack("dev")},
		{"another stack's rules", refused, calls("aps", "PutRuleGroupsNamespace", "DeleteRuleGroupsNamespace"), arnOf("aps", "rulegroupsnamespace/ws-1/rules"), ofStack("prod")},
		{"its collector", allowed, calls("aps", "DeleteScraper", "UpdateScraper"), arnOf("aps", "scraper/s-1"), ofStack("dev")},
		{"another stack's collector", refused, calls("aps", "DeleteScraper", "UpdateScraper"), arnOf("aps", "scraper/s-1"), ofStack("prod")},
		{"tagging another stack's workspace as its own", refused, calls("aps", "TagResource"), arnOf("aps", "workspace/ws-1"), asStack("dev").and(ofStack("prod"))},
		{"its topic", allowed, calls("sns", "CreateTopic", "DeleteTopic", "Subscribe", "SetTopicAttributes"), arnOf("sns", own+"-1234567"), nil},
		{"another stack's topic", refused, calls("sns", "DeleteTopic", "Subscribe", "SetTopicAttributes"), arnOf("sns", other+"-1234567"), nil},
		{"messages", refused, calls("sns", "Publish"), arnOf("sns", own+"-1234567"), nil},
		{"its alarms", allowed, calls("cloudwatch", "PutMetricAlarm", "DeleteAlarms"), arnOf("cloudwatch", "alarm:"+own+"-requests-fail"), nil},
		{"another stack's alarms", refused, calls("cloudwatch", "PutMetricAlarm", "DeleteAlarms"), arnOf("cloudwatch", "alarm:"+other+"-requests-fail"), nil},
		{"its repositories", allowed, calls("ecr", "CreateRepository", "DeleteRepository"), arnOf("ecr", "repository/"+own+"/gateway"), nil},
		{"pushing images, which is the work of a build", refused, calls("ecr", "PutImage"), arnOf("ecr", "repository/"+own+"/gateway"), nil},
		{"another stack's repositories", refused, calls("ecr", "DeleteRepository"), arnOf("ecr", "repository/"+other+"/gateway"), nil},
		{"its logs", allowed, calls("logs", "CreateLogGroup", "PutRetentionPolicy"), arnOf("logs", "log-group:/aws/eks/"+own+"/cluster"), nil},
		{"its logs", allowed, calls("logs", "DeleteLogGroup"), arnOf("logs", "log-group:"+own+"-flow-logs-1234567"), nil},
		{"another stack's logs", refused, calls("logs", "DeleteLogGroup"), arnOf("logs", "log-group:/aws/eks/"+other+"/cluster"), nil},
		{"its state", allowed, calls("s3", "PutObject", "DeleteObject"), stateFile("stacks/tfserving/dev.json"), nil},
		{"its lock", allowed, calls("s3", "PutObject", "DeleteObject"), stateFile("locks/organization/tfserving/dev/1.json"), nil},
		{"another stack's state", refused, calls("s3", "PutObject", "DeleteObject"), stateFile("stacks/tfserving/prod.json"), nil},
		{"another stack's lock", refused, calls("s3", "DeleteObject"), stateFile("locks/organization/tfserving/prod/1.json"), nil},
		{"earlier states", refused, calls("s3", "DeleteObjectVersion"), stateFile("stacks/tfserving/dev.json"), nil},
		{"only accounts isolate stacks: AWS cannot limit parts of a network by tag", open, calls("ec2", "RevokeSecurityGroupIngress"), arnOf("ec2", "security-group/sg-1"), ofStack("prod")},
		{"only accounts isolate stacks: a role that may have EKS start instances may start them itself", open, calls("ec2", "RunInstances"), arnOf("ec2", "instance/*"), nil},
	}...)
}
