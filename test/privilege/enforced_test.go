package privilege

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/smithy-go"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// tokenOf is the begin of every service account's token in this test's control plane.
const tokenOf = "token of "

// enforced makes the stack's roles in an account with two clusters, assumes each role as AWS does, and makes calls.
func (s *policies) enforced(t *testing.T, a *awsAccount) {
	client := fake.NewClientset()
	client.PrependReactor("create", "tokenreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenReview).DeepCopy()
		who, known := strings.CutPrefix(review.Spec.Token, tokenOf)
		review.Status.Authenticated = known
		review.Status.User.Username = "system:serviceaccount:" + who
		review.Status.Audiences = review.Spec.Audiences
		return true, review, nil
	})
	a.SetKubernetes(client)
	for name, r := range s.roles {
		a.newRole(t, name, r)
	}
	own, other := a.newCluster(t, ownCluster), a.newCluster(t, otherCluster)
	for _, name := range []string{autoscalerRole, balancerRole, networkingRole} {
		t.Run("only its service account gets the credentials of "+name, func(t *testing.T) { s.givenOnlyToItsServiceAccount(t, a, name) })
	}
	scaler, controller, cni := a.asPod(s.roles[autoscalerRole]), a.asPod(s.roles[balancerRole]), a.asPod(s.roles[networkingRole])
	t.Run("the autoscaler may change only its cluster's groups", func(t *testing.T) { autoscalerCalls(t, a, scaler, own, other) })
	t.Run("the load balancer controller may change only its cluster's resources", func(t *testing.T) { balancerCalls(t, a, controller) })
	t.Run("the CNI may change only network interfaces", func(t *testing.T) { networkingCalls(t, a, cni, own) })
	t.Run("a node may only read", func(t *testing.T) { nodeCalls(t, a.asInstance(t, "instance", s.roles[nodeRole]), own) })
}

// wantDenied fails the test unless AWS refuses a call because a permission is missing.
func wantDenied(t *testing.T, what string, err error) {
	t.Helper()
	var failure smithy.APIError
	denials := []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
	if !errors.As(err, &failure) || !slices.Contains(denials, failure.ErrorCode()) {
		t.Errorf("%s: the error is %v, want a denial", what, err)
	} else if strings.Contains(failure.ErrorMessage(), "cannot decide") || strings.Contains(failure.ErrorMessage(), "does not know") {
		t.Errorf("%s: denied because the emulator does not implement it: %v", what, err)
	}
}

func wantAllowed(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// asPod is the configuration of a pod of the role's service account. The Pod Identity agent gives it its credentials.
func (a *awsAccount) asPod(r *role) aws.Config {
	cfg := a.cfg
	cfg.Credentials = endpointcreds.New(a.CredentialsURL(), func(o *endpointcreds.Options) {
		o.AuthorizationToken = tokenOf + r.namespace + ":" + r.serviceAccount
	})
	return cfg
}

// credentialsOf is the answer of the Pod Identity agent to a service account's token.
func (a *awsAccount) credentialsOf(t *testing.T, namespace, serviceAccount string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.CredentialsURL(), nil)
	must(t, 0, err)
	r.Header.Set("Authorization", tokenOf+namespace+":"+serviceAccount)
	answer, err := http.DefaultClient.Do(r)
	defer must(t, answer, err).Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(must(t, body, err))
}

// givenOnlyToItsServiceAccount associates a role with service accounts of both clusters, one after the other. Only the service
// account that the role is for may get credentials, and its association stays.
func (s *policies) givenOnlyToItsServiceAccount(t *testing.T, a *awsAccount, name string) {
	r := s.roles[name]
	associate := func(cluster, namespace, serviceAccount string) (dissociate func()) {
		created, err := a.eks.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
			ClusterName: &cluster, Namespace: &namespace, ServiceAccount: &serviceAccount, RoleArn: aws.String(roleARN(name)),
		})
		id := must(t, created, err).Association.AssociationId
		return func() {
			_, err := a.eks.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
				ClusterName: &cluster, AssociationId: id,
			})
			must(t, 0, err)
		}
	}
	for what, c := range map[string]struct{ cluster, namespace, serviceAccount string }{
		"another cluster":         {otherCluster, r.namespace, r.serviceAccount},
		"another namespace":       {ownCluster, "default", r.serviceAccount},
		"another service account": {ownCluster, r.namespace, "intruder"},
	} {
		dissociate := associate(c.cluster, c.namespace, c.serviceAccount)
		status, text := a.credentialsOf(t, c.namespace, c.serviceAccount)
		if status == http.StatusOK || !strings.Contains(text, "AccessDenied") {
			t.Errorf("%s gets %d %s", what, status, text)
		}
		dissociate()
	}
	associate(ownCluster, r.namespace, r.serviceAccount)
	if status, text := a.credentialsOf(t, r.namespace, r.serviceAccount); status != http.StatusOK {
		t.Fatalf("its service account gets %d %s", status, text)
	}
	if status, text := a.credentialsOf(t, r.namespace, "default"); status == http.StatusOK {
		t.Errorf("the token of another service account gets %s", text)
	}
}

