package emulator

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// questions are the permissions that a call to moto needs: its action on each of its resources. A call whose resources are not
// read here has the resource "*". Only a statement with the resource "*" allows it.
func (a *AWS) questions(ctx context.Context, c *call) ([]question, error) {
	action := c.prefix() + ":" + c.action
	switch c.service {
	case "autoscaling":
		if name, err := a.groupOf(ctx, c); err != nil || name != "" {
			q, qErr := a.groupQuestion(ctx, action, name)
			if err == nil {
				err = qErr
			}
			return []question{q}, err
		}
	case "ec2":
		return a.ec2Questions(ctx, c, action)
	case "elasticloadbalancing":
		return a.balancerQuestions(ctx, c, action)
	case "iam":
		if name := c.params["RoleName"]; name != "" {
			if name == spotRoleName {
				return []question{{action: action, resource: a.spotRole()}}, nil
			}
			// A role's ARN contains its path. The roles of this project have no path.
			return []question{{action: action, resource: fmt.Sprintf("arn:aws:iam::%s:role/%s", a.account, name)}}, nil
		}
	case "kms":
		resource, err := a.keyResource(ctx, c)
		return []question{{action: action, resource: resource}}, err
	case "s3":
		return bucketQuestions(c, action), nil
	case "sts":
		if arn := c.params["RoleArn"]; arn != "" {
			return []question{{action: action, resource: arn}}, nil
		}
	}
	return []question{{action: action, resource: "*"}}, nil
}

// groupOf is the Auto Scaling group that a call changes. The call names the group or one of its instances. Calls that describe
// groups cannot be limited to a resource.
func (a *AWS) groupOf(ctx context.Context, c *call) (string, error) {
	if strings.HasPrefix(c.action, "Describe") {
		return "", nil
	}
	if name := c.params["AutoScalingGroupName"]; name != "" {
		return name, nil
	}
	id := c.params["InstanceId"]
	if id == "" {
		return "", nil
	}
	found, err := a.clients.autoscaling.DescribeAutoScalingInstances(ctx, &autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{id}})
	if err != nil || len(found.AutoScalingInstances) == 0 {
		return "", err
	}
	return aws.ToString(found.AutoScalingInstances[0].AutoScalingGroupName), nil
}

