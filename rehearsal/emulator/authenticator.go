package emulator

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// This file does the work of EKS's authenticator. A token is a presigned request for GetCallerIdentity that signs the
// cluster's name as a header (kubernetes-sigs/aws-iam-authenticator, "API Authorization from Outside a Cluster").

const (
	tokenPrefix   = "k8s-aws-v1."
	clusterHeader = "x-k8s-aws-id"
	// tokenLife is the time for which a token is valid after its signing. The expiry in the token does not change it.
	tokenLife = 15 * time.Minute
)

// reviewToken answers a TokenReview of authentication.k8s.io/v1.
func (a *AWS) reviewToken(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	var review authenticationv1.TokenReview
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&review); err != nil {
		http.Error(w, "not a TokenReview: "+err.Error(), http.StatusBadRequest)
		return
	}
	event := Event{Time: start, Service: "eks-auth", Action: "TokenReview", Status: http.StatusOK}
	answer := authenticationv1.TokenReview{TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenReview"}}
	user, who, err := a.authenticate(review.Spec.Token)
	if who != nil {
		event.Who = who.ARN
	}
	if err != nil {
		event.Error, event.Status, answer.Status.Error = err.Error(), http.StatusUnauthorized, err.Error()
	} else {
		answer.Status.Authenticated, answer.Status.User = true, *user
		event.Params = map[string]string{"username": user.Username, "groups": strings.Join(user.Groups, ",")}
	}
	event.Duration = time.Since(start)
	a.journal.add(event)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(mustJSON(answer)))
}

// authenticate returns the Kubernetes user of a token's signer in the token's cluster.
func (a *AWS) authenticate(token string) (*authenticationv1.UserInfo, *key, error) {
	encoded, found := strings.CutPrefix(token, tokenPrefix)
	if !found {
		return nil, nil, fmt.Errorf("the token does not begin with %q", tokenPrefix)
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("the token is not base64: %w", err)
	}
	u, valid := validURL(string(text))
	if !valid {
		return nil, nil, errors.New("the token is not a URL")
	}
	s, who, err := a.checkForm(u)
	if err != nil {
		return nil, who, err
	}
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	// All clusters share one API server, so the signed name decides for which cluster the token is.
	for _, one := range a.eks.clusters {
		header := func(name string) []string {
			if name == clusterHeader {
				return []string{one.Name}
			}
			return []string{u.Host}
		}
		if s.matches(who.Secret, http.MethodGet, u, header) {
			user, err := one.admit(who)
			return user, who, err
		}
	}
	return nil, who, fmt.Errorf("the signature is not of %s for an existing cluster", who.ARN)
}

// tokenParameters are the parameters that a token's URL may have.
var tokenParameters = []string{
	"Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token",
}

func (a *AWS) checkForm(u *url.URL) (*signature, *key, error) {
	query := u.Query()
	for name := range query {
		if !slices.Contains(tokenParameters, name) {
			return nil, nil, fmt.Errorf("the token's URL has a parameter %s, which it must not have", name)
		}
	}
	host := strings.TrimPrefix(a.url, "http://")
	if amazon := strings.HasPrefix(u.Host, "sts.") && strings.HasSuffix(u.Host, ".amazonaws.com"); u.Host != host && !amazon {
		return nil, nil, fmt.Errorf("the token's URL leads to %s, which is not STS", u.Host)
	}
	if query.Get("Action") != "GetCallerIdentity" || u.Path != "/" && u.Path != "" {
		return nil, nil, errors.New("the token's URL does not ask for GetCallerIdentity")
	}
	s, err := querySignature(query)
	if err != nil {
		return nil, nil, err
	}
	who := a.keys.get(s.accessKey)
	if who == nil || who.Token != s.token {
		return s, nil, fmt.Errorf("the access key %s does not exist", s.accessKey)
	}
	at, err := s.signedAt()
	now := time.Now()
	switch {
	case err != nil:
		return s, who, err
	case now.After(at.Add(tokenLife)) || at.After(now.Add(maxSkew)):
		return s, who, fmt.Errorf("the token was signed at %s and is valid for %s; it is %s", s.date, tokenLife, now.UTC().Format(amzTime))
	case !who.Expires.IsZero() && now.After(who.Expires):
		return s, who, errors.New("the credentials that signed the token have expired")
	case !slices.Contains(s.headers, clusterHeader):
		return s, who, fmt.Errorf("the token does not sign %s", clusterHeader)
	}
	for _, name := range s.headers {
		if name != "host" && name != clusterHeader {
			return s, who, fmt.Errorf("the token signs the header %s, which is not sent with a token", name)
		}
	}
	return s, who, nil
}

// admit returns the user that a principal's access entry gives. The access policy of cluster administrators becomes the group
// system:masters. The other access policies have no effect: the emulator does not have EKS's authorizer.
func (one *cluster) admit(who *key) (*authenticationv1.UserInfo, error) {
	e := one.entries[who.Principal]
	switch {
	case one.Status != active && one.Status != updating:
		return nil, fmt.Errorf("cluster %s is %s", one.Name, one.Status)
	case e == nil:
		return nil, fmt.Errorf("cluster %s has no access entry of %s", one.Name, who.Principal)
	case time.Now().Before(e.since):
		return nil, fmt.Errorf("the access entry of %s in cluster %s is not in force yet", who.Principal, one.Name)
	case e.Type != "STANDARD":
		return nil, fmt.Errorf("the access entry of %s in cluster %s is for nodes", who.Principal, one.Name)
	}
	groups := slices.Clone(e.Groups)
	if p := e.policies[adminPolicy]; p != nil && p.Scope.Type == "cluster" {
		groups = append(groups, "system:masters")
	}
	session := strings.ReplaceAll(who.session(), "@", "-")
	return &authenticationv1.UserInfo{
		Username: strings.NewReplacer("{{SessionName}}", session, "{{SessionNameRaw}}", who.session(), "{{AccountID}}", strings.Split(who.Principal, ":")[4]).Replace(e.Username),
		UID:      "aws-iam-authenticator:" + strings.Split(who.Principal, ":")[4] + ":" + who.UserID,
		Groups:   groups,
		Extra: map[string]authenticationv1.ExtraValue{
			"arn": {who.ARN}, "canonicalArn": {who.Principal}, "accessKeyId": {who.ID}, "sessionName": {session}, "principalId": {who.UserID},
		},
	}, nil
}

// reviewServiceAccount returns the service account of a token, which the cluster reviews.
func (a *AWS) reviewServiceAccount(ctx context.Context, token string) (*authenticationv1.UserInfo, error) {
	_, _, client := a.controlPlane()
	if client == nil {
		return nil, errors.New("the emulator has no client of a cluster to review tokens (SetKubernetes)")
	}
	review, err := client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{podIdentityService}},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("reviewing the token: %w", err)
	}
	if !review.Status.Authenticated || !slices.Contains(review.Status.Audiences, podIdentityService) {
		return nil, fmt.Errorf("the token is not of this cluster for %s: %s", podIdentityService, review.Status.Error)
	}
	return &review.Status.User, nil
}
