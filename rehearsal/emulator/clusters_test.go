package emulator

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func TestAClusterIsCreatedAndDeleted(t *testing.T) {
	d := deployer()
	s := newSite(t)
	in := clusterInput(t, s)
	cloud.SetControlPlane("https://127.0.0.1:6443", []byte("CA"))
	made, err := d.eks.CreateCluster(t.Context(), in)
	if got := must(made, err)(t).Cluster; got.Status != ekstypes.ClusterStatusCreating || got.Endpoint != nil {
		t.Errorf("a cluster begins %s with endpoint %v, want CREATING without one", got.Status, got.Endpoint)
	}
	c := must(d.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: in.Name}))(t).Cluster
	if c.Status != ekstypes.ClusterStatusActive || aws.ToString(c.Endpoint) != "https://127.0.0.1:6443" ||
		aws.ToString(c.CertificateAuthority.Data) != base64.StdEncoding.EncodeToString([]byte("CA")) {
		t.Errorf("the cluster is %s at %s with CA %s", c.Status, aws.ToString(c.Endpoint), aws.ToString(c.CertificateAuthority.Data))
	}
	v := c.ResourcesVpcConfig
	if aws.ToString(v.VpcId) != s.vpc || !v.EndpointPublicAccess || !v.EndpointPrivateAccess || !slices.Equal(v.PublicAccessCidrs, []string{"0.0.0.0/0"}) {
		t.Errorf("its network is %+v", v)
	}
	if c.AccessConfig.AuthenticationMode != ekstypes.AuthenticationModeApi || c.UpgradePolicy.SupportType != ekstypes.SupportTypeStandard ||
		c.Tags["stack"] != "test" || aws.ToString(c.KubernetesNetworkConfig.ServiceIpv4Cidr) != "172.20.0.0/16" ||
		!strings.HasPrefix(aws.ToString(c.Identity.Oidc.Issuer), "https://oidc.eks.eu-west-1.") {
		t.Errorf("the cluster is %+v", c)
	}
	if logs := c.Logging.ClusterLogging; len(logs) != 2 || !aws.ToBool(logs[0].Enabled) || len(logs[0].Types) != 2 || len(logs[1].Types) != 3 {
		t.Errorf("its logs are %+v", logs)
	}

	// Until the cluster is deleted, its network interfaces use the subnets and its security group uses the VPC.
	_, err = d.ec2.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &s.subnets[0]})
	wantCode(t, err, "DependencyViolation", "Amazon EKS "+*in.Name)
	_, err = d.ec2.DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: &s.vpc})
	wantCode(t, err, "DependencyViolation", "eks-cluster-sg-"+*in.Name)

	must(d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: in.Name}))(t)
	_, err = d.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: in.Name})
	wantCode(t, err, "ResourceNotFoundException", *in.Name)
	s.remove(t)
}

func TestOperationsOfAClusterTakeTheirTime(t *testing.T) {
	slower(t, Times{Cluster: time.Second, ClusterUpdate: 500 * time.Millisecond, ClusterDelete: 500 * time.Millisecond})
	d := deployer()
	in := clusterInput(t, newSite(t))
	start := time.Now()
	must(d.eks.CreateCluster(t.Context(), in))(t)
	status := func() ekstypes.ClusterStatus {
		found, err := d.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: in.Name})
		if err != nil {
			return "GONE"
		}
		return found.Cluster.Status
	}
	if got := status(); got != ekstypes.ClusterStatusCreating {
		t.Errorf("at once the cluster is %s", got)
	}
	_, err := d.eks.CreateAddon(t.Context(), &eks.CreateAddonInput{ClusterName: in.Name, AddonName: aws.String("vpc-cni")})
	wantCode(t, err, "InvalidRequestException", "CREATING")
	until(t, "the cluster", func() bool { return status() == ekstypes.ClusterStatusActive })
	if took := time.Since(start); took < time.Second {
		t.Errorf("the cluster took %s, want 1 s", took)
	}
	update, err := d.eks.UpdateClusterVersion(t.Context(), &eks.UpdateClusterVersionInput{Name: in.Name, Version: aws.String("1.35")})
	id := must(update, err)(t).Update.Id
	if got := status(); got != ekstypes.ClusterStatusUpdating {
		t.Errorf("during an update the cluster is %s", got)
	}
	_, err = d.eks.UpdateClusterVersion(t.Context(), &eks.UpdateClusterVersionInput{Name: in.Name, Version: aws.String("1.36")})
	wantCode(t, err, "ResourceInUseException", "in progress")
	until(t, "the update", func() bool {
		got, err := d.eks.DescribeUpdate(t.Context(), &eks.DescribeUpdateInput{Name: in.Name, UpdateId: id})
		return err == nil && got.Update.Status == ekstypes.UpdateStatusSuccessful
	})
	found, err := d.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: in.Name})
	if got := aws.ToString(must(found, err)(t).Cluster.Version); got != "1.35" {
		t.Errorf("after the update the version is %s", got)
	}
	must(d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: in.Name}))(t)
	if got := status(); got != ekstypes.ClusterStatusDeleting {
		t.Errorf("during its deletion the cluster is %s", got)
	}
	until(t, "the deletion", func() bool { return status() == "GONE" })
}

