package emulator

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	authenticationv1 "k8s.io/api/authentication/v1"
)

// review is the answer to a TokenReview of a token.
func review(t *testing.T, token string) authenticationv1.TokenReviewStatus {
	t.Helper()
	body := mustJSON(authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}})
	answer, err := http.Post(cloud.WebhookURL(), "application/json", strings.NewReader(body))
	defer must(answer, err)(t).Body.Close()
	var got authenticationv1.TokenReview
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Kind != "TokenReview" || got.APIVersion != "authentication.k8s.io/v1" {
		t.Errorf("the answer is a %s of %s", got.Kind, got.APIVersion)
	}
	return got.Status
}

// rawToken is a token like those of `aws eks get-token`. change may change the request before it is signed.
func rawToken(t *testing.T, env []string, cluster string, at time.Time, change func(*http.Request)) string {
	t.Helper()
	p := as(env)
	creds, err := p.cfg.Credentials.Retrieve(t.Context())
	check(t, err)
	r, err := http.NewRequest(http.MethodGet, cloud.URL()+"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	check(t, err)
	r.Header.Set(clusterHeader, cluster)
	if change != nil {
		change(r)
	}
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, hash(nil), "sts", "eu-west-1", at)
	check(t, err)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte(signed))
}

func enter(t *testing.T, cluster, principal string, groups ...string) {
	t.Helper()
	must(deployer().eks.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: &cluster, PrincipalArn: &principal, KubernetesGroups: groups}))(t)
}

func administer(t *testing.T, cluster, principal string) {
	t.Helper()
	must(deployer().eks.AssociateAccessPolicy(t.Context(), &eks.AssociateAccessPolicyInput{
		ClusterName: &cluster, PrincipalArn: &principal, PolicyArn: aws.String(policyARN(adminPolicy)), AccessScope: &ekstypes.AccessScope{Type: ekstypes.AccessScopeTypeCluster},
	}))(t)
}

func TestOnlyAnAccessEntryGivesAccessToACluster(t *testing.T) {
	cluster := newCluster(t, newSite(t))
	env, arn, err := cloud.NewUser(t.Context(), unique("person"), everything)
	check(t, err)
	token := func() string { return rawToken(t, env, cluster, time.Now(), nil) }
	if got := review(t, token()); got.Authenticated || !strings.Contains(got.Error, "no access entry of "+arn) {
		t.Errorf("a user with all IAM permissions and no entry gets %+v", got)
	}
	enter(t, cluster, arn, "viewers")
	got := review(t, token())
	if !got.Authenticated || got.User.Username != arn || !slices.Equal(got.User.Groups, []string{"viewers"}) {
		t.Errorf("with an entry the user is %+v", got)
	}
	administer(t, cluster, arn)
	if got := review(t, token()).User.Groups; !slices.Contains(got, "system:masters") {
		t.Errorf("an administrator is in %v", got)
	}
	must(deployer().eks.DisassociateAccessPolicy(t.Context(), &eks.DisassociateAccessPolicyInput{ClusterName: &cluster, PrincipalArn: &arn, PolicyArn: aws.String(policyARN(adminPolicy))}))(t)
	if got := review(t, token()).User.Groups; slices.Contains(got, "system:masters") {
		t.Errorf("without the policy the user is in %v", got)
	}
	must(deployer().eks.DeleteAccessEntry(t.Context(), &eks.DeleteAccessEntryInput{ClusterName: &cluster, PrincipalArn: &arn}))(t)
	if review(t, token()).Authenticated {
		t.Error("without the entry the user has access")
	}
}

func TestTheCreatorIsAdministratorUnlessBootstrapIsOff(t *testing.T) {
	s := newSite(t)
	for _, bootstrap := range []bool{true, false} {
		in := clusterInput(t, s)
		in.AccessConfig.BootstrapClusterCreatorAdminPermissions = &bootstrap
		must(deployer().eks.CreateCluster(t.Context(), in))(t)
		if got := review(t, rawToken(t, cloud.Env(), *in.Name, time.Now(), nil)); got.Authenticated != bootstrap || bootstrap != slices.Contains(got.User.Groups, "system:masters") {
			t.Errorf("bootstrap %v: the creator gets %+v", bootstrap, got)
		}
	}
}

