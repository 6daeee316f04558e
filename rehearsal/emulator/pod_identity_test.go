package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// acceptTokens gives the emulator a fake cluster that accepts "token of <namespace>:<name>" as a token of that service account.
func acceptTokens(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "tokenreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		review := action.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenReview).DeepCopy()
		account, found := strings.CutPrefix(review.Spec.Token, "token of ")
		review.Status.Authenticated = found
		review.Status.User.Username = "system:serviceaccount:" + account
		review.Status.Audiences = review.Spec.Audiences
		return true, review, nil
	})
	cloud.SetKubernetes(client)
	t.Cleanup(func() { cloud.SetKubernetes(nil) })
}

// associate associates a role with a service account in a new namespace.
func associate(t *testing.T, cluster, role string) (account string) {
	t.Helper()
	namespace := unique("namespace")
	must(deployer().eks.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
		ClusterName: &cluster, Namespace: &namespace, ServiceAccount: aws.String("app"), RoleArn: &role,
	}))(t)
	return namespace + ":app"
}

// podTrust is a trust policy for EKS Pod Identity with a condition.
func podTrust(actions, condition string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":%s,"Condition":{"StringEquals":{%s}}}]}`,
		podIdentityService, actions, condition)
}

const bothActions = `["sts:AssumeRole","sts:TagSession"]`

func TestAPodHasThePermissionsOfItsServiceAccountsRole(t *testing.T) {
	acceptTokens(t)
	s := newSite(t)
	cluster, other := newCluster(t, s), newCluster(t, s)
	_, own := newGroup(t, cluster, s)
	_, others := newGroup(t, other, s)
	role := roleWith(t, podTrust(bothActions, fmt.Sprintf(`"aws:RequestTag/eks-cluster-arn":"arn:aws:eks:eu-west-1:123456789012:cluster/%s"`, cluster)))
	name := aws.String(role[strings.LastIndex(role, "/")+1:])
	must(deployer().iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("scale"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + scalerStatements(cluster) + `]}`)}))(t)
	account := associate(t, cluster, role)

	cfg := deployer().cfg
	cfg.Credentials = endpointcreds.New(cloud.CredentialsURL(), func(o *endpointcreds.Options) { o.AuthorizationToken = "token of " + account })
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if got := *must(who, err)(t).Arn; !strings.Contains(got, ":assumed-role/"+*name+"/eks-") {
		t.Errorf("the pod is %s", got)
	}
	scaling := autoscaling.NewFromConfig(cfg)
	scale := func(group string) error {
		_, err := scaling.SetDesiredCapacity(t.Context(), &autoscaling.SetDesiredCapacityInput{AutoScalingGroupName: &group, DesiredCapacity: aws.Int32(3)})
		return err
	}
	check(t, scale(own))
	wantCode(t, scale(others), "AccessDenied", others)
	if !journaled(func(e Event) bool {
		return e.Action == "SetDesiredCapacity" && strings.Contains(e.Who, *name) && e.Params["AutoScalingGroupName"] == own && e.Params["DesiredCapacity"] == "3" && e.Status == 200
	}) {
		t.Error("the journal does not have the pod's call")
	}
}

