package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestANATGatewayIsPendingForItsTime(t *testing.T) {
	bare, err := cloud.Leftovers(t.Context())
	must(bare, err)(t)
	s, d := newSite(t), deployer()
	make := func() string {
		address, err := d.ec2.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: ec2types.DomainTypeVpc})
		gateway, err := d.ec2.CreateNatGateway(t.Context(), &ec2.CreateNatGatewayInput{SubnetId: &s.subnets[0], AllocationId: must(address, err)(t).AllocationId})
		return *must(gateway, err)(t).NatGateway.NatGatewayId
	}
	state := func(id string) ec2types.NatGatewayState {
		for _, g := range must(d.ec2.DescribeNatGateways(t.Context(), &ec2.DescribeNatGatewaysInput{}))(t).NatGateways {
			if *g.NatGatewayId == id {
				return g.State
			}
		}
		return "gone"
	}
	before := make()
	slower(t, Times{NAT: time.Second})
	young := make()
	if got := state(before); got != ec2types.NatGatewayStateAvailable {
		t.Errorf("the old gateway is %s", got)
	}
	if got := state(young); got != ec2types.NatGatewayStatePending {
		t.Errorf("the new gateway is %s", got)
	}
	until(t, "the gateway", func() bool { return state(young) == ec2types.NatGatewayStateAvailable })
	for _, id := range []string{before, young} {
		_, err := d.ec2.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &s.subnets[0]})
		wantCode(t, err, "DependencyViolation", "NAT gateway "+id)
		must(d.ec2.DeleteNatGateway(t.Context(), &ec2.DeleteNatGatewayInput{NatGatewayId: &id}))(t)
	}
	s.remove(t)
	for _, item := range must(cloud.Leftovers(t.Context()))(t) {
		if !slices.Contains(bare, item) && !strings.HasPrefix(item, "Elastic IP") {
			t.Errorf("the account still has %s", item) // the caller releases the addresses
		}
	}
}

// callFront calls a service whose SDK client is not a dependency of this project, as the deployer.
func callFront(t *testing.T, service, target string, in any) (status int, text []byte) {
	t.Helper()
	body := mustJSON(in)
	r, err := http.NewRequest(http.MethodPost, cloud.URL()+"/", strings.NewReader(body))
	check(t, err)
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	creds := aws.Credentials{AccessKeyID: cloud.deployer.ID, SecretAccessKey: cloud.deployer.Secret}
	check(t, v4.NewSigner().SignHTTP(t.Context(), creds, r, hash([]byte(body)), service, "eu-west-1", time.Now()))
	answer, err := http.DefaultClient.Do(r)
	defer must(answer, err)(t).Body.Close()
	text, err = io.ReadAll(answer.Body)
	check(t, err)
	return answer.StatusCode, text
}

func getParameter(t *testing.T, name string) (status int, value string) {
	t.Helper()
	status, text := callFront(t, "ssm", "AmazonSSM.GetParameter", map[string]string{"Name": name})
	var got struct{ Parameter struct{ Value string } }
	check(t, json.Unmarshal(text, &got))
	return status, got.Parameter.Value
}

func TestEKSWritesToTheLogGroupOfADeletedClusterOnce(t *testing.T) {
	d, name := deployer(), newCluster(t, newSite(t))
	group := map[string]string{"logGroupName": "/aws/eks/" + name + "/cluster"}
	exists := func() bool {
		_, text := callFront(t, "logs", "Logs_20140328.DescribeLogGroups", map[string]string{"logGroupNamePrefix": group["logGroupName"]})
		return strings.Contains(string(text), group["logGroupName"])
	}
	callFront(t, "logs", "Logs_20140328.CreateLogGroup", group)
	callFront(t, "logs", "Logs_20140328.DeleteLogGroup", group)
	if exists() {
		t.Error("the group of a cluster that exists is made again")
	}
	must(d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: &name}))(t)
	callFront(t, "logs", "Logs_20140328.CreateLogGroup", map[string]any{"logGroupName": group["logGroupName"], "tags": map[string]string{"stack": "dev"}})
	callFront(t, "logs", "Logs_20140328.DeleteLogGroup", group)
	if !exists() {
		t.Error("the group of a deleted cluster is not made again")
	}
	_, tags := callFront(t, "logs", "Logs_20140328.ListTagsLogGroup", group)
	if strings.Contains(string(tags), "stack") {
		t.Errorf("the group that EKS makes has the tags of the deleted one: %s", tags)
	}
	callFront(t, "logs", "Logs_20140328.DeleteLogGroup", group)
	if exists() {
		t.Error("the group is made again twice")
	}
}

func TestParametersOfNodeImagesNameThemByVersionAndArchitecture(t *testing.T) {
	status, id := getParameter(t, "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/arm64/standard/recommended/image_id")
	found, err := deployer().ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
	if images := must(found, err)(t).Images; status != 200 || len(images) != 1 || *images[0].Name != "amazon-eks-node-al2023-arm64-standard-1.34-v"+imageDay {
		t.Errorf("the name gives %d %s: %+v", status, id, images)
	}
	if status, _ := getParameter(t, "/aws/service/eks/optimized-ami/1.99/amazon-linux-2023/arm64/standard/recommended/image_id"); status != 400 {
		t.Errorf("an image of an unknown version: status %d", status)
	}
	// moto answers other parameters.
	if status, id := getParameter(t, "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"); status != 200 || !strings.HasPrefix(id, "ami-") {
		t.Errorf("Amazon Linux is %d %s", status, id)
	}
}

