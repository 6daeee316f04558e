package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	authenticationv1 "k8s.io/api/authentication/v1"
)

// podIdentityService is the service principal that assumes the roles of pods, and the audience of their tokens.
const podIdentityService = "pods.eks.amazonaws.com"

// podSession is the lifetime of a pod's credentials in seconds: 6 h, like those of EKS Pod Identity.
const podSession = 6 * 60 * 60

// podCredentials answers like the EKS Pod Identity agent on a node, which calls AssumeRoleForPodIdentity of EKS Auth.
func (a *AWS) podCredentials(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	event := Event{Time: start, Service: "eks-auth", Action: "AssumeRoleForPodIdentity", Status: http.StatusOK, Params: map[string]string{}}
	answer, err := a.assumeForPod(r.Context(), r.Header.Get("Authorization"), &event)
	if err != nil {
		event.Status, event.Error = http.StatusBadRequest, err.Error()
	}
	event.Duration = time.Since(start)
	a.journal.add(event)
	if err != nil {
		http.Error(w, err.Error(), event.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(mustJSON(answer)))
}

func (a *AWS) assumeForPod(ctx context.Context, token string, event *Event) (any, error) {
	user, err := a.reviewServiceAccount(ctx, token)
	if err != nil {
		return nil, err
	}
	event.Who = user.Username
	parts := strings.Split(user.Username, ":")
	if len(parts) != 4 || parts[0] != "system" || parts[1] != "serviceaccount" {
		return nil, fmt.Errorf("%s is not a service account", user.Username)
	}
	one, role, err := a.associated(parts[2], parts[3])
	if err != nil {
		return nil, err
	}
	event.Params["roleArn"], event.Params["clusterName"] = role, one.name
	if err := a.checkTrust(ctx, role, one, sessionTags(one, parts[2], parts[3], user)); err != nil {
		return nil, err
	}
	var out *sts.AssumeRoleOutput
	session := fmt.Sprintf("eks-%.20s-%.20s-%s", one.name, parts[3], newUUID()[:8])
	// checkTrust has checked the trust policy. moto would check it for the emulator's own user.
	err = a.moto.withoutChecks(ctx, func() (err error) {
		out, err = a.clients.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session, DurationSeconds: aws.Int32(podSession)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("assuming %s: %w", role, err)
	}
	c := out.Credentials
	a.keys.add(&key{
		ID: aws.ToString(c.AccessKeyId), Secret: aws.ToString(c.SecretAccessKey), Token: aws.ToString(c.SessionToken), Expires: aws.ToTime(c.Expiration),
		ARN: aws.ToString(out.AssumedRoleUser.Arn), Principal: role, UserID: aws.ToString(out.AssumedRoleUser.AssumedRoleId),
	})
	return map[string]any{
		"AccessKeyId": c.AccessKeyId, "SecretAccessKey": c.SecretAccessKey, "Token": c.SessionToken, "AccountId": a.account,
		"Expiration": aws.ToTime(c.Expiration).UTC().Format(time.RFC3339),
	}, nil
}

// podCluster is the cluster of a pod.
type podCluster struct{ name, arn string }

// associated is the role of a service account, and the account's cluster. All clusters share one API server, so a service
// account with associations in two clusters is an error.
func (a *AWS) associated(namespace, account string) (podCluster, string, error) {
	a.eks.mu.Lock()
	defer a.eks.mu.Unlock()
	var found []podCluster
	var role string
	for _, one := range a.eks.clusters {
		for _, p := range one.associations {
			if p.Namespace == namespace && p.ServiceAccount == account {
				found, role = append(found, podCluster{one.Name, one.ARN}), p.Role
			}
		}
	}
	switch len(found) {
	case 0:
		return podCluster{}, "", fmt.Errorf("no Pod Identity association of service account %s/%s", namespace, account)
	case 1:
		return found[0], role, nil
	default:
		return podCluster{}, "", fmt.Errorf("service account %s/%s has associations in %d clusters, which share one API server in the emulator", namespace, account, len(found))
	}
}

// sessionTags are the tags that EKS Pod Identity puts on a session ("session tags", EKS User Guide). They name the pod if the
// token is bound to one, like the tokens on nodes.
func sessionTags(one podCluster, namespace, account string, user *authenticationv1.UserInfo) map[string]string {
	tags := map[string]string{
		"eks-cluster-arn": one.arn, "eks-cluster-name": one.name, "kubernetes-namespace": namespace, "kubernetes-service-account": account,
	}
	for tag, extra := range map[string]string{"kubernetes-pod-name": "authentication.kubernetes.io/pod-name", "kubernetes-pod-uid": "authentication.kubernetes.io/pod-uid"} {
		if values := user.Extra[extra]; len(values) > 0 {
			tags[tag] = values[0]
		}
	}
	return tags
}

// checkTrust returns an error unless EKS Pod Identity may assume a role for a session with these tags.
func (a *AWS) checkTrust(ctx context.Context, arn string, one podCluster, tags map[string]string) error {
	role, err := a.role(ctx, arn)
	if err != nil {
		return err
	}
	if role == nil {
		return fmt.Errorf("there is no role %s", arn)
	}
	text, err := url.PathUnescape(aws.ToString(role.AssumeRolePolicyDocument))
	if err != nil {
		return fmt.Errorf("the trust policy of %s: %w", arn, err)
	}
	trust, err := parsePolicy("trust of "+arn, text)
	if err != nil {
		return err
	}
	for _, action := range []string{"sts:AssumeRole", "sts:TagSession"} {
		q := question{action: action, resource: arn}
		q.context.setTags("aws:RequestTag/", tags)
		q.context.set("aws:TagKeys", sortedKeys(tags)...)
		q.context.set("aws:SourceAccount", a.account)
		q.context.set("aws:SourceArn", one.arn)
		podIdentity := &policy{name: trust.name}
		for _, s := range trust.Statements {
			names, err := s.namesService(podIdentityService)
			if err != nil {
				return fmt.Errorf("%s: %w", trust.name, err)
			}
			if names {
				s.Resource = texts{"*"} // a trust policy has no resource: it is for its own role
				podIdentity.Statements = append(podIdentity.Statements, s)
			}
		}
		if d := decide([]*policy{podIdentity}, q); !d.allowed {
			return fmt.Errorf("AccessDenied: %s may not do %s to %s: %s", podIdentityService, action, arn, strings.ReplaceAll(d.reason, "identity-based policy", "statement of its trust policy"))
		}
	}
	return nil
}

// namesService says whether the principal of a trust policy's statement is a service.
func (s *statement) namesService(service string) (bool, error) {
	if s.NotPrincipal != nil {
		return false, errors.New("NotPrincipal is not covered by the emulator")
	}
	if string(s.Principal) == `"*"` {
		return true, nil
	}
	var principals map[string]texts
	if err := json.Unmarshal(s.Principal, &principals); err != nil {
		return false, fmt.Errorf("reading a principal: %w", err)
	}
	return slices.Contains(principals["Service"], service), nil
}
