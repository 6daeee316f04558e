// Package account asks AWS, before anything is made, whether the stack may be made: whose credentials these are, and
// whether its images are there.
package account

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// timeout bounds each question: AWS answers in well under a second, and a person should not wait for an answer that does
// not come, such as the instance metadata's on a laptop.
const timeout = 10 * time.Second

// Identity is who the credentials belong to.
type Identity struct{ Account, ARN string }

// Check returns whose the credentials in the environment are. It is an error, of one line, if there are none, if they are
// expired or refused, if AWS does not answer within 10 s, or if allowed is not empty and lacks the account.
func Check(ctx context.Context, region string, allowed []string) (*Identity, error) {
	return check(ctx, region, allowed, timeout)
}

func check(ctx context.Context, region string, allowed []string, timeout time.Duration) (*Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cfg, err := load(ctx, region)
	if err != nil {
		return nil, fmt.Errorf("asking AWS whose credentials these are (%s): %s", with(region), explain(ctx, err, timeout))
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("asking AWS whose credentials these are (%s): %s", with(region), explain(ctx, err, timeout))
	}
	id := &Identity{Account: aws.ToString(out.Account), ARN: aws.ToString(out.Arn)}
	if len(allowed) > 0 && !slices.Contains(allowed, id.Account) {
		return nil, fmt.Errorf("the AWS credentials (%s) are of account %s, as %s; tfserving:aws.allowedAccountIds allows %s: use another profile (AWS_PROFILE), or another stack",
			with(region), id.Account, id.ARN, strings.Join(allowed, ", "))
	}
	return id, nil
}

func load(ctx context.Context, region string) (aws.Config, error) {
	// One try more than the first: a hiccup passes, and what is down stays down.
	return config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithRetryMaxAttempts(2))
}

// with says what a question is asked with: what a person would look at first.
func with(region string) string {
	parts := []string{"region " + region}
	if p := os.Getenv("AWS_PROFILE"); p != "" {
		parts = append(parts, "profile "+p)
	}
	if e := os.Getenv("AWS_ENDPOINT_URL"); e != "" {
		parts = append(parts, "endpoint "+e)
	}
	return strings.Join(parts, ", ")
}

// noHost is what a resolver says of a name that does not exist.
var noHost = regexp.MustCompile(`lookup (\S+?):? .*no such host|no such host`)

// explain says what is wrong, and what to do about it.
func explain(ctx context.Context, err error, timeout time.Duration) string {
	var api smithy.APIError
	text := err.Error()
	switch {
	case errors.As(err, &api):
		switch api.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
			return "the credentials have expired: sign in again (`aws sso login`, or however you got them)"
		case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId":
			return "AWS does not know the access key: check AWS_ACCESS_KEY_ID, or the profile"
		case "SignatureDoesNotMatch", "InvalidSignatureException":
			return "the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY, or the profile"
		}
		return fmt.Sprintf("AWS refuses: %s (%s)", api.ErrorMessage(), api.ErrorCode())
	case strings.Contains(text, "token has expired") || strings.Contains(text, "InvalidGrantException") || strings.Contains(text, "SSO session"):
		return "the sign-in has expired: `aws sso login`, then again"
	case strings.Contains(text, "failed to get shared config profile"):
		return "there is no such profile: check AWS_PROFILE (`aws configure list-profiles`)"
	case ctx.Err() == context.DeadlineExceeded && !strings.Contains(text, "get credentials"), strings.Contains(text, "connection refused"):
		return fmt.Sprintf("no answer (waited at most %s): check the network, and a proxy if there is one", timeout)
	case strings.Contains(text, "failed to retrieve credentials"), strings.Contains(text, "no EC2 IMDS role found"), strings.Contains(text, "get identity: get credentials"):
		return "there are no AWS credentials: sign in (`aws configure sso`, then AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case noHost.MatchString(text):
		return "the region's address does not exist: check aws:region, and the network"
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// ImageState says whether an image is in a repository.
type ImageState int

const (
	ImageUnknown ImageState = iota // the credentials may not look
	ImageExists
	ImageMissing
	NoRepository // it is yet to be made
)

// FindImage looks for an image, by :tag or @digest, in an ECR repository of the credentials' own account.
func FindImage(ctx context.Context, region, repository, suffix string) (ImageState, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cfg, err := load(ctx, region)
	if err != nil {
		return ImageUnknown, fmt.Errorf("looking for image %s%s (%s): %s", repository, suffix, with(region), explain(ctx, err, timeout))
	}
	id := ecrtypes.ImageIdentifier{}
	if digest, ok := strings.CutPrefix(suffix, "@"); ok {
		id.ImageDigest = &digest
	} else {
		id.ImageTag = aws.String(strings.TrimPrefix(suffix, ":"))
	}
	_, err = ecr.NewFromConfig(cfg).DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &repository, ImageIds: []ecrtypes.ImageIdentifier{id}})
	var api smithy.APIError
	switch {
	case err == nil:
		return ImageExists, nil
	case !errors.As(err, &api):
	case api.ErrorCode() == "RepositoryNotFoundException":
		return NoRepository, nil
	case api.ErrorCode() == "ImageNotFoundException":
		return ImageMissing, nil
	case api.ErrorCode() == "AccessDeniedException":
		return ImageUnknown, nil
	}
	return ImageUnknown, fmt.Errorf("looking for image %s%s (%s): %s", repository, suffix, with(region), explain(ctx, err, timeout))
}
