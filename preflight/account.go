package preflight

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Identity is the account and the user or role of AWS credentials.
type Identity struct {
	Account string // 12 digits
	ARN     string // of the user or the session of a role
}

// CheckAccount returns the identity of the credentials that AWS SDKs find (environment, profile, container, instance). The
// AWS plugin uses the same. CheckAccount fails if there are no credentials, if AWS refuses them, if AWS does not answer within
// awsTimeout, or if allowed is not empty and does not have the account.
func CheckAccount(ctx context.Context, region string, allowed []string) (*Identity, error) {
	return checkAccount(ctx, region, allowed, awsTimeout)
}

func checkAccount(ctx context.Context, region string, allowed []string, timeout time.Duration) (*Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	q := &awsQuery{action: "identifying the AWS account", region: region, timeout: timeout}
	if err := q.signIn(ctx); err != nil {
		return nil, err
	}
	client := sts.NewFromConfig(q.config)
	q.endpoint = aws.ToString(client.Options().BaseEndpoint)
	answer, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, q.explain(ctx, err)
	}
	id := &Identity{Account: aws.ToString(answer.Account), ARN: aws.ToString(answer.Arn)}
	if id.Account == "" {
		return nil, q.errorf("the answer has no account number: %s", notAWS)
	}
	if len(allowed) > 0 && !slices.Contains(allowed, id.Account) {
		return nil, q.errorf("the credentials belong to account %s (%s), but tfserving:aws.allowedAccountIds has only %s: use credentials of an allowed account, such as another profile by AWS_PROFILE, or correct the setting",
			id.Account, id.ARN, strings.Join(allowed, ", "))
	}
	return id, nil
}