func (a *AWS) groupQuestion(ctx context.Context, action, name string) (question, error) {
	q := question{action: action, resource: fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s", a.cfg.Region, a.account, name)}
	found, err := a.clients.autoscaling.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil {
		return q, fmt.Errorf("reading the tags of group %s: %w", name, err)
	}
	tags := map[string]string{}
	for _, group := range found.AutoScalingGroups {
		q.resource = aws.ToString(group.AutoScalingGroupARN)
		for _, tag := range group.Tags {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	q.setResourceTags("autoscaling", tags)
	return q, nil
}

// setResourceTags sets a resource's tags as condition keys: the global ones and the service's own older ones.
func (q *question) setResourceTags(service string, tags map[string]string) {
	q.context.setTags("aws:ResourceTag/", tags)
	q.context.setTags(service+":ResourceTag/", tags)
}

// tagQuestions are the permissions that a call needs to tag what it creates.
func (c *call) tagQuestions(action, created string) []question {
	if len(c.requestTags) == 0 {
		return nil
	}
	q := question{action: action, resource: created}
	q.context.set(c.service+":CreateAction", c.action)
	q.setResourceTags(c.service, nil)
	return []question{q}
}

// ec2Kinds are the kinds of EC2's resources in ARNs, by the prefix of an identifier.
var ec2Kinds = map[string]string{
	"sg": "security-group", "i": "instance", "vpc": "vpc", "subnet": "subnet", "eni": "network-interface", "lt": "launch-template",
	"vol": "volume", "nat": "natgateway", "rtb": "route-table", "igw": "internet-gateway", "eipalloc": "elastic-ip", "vpce": "vpc-endpoint",
}

func (a *AWS) ec2ARN(id string) (string, error) {
	prefix, _, _ := strings.Cut(id, "-")
	kind := ec2Kinds[prefix]
	if kind == "" {
		return "", fmt.Errorf("the emulator does not know the kind of EC2 resource %q", id)
	}
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", a.cfg.Region, a.account, kind, id), nil
}

// ec2Questions are the permissions of an EC2 call. It reads the resources of calls that change security groups or tags. Other
// calls have the resource "*".
func (a *AWS) ec2Questions(ctx context.Context, c *call, action string) ([]question, error) {
	var ids []string
	switch c.action {
	case "CreateTags", "DeleteTags":
		ids = c.list("ResourceId")
	case "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "DeleteSecurityGroup":
		if id := c.params["GroupId"]; id != "" {
			ids = []string{id}
		}
	case "CreateSecurityGroup":
		created := fmt.Sprintf("arn:aws:ec2:%s:%s:security-group/*", a.cfg.Region, a.account)
		vpc, err := a.ec2ARN(c.params["VpcId"])
		if err != nil {
			return nil, err
		}
		questions := []question{{action: action, resource: created}, {action: action, resource: vpc}}
		return append(questions, c.tagQuestions("ec2:CreateTags", created)...), nil
	}
	if len(ids) == 0 {
		return []question{{action: action, resource: "*"}}, nil
	}
	found, err := a.clients.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []ec2types.Filter{{Name: aws.String("resource-id"), Values: ids}}})
	if err != nil {
		return nil, fmt.Errorf("reading the tags of %v: %w", ids, err)
	}
	tags := map[string]map[string]string{}
	for _, tag := range found.Tags {
		id := aws.ToString(tag.ResourceId)
		if tags[id] == nil {
			tags[id] = map[string]string{}
		}
		tags[id][aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	var questions []question
	for _, id := range ids {
		arn, err := a.ec2ARN(id)
		if err != nil {
			return nil, err
		}
		q := question{action: action, resource: arn}
		q.setResourceTags("ec2", tags[id])
		if c.action == "CreateTags" {
			q.context.cover("ec2:CreateAction") // CreateTags alone creates nothing, so the key is absent
		}
		questions = append(questions, q)
	}
	return questions, nil
}

// balancerQuestions are the permissions of a call of Elastic Load Balancing. It reads the resources of all calls that change
// something.
func (a *AWS) balancerQuestions(ctx context.Context, c *call, action string) ([]question, error) {
	if strings.HasPrefix(c.action, "Describe") {
		return []question{{action: action, resource: "*"}}, nil
	}
	arn := fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:", a.cfg.Region, a.account)
	if created := map[string]string{"CreateLoadBalancer": "loadbalancer/app/", "CreateTargetGroup": "targetgroup/"}[c.action]; created != "" {
		name := arn + created + c.params["Name"] + "/*"
		return append([]question{{action: action, resource: name}}, c.tagQuestions("elasticloadbalancing:AddTags", name)...), nil
	}
	arns := c.list("ResourceArns")
	for _, name := range []string{"LoadBalancerArn", "TargetGroupArn", "ListenerArn", "RuleArn"} {
		if one := c.params[name]; one != "" {
			arns = append(arns, one)
		}
	}
	if len(arns) == 0 {
		return []question{{action: action, resource: "*"}}, nil
	}
	var questions []question
	for _, arn := range arns {
		q := question{action: action, resource: arn}
		found, err := a.clients.elb.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{arn}})
		if err == nil { // a resource that does not exist has no tags; moto then refuses the call
			tags := map[string]string{}
			for _, d := range found.TagDescriptions {
				for _, tag := range d.Tags {
					tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
				}
			}
			q.setResourceTags("elasticloadbalancing", tags)
		}
		q.context.cover("elasticloadbalancing:CreateAction")
		questions = append(questions, q)
	}
	return questions, nil
}
