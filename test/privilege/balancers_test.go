package privilege

// Condition keys with which the load balancer controller's policy compares a resource's cluster.
const (
	requestTag  = "aws:RequestTag/elbv2.k8s.aws/cluster"
	resourceTag = "aws:ResourceTag/elbv2.k8s.aws/cluster"
)

// balancerRequests are the requests of the load balancer controller. Its policy is the published one, limited to this cluster.
func balancerRequests() []request {
	balancer := arnOf("elasticloadbalancing", "loadbalancer/app/k8s-gateway/1")
	network := arnOf("elasticloadbalancing", "loadbalancer/net/k8s-gateway/1")
	targets := arnOf("elasticloadbalancing", "targetgroup/k8s-gateway/1")
	listener := arnOf("elasticloadbalancing", "listener/app/k8s-gateway/1/1")
	rule := arnOf("elasticloadbalancing", "listener-rule/app/k8s-gateway/1/1/1")
	group, vpc := arnOf("ec2", "security-group/sg-1"), arnOf("ec2", "vpc/vpc-1")
	mine, theirs := values{resourceTag: ownCluster}, values{resourceTag: otherCluster}
	asMine, asTheirs := values{requestTag: ownCluster}, values{requestTag: otherCluster}
	create := func(action string) values { return values{"elasticloadbalancing:CreateAction": action} }
	createGroup := values{"ec2:CreateAction": "CreateSecurityGroup"}

	makeBalancer, makeTargets := calls("elasticloadbalancing", "CreateLoadBalancer"), calls("elasticloadbalancing", "CreateTargetGroup")
	changeBalancer := calls("elasticloadbalancing",
		"DeleteLoadBalancer", "ModifyLoadBalancerAttributes", "SetSecurityGroups",
		"SetSubnets", "SetIpAddressType",
	)
	changeTargets := calls("elasticloadbalancing",
		"DeleteTargetGroup", "ModifyTargetGroup", "ModifyTargetGroupAttributes",
	)
	tag, untag := calls("elasticloadbalancing", "AddTags"), calls("elasticloadbalancing", "RemoveTags")
	changeListener := calls("elasticloadbalancing", "DeleteListener", "ModifyListener")
	changeRule := calls("elasticloadbalancing", "DeleteRule", "ModifyRule")
	register := calls("elasticloadbalancing", "RegisterTargets", "DeregisterTargets")
	ingress := calls("ec2", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress")
	serviceRole := calls("iam", "CreateServiceLinkedRole")
	ofService := func(name string) string { return roleARN("aws-service-role/" + name + ".amazonaws.com/AWSServiceRole") }
	forService := func(name string) values { return values{"iam:AWSServiceName": name + ".amazonaws.com"} }
	const published = "the published policy has no condition on it"

	return []request{
		{"the resources it reads", allowed, []string{
			"ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeSecurityGroups", "elasticloadbalancing:DescribeLoadBalancers",
			"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTags",
		}, "*", nil},

		{"tagged with its cluster", allowed, makeBalancer, balancer, asMine},
		{"tagged with its cluster", allowed, makeBalancer, network, asMine},
		{"tagged with its cluster", allowed, makeTargets, targets, asMine},
		{"without a tag", refused, makeBalancer, balancer, nil},
		{"without a tag", refused, makeTargets, targets, nil},
		{"tagged with another cluster", refused, makeBalancer, balancer, asTheirs},
		{"tagged with another cluster", refused, makeTargets, targets, asTheirs},

		{"a resource of its cluster", allowed, changeBalancer, balancer, mine},
		{"a resource of its cluster", allowed, changeBalancer[:2], network, mine},
		{"a resource of its cluster", allowed, changeTargets, targets, mine},
		{"a resource of another cluster", refused, changeBalancer, balancer, theirs},
		{"a resource of another cluster", refused, changeBalancer[:2], network, theirs},
		{"a resource of another cluster", refused, changeTargets, targets, theirs},
		{"a resource without a tag", refused, changeBalancer, balancer, nil},
		{"a resource without a tag", refused, changeTargets, targets, nil},

		// The simulator does not know that target groups have tags. enforced_balancers_test.go checks those in the emulated account.
		{"at creation", allowed, tag, balancer, asMine.and(create("CreateLoadBalancer"))},
		{"at creation, with another cluster's tag", refused, tag, balancer, asTheirs.and(create("CreateLoadBalancer"))},
		{"other tags of its cluster's", allowed, tag, balancer, mine},
		{"a resource of its cluster", allowed, untag, balancer, mine},
		{"taking another cluster's resource", refused, tag, balancer, theirs.and(asMine)},
		{"taking a resource without a tag", refused, tag, balancer, asMine},
		{"giving its resource to another cluster", refused, tag, balancer, mine.and(asTheirs)},
		{"a resource of another cluster", refused, untag, balancer, theirs},

		{"a security group", allowed, calls("ec2", "CreateSecurityGroup"), group, asMine},
		{"in the VPC", allowed, calls("ec2", "CreateSecurityGroup"), vpc, nil},
		{"a security group, at creation", allowed, calls("ec2", "CreateTags"), group, asMine.and(createGroup)},
		{"a security group, at creation, with another cluster's tag", refused, calls("ec2", "CreateTags"), group, asTheirs.and(createGroup)},
		{"taking another cluster's security group", refused, calls("ec2", "CreateTags"), group, theirs.and(asMine)},
		{"tags of an instance", refused, calls("ec2", "CreateTags"), arnOf("ec2", "instance/i-1"), asMine},
		{"a resource of its cluster", allowed, calls("ec2", "DeleteSecurityGroup"), group, mine},
		{"a resource of another cluster", refused, calls("ec2", "DeleteSecurityGroup"), group, theirs},
		{"a resource without a tag", refused, calls("ec2", "DeleteSecurityGroup"), group, nil},
		{"a resource of its cluster", allowed, ingress, group, mine},
		{"the nodes' security group, which it opens to its load balancers: " + published, open, ingress, group, nil},

		{"a resource of its cluster", allowed, calls("elasticloadbalancing", "CreateListener"), balancer, mine},
		{"a resource of its cluster", allowed, changeListener, listener, mine},
		{"a resource of its cluster", allowed, changeRule, rule, mine},
		{"a resource of its cluster", allowed, register, targets, mine},
		{"a resource of another cluster: " + published, open, calls("elasticloadbalancing", "CreateListener"), balancer, theirs},
		{"a resource of another cluster: " + published, open, changeListener, listener, theirs},
		{"a resource of another cluster: " + published, open, changeRule, rule, theirs},
		{"a resource of another cluster: " + published, open, register, targets, theirs},

		{"the role of the load balancers' service", allowed, serviceRole, ofService("elasticloadbalancing"), forService("elasticloadbalancing")},
		{"another service's role", refused, serviceRole, ofService("autoscaling"), forService("autoscaling")},
		{"scaling", refused, calls("autoscaling", "SetDesiredCapacity"), arnOf("autoscaling", scalingGroup), scalingTag(ownCluster, "owned")},
	}
}
