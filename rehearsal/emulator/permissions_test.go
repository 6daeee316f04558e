package emulator

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestACallOfEKSNeedsItsPermission(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	group, _ := newGroup(t, cluster, s)
	describe := func(p *caller) error {
		_, err := p.eks.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &group})
		return err
	}
	stranger, arn := user(t, `{"Effect":"Allow","Action":"eks:DescribeCluster","Resource":"*"}`)
	wantCode(t, describe(stranger), "AccessDeniedException", arn+" is not authorized to perform: eks:DescribeNodegroup")
	elsewhere, _ := user(t, `{"Effect":"Allow","Action":"eks:DescribeNodegroup","Resource":"arn:aws:eks:*:*:nodegroup/other/*"}`)
	wantCode(t, describe(elsewhere), "AccessDeniedException", "nodegroup/"+cluster)
	here, _ := user(t, `{"Effect":"Allow","Action":"eks:DescribeNodegroup","Resource":"arn:aws:eks:*:*:nodegroup/`+cluster+`/*"}`)
	check(t, describe(here))
	tagged, _ := user(t, `{"Effect":"Allow","Action":"eks:DescribeCluster","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/stack":"test"}}}`)
	must(tagged.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &cluster}))(t)
	if !journaled(func(e Event) bool {
		return e.Service == "eks" && e.Action == "DescribeNodegroup" && e.Who == arn && e.Status == 403 && e.Params["nodegroup"] == group
	}) {
		t.Error("the journal does not have the refusal")
	}
}

func TestPassingARoleToEKSNeedsItsPermission(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	pod := role(t, podIdentityService)
	in := &eks.CreatePodIdentityAssociationInput{ClusterName: &cluster, Namespace: aws.String("n"), ServiceAccount: aws.String("s"), RoleArn: &pod}
	create := `{"Effect":"Allow","Action":"eks:CreatePodIdentityAssociation","Resource":"*"}`
	without, _ := user(t, create)
	_, err := without.eks.CreatePodIdentityAssociation(t.Context(), in)
	wantCode(t, err, "AccessDeniedException", "iam:PassRole on resource: "+pod)
	with, _ := user(t, create+`,{"Effect":"Allow","Action":"iam:PassRole","Resource":"`+pod+`","Condition":{"StringEquals":{"iam:PassedToService":"`+podIdentityService+`"}}}`)
	must(with.eks.CreatePodIdentityAssociation(t.Context(), in))(t)
}