func TestASessionOfARoleHasTheRolesAccess(t *testing.T) {
	cluster := newCluster(t, newSite(t))
	_, user := user(t, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)
	assumed := roleWith(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["`+cloud.AdminARN()+`","`+user+`"]},"Action":"sts:AssumeRole"}]}`)
	out, err := deployer().sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &assumed, RoleSessionName: aws.String("me@home")})
	c := must(out, err)(t).Credentials
	env := append(cloud.Env(), "AWS_ACCESS_KEY_ID="+*c.AccessKeyId, "AWS_SECRET_ACCESS_KEY="+*c.SecretAccessKey, "AWS_SESSION_TOKEN="+*c.SessionToken)
	enter(t, cluster, assumed)
	got := review(t, rawToken(t, env, cluster, time.Now(), nil))
	want := strings.Replace(strings.Replace(assumed, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/me-home"
	if !got.Authenticated || got.User.Username != want {
		t.Errorf("a session of the role is %+v, want %s", got, want)
	}
}

func TestInvalidTokensAreRefused(t *testing.T) {
	cluster := newCluster(t, newSite(t)) // of the deployer, who is its administrator
	now := time.Now()
	env := cloud.Env()
	forged := slices.Clone(env)
	for i, e := range forged {
		if strings.HasPrefix(e, "AWS_SECRET_ACCESS_KEY=") {
			forged[i] = "AWS_SECRET_ACCESS_KEY=guess"
		}
	}
	unknown := append(slices.Clone(env), "AWS_ACCESS_KEY_ID=AKIANOBODY")
	with := func(query string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery += "&" + query }
	}
	for name, c := range map[string]struct{ token, part string }{
		"a good one":        {rawToken(t, env, cluster, now, nil), ""},
		"of 14 minutes ago": {rawToken(t, env, cluster, now.Add(-14*time.Minute), nil), ""},
		"of 16 minutes ago": {rawToken(t, env, cluster, now.Add(-16*time.Minute), nil), "was signed at"},
		"of tomorrow":       {rawToken(t, env, cluster, now.Add(24*time.Hour), nil), "was signed at"},
		"for no cluster":    {rawToken(t, env, "elsewhere", now, nil), "signature is not of"},
		"a wrong secret":    {rawToken(t, forged, cluster, now, nil), "signature is not of"},
		"an unknown key":    {rawToken(t, unknown, cluster, now, nil), "does not exist"},
		"cluster unsigned":  {rawToken(t, env, cluster, now, func(r *http.Request) { r.Header.Del(clusterHeader) }), "does not sign"},
		"another parameter": {rawToken(t, env, cluster, now, with("RoleArn=x")), "RoleArn"},
		"another action": {rawToken(t, env, cluster, now, func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "GetCallerIdentity", "AssumeRole", 1)
		}), "GetCallerIdentity"},
		"another host": {rawToken(t, env, cluster, now, func(r *http.Request) { r.URL.Host = "example.com"; r.Host = "" }), "not STS"},
		"no prefix":    {"abc", tokenPrefix},
		"no base64":    {tokenPrefix + "!", "base64"},
	} {
		t.Run(name, func(t *testing.T) {
			got := review(t, c.token)
			if got.Authenticated != (c.part == "") || !strings.Contains(got.Error, c.part) {
				t.Errorf("the answer is %+v, want a refusal with %q", got, c.part)
			}
		})
	}
}

func TestATokenOfTheAWSCommandIsAccepted(t *testing.T) {
	command, err := exec.LookPath("aws")
	if err != nil {
		t.Log("there is no aws command on PATH: only tokens of the Go SDK's signer are tested")
		return
	}
	cluster := newCluster(t, newSite(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, "eks", "get-token", "--cluster-name", cluster, "--output", "json")
	cmd.Env = append(os.Environ(), cloud.Env()...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aws eks get-token: %v: %s", err, stderr.String())
	}
	var credential struct{ Status struct{ Token string } }
	check(t, json.Unmarshal(out, &credential))
	if got := review(t, credential.Status.Token); !got.Authenticated || got.User.Username != cloud.AdminARN() {
		t.Errorf("the token of aws eks get-token gives %+v", got)
	}
}

func TestInvalidAccessEntriesAreRefused(t *testing.T) {
	s := newSite(t)
	cluster := newCluster(t, s)
	group, _ := newGroup(t, cluster, s)
	node := *groupOf(t, cluster, group).NodeRole
	_, someone := user(t, `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}`)
	for name, c := range map[string]struct {
		in         eks.CreateAccessEntryInput
		code, part string
	}{
		// EKS itself makes an entry for the role of a managed node group.
		"the role of nodes": {eks.CreateAccessEntryInput{PrincipalArn: &node}, "ResourceInUseException", "already in use"},
		"the creator":       {eks.CreateAccessEntryInput{PrincipalArn: aws.String(cloud.AdminARN())}, "ResourceInUseException", "already in use"},
		"no such user":      {eks.CreateAccessEntryInput{PrincipalArn: aws.String(someone + "x")}, "InvalidParameterException", "principal"},
		"a system group":    {eks.CreateAccessEntryInput{PrincipalArn: &someone, KubernetesGroups: []string{"system:masters"}}, "InvalidParameterException", "system:"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.ClusterName = &cluster
			_, err := deployer().eks.CreateAccessEntry(t.Context(), &c.in)
			wantCode(t, err, c.code, c.part)
		})
	}
}

func TestAnAccessEntryTakesEffectAfterItsTime(t *testing.T) {
	cluster := newCluster(t, newSite(t))
	slower(t, Times{AccessEntry: 500 * time.Millisecond})
	env, arn, err := cloud.NewUser(t.Context(), unique("person"), everything)
	check(t, err)
	enter(t, cluster, arn)
	if got := review(t, rawToken(t, env, cluster, time.Now(), nil)); got.Authenticated {
		t.Error("a new entry gives access at once")
	}
	until(t, "the entry", func() bool { return review(t, rawToken(t, env, cluster, time.Now(), nil)).Authenticated })
}
