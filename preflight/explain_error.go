package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Error codes of AWS's services. Each service has its own ("Common errors" in their API references).
var (
	expiredCodes      = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	unknownKeyCodes   = []string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"}
	badSignatureCodes = []string{"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature"}
	wrongClockCodes   = []string{"RequestTimeTooSkewed", "RequestInTheFuture"}
	accessDeniedCodes = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)

const (
	notAWS       = "it does not come from AWS; check AWS_ENDPOINT_URL and the proxy, if there is one"
	howToSignIn  = "sign in with `aws sso login` or `aws login`, set AWS_PROFILE to a profile that has credentials, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	checkNetwork = "check the network, the VPN and the proxy"
	wrongClock   = "this machine's clock is wrong: set it"
)

// explainAWSError returns the problem behind an error of the SDK, and the remedy. It quotes AWS's message only if it has no
// better text: to a request with a wrong signature, for example, AWS returns all that was signed, with the session token.
func (q *awsQuery) explainAWSError(ctx context.Context, err error) string {
	var (
		noProfile config.SharedConfigProfileNotExistError
		refusal   smithy.APIError
		response  *smithyhttp.ResponseError
	)
	switch {
	case errors.As(err, &noProfile):
		return fmt.Sprintf("there is no profile %s: set AWS_PROFILE to one of `aws configure list-profiles`", noProfile.Profile)
	case isFromService(err, "ec2imds"): // SDKs look for an instance's credentials last
		return "there are no AWS credentials: " + howToSignIn
	case errors.As(err, &refusal) && hasErrorCode(refusal):
		return q.explainRefusal(err, refusal)
	case errors.As(err, &response) && response.HTTPStatusCode() != 0: // 0 means no response
		return fmt.Sprintf("the answer is HTTP %d %s without an AWS error code: %s", response.HTTPStatusCode(), http.StatusText(response.HTTPStatusCode()), notAWS)
	case ctx.Err() != nil:
		return fmt.Sprintf("no answer within %s: %s", q.timeout, checkNetwork)
	}
	if text := q.explainConnectionError(ctx, err); text != "" {
		return text
	}
	if command := q.renewCommand(); command != "" {
		return fmt.Sprintf("there is no valid session (%s): %s", oneLine(err.Error()), command)
	}
	return oneLine(err.Error())
}

// explainRefusal returns the problem, and the remedy, if AWS answered with an error code.
func (q *awsQuery) explainRefusal(err error, refusal smithy.APIError) string {
	code, message := refusal.ErrorCode(), refusal.ErrorMessage()
	badSignature := slices.Contains(badSignatureCodes, code)
	switch {
	case isFromService(err, "SSO"), isFromService(err, "SSO OIDC"), isFromService(err, "Signin"):
		return fmt.Sprintf("the session is no longer valid (%s): %s", code, q.renewCommand())
	case slices.Contains(expiredCodes, code):
		return "the credentials have expired: " + cmp.Or(q.renewCommand(), "get new ones from the same source; if they are new, "+wrongClock)
	case slices.Contains(unknownKeyCodes, code):
		return fmt.Sprintf("AWS has no such access key: it was mistyped, deleted or disabled, or its account has not enabled region %s", q.region)
	case badSignature && strings.Contains(message, "Signature expired"),
		badSignature && strings.Contains(message, "Signature not yet current"),
		slices.Contains(wrongClockCodes, code):
		return wrongClock
	case badSignature:
		return "the secret key does not belong to the access key: correct AWS_SECRET_ACCESS_KEY, or aws_secret_access_key of the profile"
	case slices.Contains(accessDeniedCodes, code):
		return fmt.Sprintf("access denied (%s): ask an administrator for the permission, or use other credentials", oneLine(message))
	}
	return fmt.Sprintf("AWS refuses: %s: %s", code, oneLine(message))
}

// renewCommand returns the remedy for a session that has ended, or "" if the credentials do not come from a session.
func (q *awsQuery) renewCommand() string {
	option := ""
	if name := profile(); name != defaultProfile {
		option = " --profile " + name
	}
	for _, source := range q.sources {
		switch source {
		case aws.CredentialSourceSSO, aws.CredentialSourceSSOLegacy:
			return "run `aws sso login" + option + "`"
		case aws.CredentialSourceLogin:
			return "run `aws login" + option + "`"
		}
	}
	return ""
}

// globalSTSHost is a host of AWS that does not depend on the region.
const globalSTSHost = "sts.amazonaws.com"

// explainConnectionError returns why the connection failed, and the remedy, or "" for an error of another kind.
func (q *awsQuery) explainConnectionError(ctx context.Context, err error) string {
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		if q.endpoint == "" && lookup.IsNotFound && strings.Contains(lookup.Name, q.region) {
			if _, err := net.DefaultResolver.LookupHost(ctx, globalSTSHost); err == nil {
				return fmt.Sprintf("DNS has %s, but not %s: AWS has no region %s; correct aws:region", globalSTSHost, lookup.Name, q.region)
			}
		}
		return fmt.Sprintf("%s cannot be found: %s", lookup.Name, checkNetwork)
	}
	var request *url.Error
	if errors.As(err, &request) {
		return fmt.Sprintf("%s cannot be reached (%s): %s", request.URL, oneLine(request.Err.Error()), checkNetwork)
	}
	return ""
}

// isFromService returns whether an operation of an AWS service failed. Operations nest: to get credentials, for example, is
// part of taking a role.
func isFromService(err error, serviceID string) bool {
	for err != nil {
		var operation *smithy.OperationError
		if !errors.As(err, &operation) {
			return false
		}
		if operation.ServiceID == serviceID {
			return true
		}
		err = operation.Err
	}
	return false
}

// hasErrorCode returns whether an answer has an AWS error code. The SDK makes an APIError of other servers' answers too.
func hasErrorCode(refusal smithy.APIError) bool {
	return refusal.ErrorCode() != "" && refusal.ErrorCode() != "UnknownError"
}

// maxQuoteBytes limits a quotation from an answer, so that the error stays readable.
const maxQuoteBytes = 400

// oneLine returns the beginning of a text as one line.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxQuoteBytes {
		text = strings.ToValidUTF8(text[:maxQuoteBytes], "") + "…"
	}
	return text
}