func TestInvalidClustersAreRefused(t *testing.T) {
	s := newSite(t)
	there := newCluster(t, s)
	for name, c := range map[string]struct {
		change     func(*eks.CreateClusterInput)
		code, part string
	}{
		"a name in use":         {func(in *eks.CreateClusterInput) { in.Name = &there }, "ResourceInUseException", there},
		"no such version":       {func(in *eks.CreateClusterInput) { in.Version = aws.String("1.99") }, "InvalidParameterException", "1.99"},
		"a version of the past": {func(in *eks.CreateClusterInput) { in.Version = aws.String("1.30") }, "InvalidParameterException", "1.30"},
		"no such role":          {func(in *eks.CreateClusterInput) { *in.RoleArn += "x" }, "InvalidParameterException", "does not exist"},
		"one zone":              {func(in *eks.CreateClusterInput) { in.ResourcesVpcConfig.SubnetIds = s.subnets[:1] }, "InvalidParameterException", "two different AZs"},
		"no such subnet":        {func(in *eks.CreateClusterInput) { in.ResourcesVpcConfig.SubnetIds = []string{"subnet-0"} }, "InvalidParameterException", "subnet-0"},
		"a setting that the emulator lacks": {func(in *eks.CreateClusterInput) {
			in.ComputeConfig = &ekstypes.ComputeConfigRequest{Enabled: aws.Bool(true)}
		}, "InvalidParameterException", "computeConfig"},
	} {
		t.Run(name, func(t *testing.T) {
			in := clusterInput(t, s)
			c.change(in)
			_, err := deployer().eks.CreateCluster(t.Context(), in)
			wantCode(t, err, c.code, c.part)
		})
	}
}

func TestAClusterIsUpdatedOneMinorVersionAtATime(t *testing.T) {
	d, name := deployer(), newCluster(t, newSite(t))
	for version, part := range map[string]string{"1.36": "from 1.34 to 1.36", "1.33": "not upgraded from 1.33 to 1.34", "1.32": "from 1.34 to 1.32", "1.34": "already"} {
		_, err := d.eks.UpdateClusterVersion(t.Context(), &eks.UpdateClusterVersionInput{Name: &name, Version: &version})
		wantCode(t, err, "InvalidParameterException", part)
	}
	versions, err := d.eks.DescribeClusterVersions(t.Context(), &eks.DescribeClusterVersionsInput{ClusterVersions: []string{"1.35"}})
	if got := must(versions, err)(t).ClusterVersions; len(got) != 1 || got[0].EndOfStandardSupportDate.Format(time.DateOnly) != "2027-03-27" {
		t.Errorf("1.35 is listed as %+v", got)
	}
}

func TestEndpointAndDeletionProtectionOfAClusterChange(t *testing.T) {
	d, name := deployer(), newCluster(t, newSite(t))
	vpc := func(cidrs ...string) error {
		_, err := d.eks.UpdateClusterConfig(t.Context(), &eks.UpdateClusterConfigInput{Name: &name, ResourcesVpcConfig: &ekstypes.VpcConfigRequest{PublicAccessCidrs: cidrs}})
		return err
	}
	check(t, vpc("203.0.113.0/24"))
	wantCode(t, vpc("203.0.113.0/24"), "InvalidParameterException", "already at the desired configuration")
	must(d.eks.UpdateClusterConfig(t.Context(), &eks.UpdateClusterConfigInput{Name: &name, DeletionProtection: aws.Bool(true)}))(t)
	found, err := d.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &name})
	if got := must(found, err)(t).Cluster.ResourcesVpcConfig.PublicAccessCidrs; !slices.Equal(got, []string{"203.0.113.0/24"}) {
		t.Errorf("the cluster can be reached from %v", got)
	}
	_, err = d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: &name})
	wantCode(t, err, "InvalidRequestException", "deletion protection")
}

func TestTagsOfAClusterAreSetAndRemoved(t *testing.T) {
	d, name := deployer(), newCluster(t, newSite(t))
	arn := must(d.eks.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &name}))(t).Cluster.Arn
	must(d.eks.TagResource(t.Context(), &eks.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"owner": "platform"}}))(t)
	must(d.eks.UntagResource(t.Context(), &eks.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"stack"}}))(t)
	tags, err := d.eks.ListTagsForResource(t.Context(), &eks.ListTagsForResourceInput{ResourceArn: arn})
	if got := must(tags, err)(t).Tags; len(got) != 1 || got["owner"] != "platform" {
		t.Errorf("the cluster's tags are %v", got)
	}
}
