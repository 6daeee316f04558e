package emulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// cloud is the emulated account of all tests, because moto takes seconds to start. Each test has its own VPC and names.
var (
	cloud      *AWS
	motoServer string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "emulator")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	motoServer, err = EnsureMoto(ctx, os.Stderr)
	if err != nil {
		return 1, err
	}
	if cloud, err = Start(ctx, Config{Dir: dir, MotoServer: motoServer, Region: "eu-west-1", Log: os.Stderr}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, cloud.Stop()) }()
	return m.Run(), nil
}

// caller has clients with the permissions of a user or role.
type caller struct {
	cfg     aws.Config
	eks     *eks.Client
	iam     *iam.Client
	ec2     *ec2.Client
	scaling *autoscaling.Client
	sts     *sts.Client
}

func as(env []string) *caller {
	values := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		values[name] = value
	}
	cfg := aws.Config{
		Region: values["AWS_REGION"], BaseEndpoint: aws.String(values["AWS_ENDPOINT_URL"]), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], values["AWS_SESSION_TOKEN"]),
	}
	return &caller{cfg, eks.NewFromConfig(cfg), iam.NewFromConfig(cfg), ec2.NewFromConfig(cfg), autoscaling.NewFromConfig(cfg), sts.NewFromConfig(cfg)}
}

var names atomic.Int32

// unique is a name that no other test has.
func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

// user makes a user with policy statements.
func user(t *testing.T, statements string) (*caller, string) {
	t.Helper()
	env, arn, err := cloud.NewUser(t.Context(), unique("user"), `{"Version":"2012-10-17","Statement":[`+statements+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return as(env), arn
}

func deployer() *caller { return as(cloud.Env()) }

// must(answer, err)(t) returns an answer of AWS. An error ends the test.
func must[Out any](out Out, err error) func(*testing.T) Out {
	return func(t *testing.T) Out {
		t.Helper()
		check(t, err)
		return out
	}
}

// check ends the test if there is an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode checks the code and a part of the message of an error.
func wantCode(t *testing.T, err error, code, part string) {
	t.Helper()
	var failure smithy.APIError
	if !errors.As(err, &failure) || failure.ErrorCode() != code || !strings.Contains(failure.ErrorMessage(), part) {
		t.Errorf("error is %v, want %s with %q", err, code, part)
	}
}

// role makes a role that a service may assume.
func role(t *testing.T, service string) string {
	t.Helper()
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":["sts:AssumeRole","sts:TagSession"]}]}`, service)
	return roleWith(t, trust)
}

func roleWith(t *testing.T, trust string) string {
	t.Helper()
	made, err := deployer().iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String(unique("role")), AssumeRolePolicyDocument: &trust})
	return aws.ToString(must(made, err)(t).Role.Arn)
}

// site is a VPC with a subnet in each of two zones.
type site struct {
	vpc     string
	subnets []string
}

func newSite(t *testing.T) site {
	t.Helper()
	d := deployer()
	vpc, err := d.ec2.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	s := site{vpc: aws.ToString(must(vpc, err)(t).Vpc.VpcId)}
	for i, zone := range []string{"eu-west-1a", "eu-west-1b"} {
		subnet, err := d.ec2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &s.vpc, AvailabilityZone: &zone, CidrBlock: aws.String(fmt.Sprintf("10.0.%d.0/24", i))})
		s.subnets = append(s.subnets, aws.ToString(must(subnet, err)(t).Subnet.SubnetId))
	}
	return s
}

// clusterInput is a request like the program's.
func clusterInput(t *testing.T, s site) *eks.CreateClusterInput {
	t.Helper()
	return &eks.CreateClusterInput{
		Name: aws.String(unique("cluster")), Version: aws.String("1.34"), RoleArn: aws.String(role(t, "eks.amazonaws.com")),
		ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: s.subnets, EndpointPrivateAccess: aws.Bool(true)},
		AccessConfig:       &ekstypes.CreateAccessConfigRequest{AuthenticationMode: ekstypes.AuthenticationModeApi},
		UpgradePolicy:      &ekstypes.UpgradePolicyRequest{SupportType: ekstypes.SupportTypeStandard},
		Logging: &ekstypes.Logging{ClusterLogging: []ekstypes.LogSetup{{
			Enabled: aws.Bool(true), Types: []ekstypes.LogType{ekstypes.LogTypeApi, ekstypes.LogTypeAudit},
		}}},
		BootstrapSelfManagedAddons: aws.Bool(false),
		Tags:                       map[string]string{"stack": "test"},
	}
}