func autoscalerCalls(t *testing.T, a *awsAccount, cfg aws.Config, own, other group) {
	groups, nodeGroups := autoscaling.NewFromConfig(cfg), eks.NewFromConfig(cfg)
	list, err := groups.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
	wantAllowed(t, "listing the groups", err)
	if err == nil && len(list.AutoScalingGroups) != 2 {
		t.Errorf("the list has %d groups, want those of both clusters", len(list.AutoScalingGroups))
	}
	_, err = groups.DescribeScalingActivities(t.Context(), &autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: &own.name})
	wantAllowed(t, "listing the activities of its group", err)
	describe := func(cluster string) error {
		_, err := nodeGroups.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{
			ClusterName: &cluster, NodegroupName: aws.String("general"),
		})
		return err
	}
	scale := func(g group) error {
		_, err := groups.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{
			AutoScalingGroupName: &g.name, DesiredCapacity: aws.Int32(3),
		})
		return err
	}
	terminate := func(g group) error {
		_, err := groups.TerminateInstanceInAutoScalingGroup(t.Context(), &autoscaling.TerminateInstanceInAutoScalingGroupInput{
			InstanceId: &g.instance, ShouldDecrementDesiredCapacity: aws.Bool(true),
		})
		return err
	}
	wantAllowed(t, "reading labels and taints of its node group", describe(ownCluster))
	wantAllowed(t, "scaling its group", scale(own))
	wantAllowed(t, "ending an instance of its group", terminate(own))
	wantDenied(t, "reading labels and taints of another cluster's node group", describe(otherCluster))
	wantDenied(t, "scaling another cluster's group", scale(other))
	wantDenied(t, "ending an instance of another cluster's group", terminate(other))
	_, err = groups.UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &own.name, MaxSize: aws.Int32(100),
	})
	wantDenied(t, "raising its group's bounds", err)
	_, err = ec2.NewFromConfig(cfg).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{other.instance}})
	wantDenied(t, "ending an instance by EC2", err)
	if left := a.instances(t, other.name); len(left) != 2 {
		t.Errorf("the other cluster's group has %d instances, want 2", len(left))
	}
	if left := a.instances(t, own.name); len(left) != 2 || slices.Contains(left, own.instance) {
		t.Errorf("its group has instances %v, want 2 and not %s", left, own.instance)
	}
}

func nodeCalls(t *testing.T, cfg aws.Config, own group) {
	machines := ec2.NewFromConfig(cfg)
	_, err := machines.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	wantAllowed(t, "listing instances", err)
	_, err = eks.NewFromConfig(cfg).DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String(ownCluster)})
	wantAllowed(t, "reading its cluster", err)
	_, err = ecr.NewFromConfig(cfg).GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	wantAllowed(t, "logging in to pull images", err)

	groups := autoscaling.NewFromConfig(cfg)
	_, err = groups.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{
		AutoScalingGroupName: &own.name, DesiredCapacity: aws.Int32(5),
	})
	wantDenied(t, "scaling its group", err)
	_, err = machines.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{own.instance}})
	wantDenied(t, "ending instances", err)
	_, err = machines.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{
		NetworkInterfaceId: aws.String("eni-0123456789abcdef0"),
	})
	wantDenied(t, "deleting network interfaces", err)
	_, err = eks.NewFromConfig(cfg).DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: aws.String(ownCluster)})
	wantDenied(t, "deleting its cluster", err)
	_, err = ecr.NewFromConfig(cfg).DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{
		RepositoryName: aws.String(ownCluster + "/gateway"),
	})
	wantDenied(t, "deleting images", err)
}

func networkingCalls(t *testing.T, a *awsAccount, cfg aws.Config, own group) {
	network := ec2.NewFromConfig(cfg)
	created, err := network.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: &a.subnets[0]})
	wantAllowed(t, "making a network interface", err)
	if err == nil {
		_, err = network.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{
			NetworkInterfaceId: created.NetworkInterface.NetworkInterfaceId,
		})
		wantAllowed(t, "deleting it", err)
	}
	_, err = network.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{own.instance}})
	wantDenied(t, "ending instances", err)
	_, err = network.DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: &a.subnets[0]})
	wantDenied(t, "deleting a subnet", err)
}