func TestAPodGetsItsRoleOnlyWithTrustAndAssociation(t *testing.T) {
	acceptTokens(t)
	cluster := newCluster(t, newSite(t))
	arn := "arn:aws:eks:eu-west-1:123456789012:cluster/" + cluster
	for name, c := range map[string]struct {
		trust string
		token string
		part  string
	}{
		"trusted":              {podTrust(bothActions, `"aws:SourceArn":"`+arn+`","aws:SourceAccount":"123456789012"`), "", ""},
		"another cluster":      {podTrust(bothActions, `"aws:SourceArn":"`+arn+`x"`), "", "sts:AssumeRole"},
		"another namespace":    {podTrust(bothActions, `"aws:RequestTag/kubernetes-namespace":"kube-system"`), "", "sts:AssumeRole"},
		"without session tags": {podTrust(`"sts:AssumeRole"`, `"aws:SourceArn":"`+arn+`"`), "", "sts:TagSession"},
		"another service":      {strings.Replace(podTrust(bothActions, `"aws:SourceArn":"`+arn+`"`), podIdentityService, "ec2.amazonaws.com", 1), "", "sts:AssumeRole"},
		"an unknown condition": {podTrust(bothActions, `"aws:SourceOrgID":"o"`), "", "not covered"},
		"a forged token":       {podTrust(bothActions, `"aws:SourceArn":"`+arn+`"`), "forged", "not of this cluster"},
		"no association":       {podTrust(bothActions, `"aws:SourceArn":"`+arn+`"`), "token of kube-system:default", "no Pod Identity association"},
	} {
		t.Run(name, func(t *testing.T) {
			account := associate(t, cluster, roleWith(t, c.trust))
			if c.token == "" {
				c.token = "token of " + account
			}
			r, err := http.NewRequest(http.MethodGet, cloud.CredentialsURL(), nil)
			check(t, err)
			r.Header.Set("Authorization", c.token)
			answer, err := http.DefaultClient.Do(r)
			defer must(answer, err)(t).Body.Close()
			body, err := io.ReadAll(answer.Body)
			check(t, err)
			if c.part != "" {
				if answer.StatusCode == http.StatusOK || !strings.Contains(string(body), c.part) {
					t.Errorf("the answer is %s: %s, want a refusal with %q", answer.Status, body, c.part)
				}
				return
			}
			var got struct {
				AccessKeyId, SecretAccessKey, Token string
				Expiration                          time.Time
			}
			if err := json.Unmarshal(body, &got); err != nil || got.Token == "" || time.Until(got.Expiration) < time.Hour {
				t.Errorf("the answer is %s: %s", answer.Status, body)
			}
		})
	}
	// moto enforces permissions again afterwards.
	_, err := sts.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &cloud.moto.url, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("AKIANOBODY", "x", ""),
	}).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/none"), RoleSessionName: aws.String("s")})
	var refused *smithyhttp.ResponseError
	if !errors.As(err, &refused) || refused.HTTPStatusCode() != http.StatusForbidden {
		t.Errorf("afterwards moto answers an unknown key with %v", err)
	}
}

func TestAServiceAccountHasOneAssociation(t *testing.T) {
	d, cluster := deployer(), newCluster(t, newSite(t))
	one, two := role(t, podIdentityService), role(t, podIdentityService)
	account := associate(t, cluster, one)
	namespace := strings.TrimSuffix(account, ":app")
	in := &eks.CreatePodIdentityAssociationInput{ClusterName: &cluster, Namespace: &namespace, ServiceAccount: aws.String("app"), RoleArn: &two}
	_, err := d.eks.CreatePodIdentityAssociation(t.Context(), in)
	wantCode(t, err, "ResourceInUseException", "already exists")
	listed, err := d.eks.ListPodIdentityAssociations(t.Context(), &eks.ListPodIdentityAssociationsInput{ClusterName: &cluster, Namespace: &namespace})
	if must(listed, err)(t); len(listed.Associations) != 1 {
		t.Fatalf("the namespace has %d associations", len(listed.Associations))
	}
	id := listed.Associations[0].AssociationId
	must(d.eks.UpdatePodIdentityAssociation(t.Context(), &eks.UpdatePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: id, RoleArn: &two}))(t)
	got, err := d.eks.DescribePodIdentityAssociation(t.Context(), &eks.DescribePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: id})
	if a := must(got, err)(t).Association; *a.RoleArn != two || *a.Namespace != namespace || *a.ServiceAccount != "app" {
		t.Errorf("the association is %+v", a)
	}
	must(d.eks.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: id}))(t)
	_, err = d.eks.DescribePodIdentityAssociation(t.Context(), &eks.DescribePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: id})
	wantCode(t, err, "ResourceNotFoundException", *id)
}
