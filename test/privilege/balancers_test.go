package privilege

// Condition keys by which the load balancer controller's policy tells whose something is.
const (
	requestTag  = "aws:RequestTag/elbv2.k8s.aws/cluster"
	resourceTag = "aws:ResourceTag/elbv2.k8s.aws/cluster"
)

// balancerRequests are of the load balancer controller, on its maintainers' policy bound to this cluster's name.
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
		{"what it reads", allowed, []string{
			"ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeSecurityGroups", "elasticloadbalancing:DescribeLoadBalancers",
			"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTags",
		}, "*", nil},

		{"one of its cluster's", allowed, makeBalancer, balancer, asMine},
		{"one of its cluster's", allowed, makeBalancer, network, asMine},
		{"one of its cluster's", allowed, makeTargets, targets, asMine},
		{"one of nobody's", refused, makeBalancer, balancer, nil},
		{"one of nobody's", refused, makeTargets, targets, nil},
		{"one in another cluster's name", refused, makeBalancer, balancer, asTheirs},
		{"one in another cluster's name", refused, makeTargets, targets, asTheirs},

		{"its cluster's", allowed, changeBalancer, balancer, mine},
		{"its cluster's", allowed, changeBalancer[:2], network, mine},
		{"its cluster's", allowed, changeTargets, targets, mine},
		{"another cluster's", refused, changeBalancer, balancer, theirs},
		{"another cluster's", refused, changeBalancer[:2], network, theirs},
		{"another cluster's", refused, changeTargets, targets, theirs},
		{"nobody's", refused, changeBalancer, balancer, nil},
		{"nobody's", refused, changeTargets, targets, nil},

		// Of target groups the simulator does not know that they have tags; the emulated account asks about those.
		{"at creation", allowed, tag, balancer, asMine.and(create("CreateLoadBalancer"))},
		{"at creation, in another cluster's name", refused, tag, balancer, asTheirs.and(create("CreateLoadBalancer"))},
		{"other tags of its cluster's", allowed, tag, balancer, mine},
		{"its cluster's", allowed, untag, balancer, mine},
		{"making another cluster's its own", refused, tag, balancer, theirs.and(asMine)},
		{"making nobody's its own", refused, tag, balancer, asMine},
		{"giving its own away", refused, tag, balancer, mine.and(asTheirs)},
		{"another cluster's", refused, untag, balancer, theirs},

		{"a security group", allowed, calls("ec2", "CreateSecurityGroup"), group, asMine},
		{"in the VPC", allowed, calls("ec2", "CreateSecurityGroup"), vpc, nil},
		{"a security group, at creation", allowed, calls("ec2", "CreateTags"), group, asMine.and(createGroup)},
		{"a security group, at creation, in another cluster's name", refused, calls("ec2", "CreateTags"), group, asTheirs.and(createGroup)},
		{"making another cluster's security group its own", refused, calls("ec2", "CreateTags"), group, theirs.and(asMine)},
		{"tags of an instance", refused, calls("ec2", "CreateTags"), arnOf("ec2", "instance/i-1"), asMine},
		{"its cluster's", allowed, calls("ec2", "DeleteSecurityGroup"), group, mine},
		{"another cluster's", refused, calls("ec2", "DeleteSecurityGroup"), group, theirs},
		{"nobody's", refused, calls("ec2", "DeleteSecurityGroup"), group, nil},
		{"its cluster's", allowed, ingress, group, mine},
		{"the nodes', which it opens to its load balancers: " + published, open, ingress, group, nil},

		{"its cluster's", allowed, calls("elasticloadbalancing", "CreateListener"), balancer, mine},
		{"its cluster's", allowed, changeListener, listener, mine},
		{"its cluster's", allowed, changeRule, rule, mine},
		{"its cluster's", allowed, register, targets, mine},
		{"another cluster's: " + published, open, calls("elasticloadbalancing", "CreateListener"), balancer, theirs},
		{"another cluster's: " + published, open, changeListener, listener, theirs},
		{"another cluster's: " + published, open, changeRule, rule, theirs},
		{"another cluster's: " + published, open, register, targets, theirs},

		{"the role of the load balancers' service", allowed, serviceRole, ofService("elasticloadbalancing"), forService("elasticloadbalancing")},
		{"another service's role", refused, serviceRole, ofService("autoscaling"), forService("autoscaling")},
		{"scaling", refused, calls("autoscaling", "SetDesiredCapacity"), arnOf("autoscaling", scalingGroup), scalingTag(ownCluster, "owned")},
	}
}