func newCluster(t *testing.T, s site) string {
	t.Helper()
	return aws.ToString(must(deployer().eks.CreateCluster(t.Context(), clusterInput(t, s)))(t).Cluster.Name)
}

// template is a launch template like the program's, without an image and an instance type.
func template(t *testing.T) string {
	t.Helper()
	return aws.ToString(must(deployer().ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(unique("template")),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
			MetadataOptions: &ec2types.LaunchTemplateInstanceMetadataOptionsRequest{HttpTokens: ec2types.LaunchTemplateHttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1)},
			BlockDeviceMappings: []ec2types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"), Ebs: &ec2types.LaunchTemplateEbsBlockDeviceRequest{
				VolumeSize: aws.Int32(40), VolumeType: ec2types.VolumeTypeGp3, Encrypted: aws.Bool(true),
			}}},
			TagSpecifications: []ec2types.LaunchTemplateTagSpecificationRequest{{ResourceType: ec2types.ResourceTypeInstance,
				Tags: []ec2types.Tag{{Key: aws.String("owner"), Value: aws.String("platform")}}}},
		},
	}))(t).LaunchTemplate.LaunchTemplateId)
}

func groupInput(t *testing.T, cluster string, s site) *eks.CreateNodegroupInput {
	t.Helper()
	return &eks.CreateNodegroupInput{
		ClusterName: &cluster, NodegroupName: aws.String(unique("group")), NodeRole: aws.String(role(t, "ec2.amazonaws.com")), Subnets: s.subnets,
		AmiType: ekstypes.AMITypesAl2023X8664Standard, InstanceTypes: []string{"m5.large", "m5a.large"},
		ScalingConfig:    &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(1), MaxSize: aws.Int32(5), DesiredSize: aws.Int32(2)},
		LaunchTemplate:   &ekstypes.LaunchTemplateSpecification{Id: aws.String(template(t)), Version: aws.String("1")},
		NodeRepairConfig: &ekstypes.NodeRepairConfig{Enabled: aws.Bool(true)},
		Labels:           map[string]string{"pool": "general"},
		Taints:           []ekstypes.Taint{{Key: aws.String("spot"), Effect: ekstypes.TaintEffectNoSchedule}},
	}
}

// newGroup is the name of a node group and of its Auto Scaling group.
func newGroup(t *testing.T, cluster string, s site) (name, scaling string) {
	t.Helper()
	g := must(deployer().eks.CreateNodegroup(t.Context(), groupInput(t, cluster, s)))(t).Nodegroup
	return aws.ToString(g.NodegroupName), aws.ToString(g.Resources.AutoScalingGroups[0].Name)
}

// slower sets the emulator's times for one test. Tests do not run in parallel.
func slower(t *testing.T, times Times) {
	before := cloud.cfg.Times
	cloud.eks.mu.Lock()
	cloud.cfg.Times = times
	cloud.eks.mu.Unlock()
	t.Cleanup(func() {
		cloud.eks.mu.Lock()
		cloud.cfg.Times = before
		cloud.eks.mu.Unlock()
	})
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

// journaled says whether the journal has an event for which holds returns true.
func journaled(holds func(Event) bool) bool { return slices.ContainsFunc(cloud.Journal(), holds) }

// remove deletes an empty VPC.
func (s site) remove(t *testing.T) {
	t.Helper()
	for _, subnet := range s.subnets {
		must(deployer().ec2.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &subnet}))(t)
	}
	must(deployer().ec2.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: &s.vpc}))(t)
}