// scalerStatements are the autoscaler's permissions: it reads all groups and changes those of one cluster.
func scalerStatements(cluster string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":"autoscaling:Describe*","Resource":"*"},
		{"Effect":"Allow","Action":["autoscaling:SetDesiredCapacity","autoscaling:TerminateInstanceInAutoScalingGroup"],"Resource":"*",
		 "Condition":{"StringEquals":{"aws:ResourceTag/k8s.io/cluster-autoscaler/%s":"owned","aws:RequestedRegion":"eu-west-1"}}}`, cluster)
}

func TestTheAutoscalerMayNotChangeGroupsOfAnotherCluster(t *testing.T) {
	s := newSite(t)
	own, other := newCluster(t, s), newCluster(t, s)
	_, ownGroup := newGroup(t, own, s)
	_, otherGroup := newGroup(t, other, s)
	scaler, _ := user(t, scalerStatements(own))
	scale := func(group string) error {
		_, err := scaler.scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &group, DesiredCapacity: aws.Int32(3)})
		return err
	}
	terminate := func(group string) error {
		found, err := scaler.scaling.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{group}})
		instances := must(found, err)(t).AutoScalingGroups[0].Instances
		_, err = scaler.scaling.TerminateInstanceInAutoScalingGroup(t.Context(), &autoscaling.TerminateInstanceInAutoScalingGroupInput{
			InstanceId: instances[0].InstanceId, ShouldDecrementDesiredCapacity: aws.Bool(true)})
		return err
	}
	check(t, scale(ownGroup))
	check(t, terminate(ownGroup))
	wantCode(t, scale(otherGroup), "AccessDenied", "autoScalingGroupName/"+otherGroup)
	wantCode(t, terminate(otherGroup), "AccessDenied", "autoScalingGroupName/"+otherGroup)
	if got := len(scalingGroupOf(t, otherGroup).Instances); got != 2 {
		t.Errorf("the other cluster's group has %d instances, want its 2", got)
	}
}

func TestACallOfAnotherServiceNeedsItsPermission(t *testing.T) {
	someone, arn := user(t, `{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}`)
	must(someone.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}))(t)
	_, err := someone.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	wantCode(t, err, "UnauthorizedOperation", arn)
	_, err = someone.iam.ListRoles(t.Context(), &iam.ListRolesInput{})
	wantCode(t, err, "AccessDenied", "iam:ListRoles")
	// The emulator does not read the resources of this call, so it needs a permission for all resources.
	narrow, _ := user(t, `{"Effect":"Allow","Action":"ec2:CreateVpc","Resource":"arn:aws:ec2:*:*:vpc/*"}`)
	_, err = narrow.ec2.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
	wantCode(t, err, "UnauthorizedOperation", "ec2:CreateVpc")
}

// The statements have the limits of the controller's published policy: new resources must have its tag, and it may change and
// delete only resources with the tag.
func TestTheLoadBalancerControllerMayChangeOnlyItsOwnResources(t *testing.T) {
	s := newSite(t)
	const tag = "elbv2.k8s.aws/cluster"
	controller, _ := user(t, `
		{"Effect":"Allow","Action":["ec2:CreateSecurityGroup"],"Resource":"*"},
		{"Effect":"Allow","Action":["ec2:CreateTags"],"Resource":"arn:aws:ec2:*:*:security-group/*",
		 "Condition":{"StringEquals":{"ec2:CreateAction":"CreateSecurityGroup"},"Null":{"aws:RequestTag/`+tag+`":"false"}}},
		{"Effect":"Allow","Action":["ec2:DeleteSecurityGroup"],"Resource":"*","Condition":{"Null":{"aws:ResourceTag/`+tag+`":"false"}}},
		{"Effect":"Allow","Action":["elasticloadbalancing:CreateLoadBalancer"],"Resource":"*","Condition":{"Null":{"aws:RequestTag/`+tag+`":"false"}}},
		{"Effect":"Allow","Action":["elasticloadbalancing:AddTags"],"Resource":["arn:aws:elasticloadbalancing:*:*:loadbalancer/app/*/*"],
		 "Condition":{"StringEquals":{"elasticloadbalancing:CreateAction":["CreateTargetGroup","CreateLoadBalancer"]},"Null":{"aws:RequestTag/`+tag+`":"false"}}},
		{"Effect":"Allow","Action":["elasticloadbalancing:DeleteLoadBalancer"],"Resource":"*","Condition":{"Null":{"aws:ResourceTag/`+tag+`":"false"}}}`)
	group := func(p *caller, key string) (string, error) {
		made, err := p.ec2.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
			GroupName: aws.String(unique("sg")), Description: aws.String("d"), VpcId: &s.vpc,
			TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeSecurityGroup, Tags: []ec2types.Tag{{Key: &key, Value: aws.String("c")}}}},
		})
		if err != nil {
			return "", err
		}
		return *made.GroupId, nil
	}
	remove := func(id string) error {
		_, err := controller.ec2.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &id})
		return err
	}
	own, err := group(controller, tag)
	check(t, err)
	_, err = group(controller, "other")
	wantCode(t, err, "UnauthorizedOperation", "ec2:CreateTags")
	others, err := group(deployer(), "other")
	check(t, err)
	wantCode(t, remove(others), "UnauthorizedOperation", others)

	balancers, admins := elb.NewFromConfig(controller.cfg), elb.NewFromConfig(deployer().cfg)
	balance := func(c *elb.Client, key string) (string, error) {
		made, err := c.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
			Name: aws.String(unique("lb")), Subnets: s.subnets, SecurityGroups: []string{own}, Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
			Tags: []elbtypes.Tag{{Key: &key, Value: aws.String("c")}},
		})
		if err != nil {
			return "", err
		}
		return *made.LoadBalancers[0].LoadBalancerArn, nil
	}
	mine, err := balance(balancers, tag)
	check(t, err)
	_, err = balance(balancers, "other")
	wantCode(t, err, "AccessDenied", "CreateLoadBalancer")
	not, err := balance(admins, "other")
	check(t, err)
	_, err = balancers.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &not})
	wantCode(t, err, "AccessDenied", not)

	// Security groups and subnets can be deleted only after their load balancers.
	wantCode(t, remove(own), "DependencyViolation", "load balancer lb-")
	_, err = deployer().ec2.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &s.subnets[0]})
	wantCode(t, err, "DependencyViolation", "load balancer lb-")
	must(balancers.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &mine}))(t)
	must(admins.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &not}))(t)
	check(t, remove(own))
}

func TestACallNeedsAValidAccessKey(t *testing.T) {
	for name, c := range map[string]struct {
		id, secret, token string
		code              string
	}{
		"an unknown key":   {"AKIANOBODY", "x", "", "UnrecognizedClientException"},
		"a wrong secret":   {cloud.deployer.ID, "guess", "", "InvalidSignatureException"},
		"a token too many": {cloud.deployer.ID, cloud.deployer.Secret, "x", "UnrecognizedClientException"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := deployer().cfg
			cfg.Credentials = credentials.NewStaticCredentialsProvider(c.id, c.secret, c.token)
			_, err := eks.NewFromConfig(cfg).ListClusters(t.Context(), &eks.ListClustersInput{})
			wantCode(t, err, c.code, "")
			_, err = ec2.NewFromConfig(cfg).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
			wantCode(t, err, c.code, "")
		})
	}
}

// moto also refuses calls that do not come through the front.
func TestMotoEnforcesPermissions(t *testing.T) {
	someone, _ := user(t, `{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}`)
	cfg := someone.cfg
	cfg.BaseEndpoint = &cloud.moto.url
	must(ec2.NewFromConfig(cfg).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}))(t)
	_, err := ec2.NewFromConfig(cfg).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	wantCode(t, err, "AccessDenied", "ec2:DescribeSubnets")
}

func TestAChangedPolicyTakesEffectAtOnce(t *testing.T) {
	someone, arn := user(t, `{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}`)
	list := func() error {
		_, err := someone.eks.ListClusters(t.Context(), &eks.ListClustersInput{})
		return err
	}
	wantCode(t, list(), "AccessDeniedException", "eks:ListClusters")
	name := arn[strings.LastIndex(arn, "/")+1:]
	put := func(ctx context.Context, effect string) {
		must(deployer().iam.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("more"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Action":"eks:ListClusters","Resource":"*"}}`)}))(t)
	}
	put(t.Context(), "Allow")
	check(t, list())
	put(t.Context(), "Deny")
	wantCode(t, list(), "AccessDeniedException", "denies it")
}