func TestLeftoversAreTheResourcesThatExist(t *testing.T) {
	bare, err := cloud.Leftovers(t.Context())
	must(bare, err)(t)
	s := newSite(t)
	cluster := newCluster(t, s)
	group, scaling := newGroup(t, cluster, s)
	left := func() []string {
		return must(cloud.Leftovers(t.Context()))(t)
	}
	has := func(items []string, part string) bool {
		return slices.ContainsFunc(items, func(item string) bool { return strings.Contains(item, part) })
	}
	g := groupOf(t, cluster, group)
	instance := *scalingGroupOf(t, scaling).Instances[0].InstanceId
	ofGroup := []string{"EKS node group " + cluster + "/" + group, "Auto Scaling group " + scaling, "launch template eks-", "instance profile eks-", "instance " + instance}
	ofCluster := []string{"EKS cluster " + cluster, "(eks-cluster-sg-" + cluster, "(Amazon EKS " + cluster}
	stays := []string{"VPC " + s.vpc, "subnet " + s.subnets[0], "role " + (&key{Principal: *g.NodeRole}).name()}
	before := left()
	for _, part := range slices.Concat(ofGroup, ofCluster, stays) {
		if !has(before, part) {
			t.Errorf("the leftovers lack %s", part)
		}
	}
	d := deployer()
	must(d.eks.DeleteNodegroup(t.Context(), &eks.DeleteNodegroupInput{ClusterName: &cluster, NodegroupName: &group}))(t)
	must(d.eks.DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: &cluster}))(t)
	after := left()
	// Launch templates and instance profiles of other tests have similar names, so these are counted.
	for _, part := range append(append(ofGroup[:2:2], ofGroup[4]), ofCluster...) {
		if has(after, part) {
			t.Errorf("the leftovers still have %s", part)
		}
	}
	for _, part := range ofGroup[2:4] {
		if count(before, part)-count(after, part) != 1 {
			t.Errorf("resources %s: %d before, %d after", part, count(before, part), count(after, part))
		}
	}
	for _, part := range stays {
		if !has(after, part) {
			t.Errorf("the leftovers lost %s", part)
		}
	}
	if has(after, "role AWSServiceRole") {
		t.Error("the leftovers have roles that AWS made")
	}
	s.remove(t)
	// Only the test's roles and launch template are left.
	for _, item := range left() {
		if kind, _, _ := strings.Cut(item, " "); !slices.Contains(bare, item) && kind != "role" && kind != "launch" {
			t.Errorf("the leftovers have %s", item)
		}
	}
}

func count(items []string, part string) (n int) {
	for _, item := range items {
		if strings.Contains(item, part) {
			n++
		}
	}
	return n
}

func TestANewAccessKeyWorksUntilItIsDeleted(t *testing.T) {
	d := deployer()
	name := aws.String(unique("user"))
	must(d.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}))(t)
	k := must(d.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name}))(t).AccessKey
	someone := as(append(cloud.Env(), "AWS_ACCESS_KEY_ID="+*k.AccessKeyId, "AWS_SECRET_ACCESS_KEY="+*k.SecretAccessKey))
	list := func() error {
		_, err := someone.eks.ListClusters(t.Context(), &eks.ListClustersInput{})
		return err
	}
	wantCode(t, list(), "AccessDeniedException", ":user/"+*name)
	must(d.iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: k.AccessKeyId}))(t)
	wantCode(t, list(), "UnrecognizedClientException", "")
}

func TestAnOperationThatTheEmulatorLacksIsAnError(t *testing.T) {
	_, err := deployer().eks.ListFargateProfiles(t.Context(), &eks.ListFargateProfilesInput{ClusterName: aws.String("c")})
	wantCode(t, err, "UnknownOperationException", "/clusters/c/fargate-profiles")
}

func TestTheEmulatorEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a, err := Start(ctx, Config{Dir: t.TempDir(), MotoServer: motoServer, Region: "us-east-1"})
	check(t, err)
	moto := a.moto.process.PID()
	cancel()
	until(t, "moto to end", func() bool { return errors.Is(syscall.Kill(-moto, 0), syscall.ESRCH) })
	if _, err := http.Get(a.URL()); err == nil {
		t.Error("the front still answers")
	}
	check(t, a.Stop())
}

// A killed test cannot stop moto, so the watcher stops it.
func TestMotoEndsWithTheProcessThatStartedIt(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", watchScript, "sh", "sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	check(t, err)
	check(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("moto ended at once: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	check(t, stdin.Close()) // the kernel does this when a process ends
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		t.Fatal("moto still runs")
	}
}

func TestOnlyThePinnedVersionOfMotoIsAccepted(t *testing.T) {
	if checkedMoto(t.Context(), motoServer) == "" {
		t.Errorf("%s is not accepted as moto %s", motoServer, MotoVersion)
	}
	python, err := exec.Command(interpreter(motoServer), "-c", strings.Replace(probe, "sys.argv[1]", `"0.0.1"`, 1), MotoVersion).Output()
	if must(python, err)(t); len(bytes.TrimSpace(python)) != 0 {
		t.Errorf("another version is accepted: %s", python)
	}
	if checkedMoto(t.Context(), fmt.Sprint(t.TempDir(), "/moto_server")) != "" {
		t.Error("a file that does not exist is accepted")
	}
}
