package privilege

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

// awsAccount is an emulated account with a VPC, and clients that may do everything in it.
type awsAccount struct {
	*emulator.AWS
	cfg     aws.Config
	iam     *iam.Client
	eks     *eks.Client
	ec2     *ec2.Client
	vpc     string
	subnets []string
}

func newAccount(t *testing.T, cloud *emulator.AWS) *awsAccount {
	t.Helper()
	cfg := emulated.Config(cloud)
	a := &awsAccount{
		AWS: cloud, cfg: cfg,
		iam: iam.NewFromConfig(cfg), eks: eks.NewFromConfig(cfg), ec2: ec2.NewFromConfig(cfg),
	}
	vpc, err := a.ec2.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	a.vpc = aws.ToString(must(t, vpc, err).Vpc.VpcId)
	for i, zone := range []string{"a", "b"} {
		subnet, err := a.ec2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{
			VpcId: &a.vpc, AvailabilityZone: aws.String(region + zone), CidrBlock: aws.String(fmt.Sprintf("10.0.%d.0/24", i)),
		})
		a.subnets = append(a.subnets, aws.ToString(must(t, subnet, err).Subnet.SubnetId))
	}
	return a
}

// must returns the result of a call to AWS. An error ends the test.
func must[Out any](t *testing.T, out Out, err error) Out {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// managedPolicies are the documents of the AWS-managed policies that the roles have, by ARN.
func (a *awsAccount) managedPolicies(t *testing.T, s *policies) map[string]string {
	t.Helper()
	documents := map[string]string{}
	for name, r := range s.roles {
		for _, arn := range r.managed {
			policy, err := a.iam.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: &arn})
			if err != nil {
				t.Fatalf("policy %s of role %s: %v", arn, name, err)
			}
			version, err := a.iam.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{
				PolicyArn: &arn, VersionId: policy.Policy.DefaultVersionId,
			})
			text, err := url.PathUnescape(aws.ToString(must(t, version, err).PolicyVersion.Document))
			documents[arn] = must(t, text, err)
		}
	}
	return documents
}

// newRole makes a role with the policies of the program's role.
func (a *awsAccount) newRole(t *testing.T, name string, r *role) {
	t.Helper()
	_, err := a.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &r.trust})
	must(t, 0, err)
	for policy, text := range r.inline {
		_, err := a.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &policy, PolicyDocument: &text})
		must(t, 0, err)
	}
	for _, arn := range r.managed {
		_, err := a.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &arn})
		must(t, 0, err)
	}
}

// asInstance makes a user with a role's permissions and returns its credentials. The emulator cannot give an instance its role as
// EC2 does.
func (a *awsAccount) asInstance(t *testing.T, name string, r *role) aws.Config {
	t.Helper()
	_, err := a.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})
	must(t, 0, err)
	for _, arn := range r.managed {
		_, err := a.iam.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: &arn})
		must(t, 0, err)
	}
	for policy, text := range r.inline {
		_, err := a.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: &policy, PolicyDocument: &text})
		must(t, 0, err)
	}
	created, err := a.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	key := must(t, created, err).AccessKey
	cfg := a.cfg
	cfg.Credentials = credentials.NewStaticCredentialsProvider(aws.ToString(key.AccessKeyId), aws.ToString(key.SecretAccessKey), "")
	return cfg
}

// group is the Auto Scaling group of a node group, and one of its instances.
type group struct{ name, instance string }

// newCluster makes an EKS cluster with one node group of two instances.
func (a *awsAccount) newCluster(t *testing.T, name string) group {
	t.Helper()
	const trust = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	a.newRole(t, name+"-eks", &role{trust: trust})
	_, err := a.eks.CreateCluster(t.Context(), &eks.CreateClusterInput{
		Name: &name, Version: aws.String("1.34"), RoleArn: aws.String(roleARN(name + "-eks")),
		ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: a.subnets},
		AccessConfig:       &ekstypes.CreateAccessConfigRequest{AuthenticationMode: ekstypes.AuthenticationModeApi},
	})
	must(t, 0, err)
	created, err := a.eks.CreateNodegroup(t.Context(), &eks.CreateNodegroupInput{
		ClusterName: &name, NodegroupName: aws.String("general"), NodeRole: aws.String(roleARN(nodeRole)), Subnets: a.subnets,
		AmiType: ekstypes.AMITypesAl2023X8664Standard, InstanceTypes: []string{"m5.large"},
		ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(1), MaxSize: aws.Int32(5), DesiredSize: aws.Int32(2)},
	})
	g := group{name: aws.ToString(must(t, created, err).Nodegroup.Resources.AutoScalingGroups[0].Name)}
	g.instance = a.instances(t, g.name)[0]
	return g
}

// instances are the instances of an Auto Scaling group.
func (a *awsAccount) instances(t *testing.T, name string) (ids []string) {
	t.Helper()
	groups := autoscaling.NewFromConfig(a.cfg)
	found, err := groups.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: []string{name},
	})
	for _, i := range must(t, found, err).AutoScalingGroups[0].Instances {
		ids = append(ids, aws.ToString(i.InstanceId))
	}
	return ids
}
