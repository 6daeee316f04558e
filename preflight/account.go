package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Timeout is how long one question may take, getting credentials included. AWS answers in less than a second; the rest
// is for a slow line, a role to take on first, and the further tries. Left alone, the AWS plugin tries for minutes.
const Timeout = 10 * time.Second

// Identity is whose the credentials are.
type Identity struct {
	Account string // 12 digits
	ARN     string // of the user or the assumed role
}

// CheckAccount returns whose the credentials are that AWS SDKs find (environment, profile, container, instance), and with which
// the AWS plugin will work. It is an error if there are none, if AWS does not take them, if the region or AWS itself
// cannot be reached within Timeout, or if allowed has accounts and theirs is not among them.
func CheckAccount(ctx context.Context, region string, allowed []string) (*Identity, error) {
	return checkAccount(ctx, region, allowed, Timeout)
}

func checkAccount(ctx context.Context, region string, allowed []string, timeout time.Duration) (*Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	q := &question{asked: "asking AWS whose credentials these are", region: region, timeout: timeout}
	if err := q.signIn(ctx); err != nil {
		return nil, err
	}
	client := sts.NewFromConfig(q.config)
	q.endpoint = aws.ToString(client.Options().BaseEndpoint)
	answer, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, q.failed(ctx, err)
	}
	id := &Identity{Account: aws.ToString(answer.Account), ARN: aws.ToString(answer.Arn)}
	if id.Account == "" {
		return nil, q.says("the answer names no account: " + notAWS)
	}
	if len(allowed) > 0 && !slices.Contains(allowed, id.Account) {
		return nil, q.says(fmt.Sprintf("they are of account %s (%s), and tfserving:aws.allowedAccountIds has only %s: use credentials of an account that is allowed, such as another profile by AWS_PROFILE, or correct the setting",
			id.Account, id.ARN, strings.Join(allowed, ", ")))
	}
	return id, nil
}
