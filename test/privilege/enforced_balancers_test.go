package privilege

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// balancerTag is the tag that a load balancer controller puts on everything it makes; its value is the cluster's name.
const balancerTag = "elbv2.k8s.aws/cluster"

// balancerClient calls the account with the credentials of a load balancer controller.
type balancerClient struct {
	*awsAccount
	elb *elb.Client
	ec2 *ec2.Client
}

// securityGroup makes a security group with a cluster's tag, or without a tag if cluster is empty.
func (b balancerClient) securityGroup(t *testing.T, name, cluster string) (string, error) {
	in := &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name, VpcId: &b.vpc}
	if cluster != "" {
		in.TagSpecifications = []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeSecurityGroup, Tags: []ec2types.Tag{{Key: aws.String(balancerTag), Value: &cluster}},
		}}
	}
	created, err := b.ec2.CreateSecurityGroup(t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(created.GroupId), nil
}

func tagsOf(cluster string) []elbtypes.Tag {
	if cluster == "" {
		return nil
	}
	return []elbtypes.Tag{{Key: aws.String(balancerTag), Value: &cluster}}
}

func (b balancerClient) balancer(t *testing.T, name, cluster string) (string, error) {
	created, err := b.elb.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
		Name: &name, Subnets: b.subnets, Scheme: elbtypes.LoadBalancerSchemeEnumInternal, Tags: tagsOf(cluster),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(created.LoadBalancers[0].LoadBalancerArn), nil
}

func (b balancerClient) targets(t *testing.T, name, cluster string) (string, error) {
	created, err := b.elb.CreateTargetGroup(t.Context(), &elb.CreateTargetGroupInput{
		Name: &name, VpcId: &b.vpc, Port: aws.Int32(80), Protocol: elbtypes.ProtocolEnumHttp,
		TargetType: elbtypes.TargetTypeEnumIp, Tags: tagsOf(cluster),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(created.TargetGroups[0].TargetGroupArn), nil
}

func balancerCalls(t *testing.T, a *awsAccount, cfg aws.Config) {
	b := balancerClient{a, elb.NewFromConfig(cfg), ec2.NewFromConfig(cfg)}
	anyone := balancerClient{a, elb.NewFromConfig(a.cfg), a.ec2}
	deleteBalancer := func(arn string) error {
		_, err := b.elb.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &arn})
		return err
	}
	deleteTargets := func(arn string) error {
		_, err := b.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &arn})
		return err
	}
	deleteGroup := func(id string) error {
		_, err := b.ec2.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &id})
		return err
	}
	for _, kind := range []struct {
		what   string
		create func(b balancerClient, t *testing.T, name, cluster string) (string, error)
		remove func(string) error
	}{
		{"load balancer", balancerClient.balancer, deleteBalancer},
		{"target group", balancerClient.targets, deleteTargets},
		{"security group", balancerClient.securityGroup, deleteGroup},
	} {
		mine, err := kind.create(b, t, "mine", ownCluster)
		wantAllowed(t, "making a "+kind.what, err)
		_, err = kind.create(b, t, "theirs", otherCluster)
		wantDenied(t, "making a "+kind.what+" with another cluster's tag", err)
		if kind.what != "security group" { // allowed without a tag; the controller can then neither tag nor delete it
			_, err = kind.create(b, t, "untagged", "")
			wantDenied(t, "making a "+kind.what+" without a tag", err)
		}
		theirs, err := kind.create(anyone, t, "theirs", otherCluster)
		must(t, 0, err)
		untagged, err := kind.create(anyone, t, "untagged", "")
		must(t, 0, err)
		wantDenied(t, "deleting another cluster's "+kind.what, kind.remove(theirs))
		wantDenied(t, "deleting an untagged "+kind.what, kind.remove(untagged))
		wantDenied(t, "tagging another cluster's "+kind.what+" as its own", b.claim(t, theirs))
		wantDenied(t, "tagging an untagged "+kind.what+" as its own", b.claim(t, untagged))
		wantAllowed(t, "deleting its "+kind.what, kind.remove(mine))
	}
	_, err := b.ec2.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: &a.vpc})
	wantDenied(t, "deleting the VPC", err)
}

// claim puts the controller's own tag on a resource.
func (b balancerClient) claim(t *testing.T, id string) error {
	if strings.HasPrefix(id, "sg-") {
		_, err := b.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{
			Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String(balancerTag), Value: aws.String(ownCluster)}},
		})
		return err
	}
	_, err := b.elb.AddTags(t.Context(), &elb.AddTagsInput{ResourceArns: []string{id}, Tags: tagsOf(ownCluster)})
	return err
}
