package preflight

import (
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

// Codes with which AWS's services refuse, each service in its own words ("Common errors" in their API references).
var (
	expired    = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
	unknownKey = []string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"}
	badSecret  = []string{"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature"}
	denied     = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
)

const (
	notAWS       = "that is not AWS; check AWS_ENDPOINT_URL and the proxy, if there is one"
	howToSignIn  = "sign in with `aws sso login` or `aws login`, name a profile that has credentials in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	checkNetwork = "check the network, the VPN and the proxy"
	wrongClock   = "this machine's clock is wrong: set it"
)

// failed is the error of a question that got no answer.
func (q *question) failed(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", q.asked, ctx.Err())
	}
	return q.says(q.trouble(ctx, err))
}

// trouble says what is wrong and what to do. It repeats what AWS says only where it has nothing better: of a wrong
// signature, for one, AWS gives back all that was signed, with the session's token.
func (q *question) trouble(ctx context.Context, err error) string {
	var (
		noProfile config.SharedConfigProfileNotExistError
		refusal   smithy.APIError
		answer    *smithyhttp.ResponseError
	)
	switch {
	case errors.As(err, &noProfile):
		return fmt.Sprintf("there is no profile %s: name one of `aws configure list-profiles` in AWS_PROFILE", noProfile.Profile)
	case failedIn(err, "ec2imds"):
		// Where SDKs look last.
		return "there are no AWS credentials: " + howToSignIn
	case errors.As(err, &refusal) && !unreadable(refusal):
		return q.refused(err, refusal)
	case errors.As(err, &answer) && answer.HTTPStatusCode() != 0: // 0 is no answer
		return fmt.Sprintf("the answer is HTTP %d %s, but nothing that AWS would say: %s", answer.HTTPStatusCode(), http.StatusText(answer.HTTPStatusCode()), notAWS)
	case ctx.Err() != nil:
		return fmt.Sprintf("no answer within %s: %s", q.timeout, checkNetwork)
	}
	if text := q.unreachable(ctx, err); text != "" {
		return text
	}
	if renew := q.renewal(); renew != "" {
		return fmt.Sprintf("there is no valid session (%s): %s", line(err.Error()), renew)
	}
	return line(err.Error())
}

// refused says why AWS refuses.
func (q *question) refused(err error, refusal smithy.APIError) string {
	code := refusal.ErrorCode()
	switch {
	case failedIn(err, "SSO"), failedIn(err, "SSO OIDC"), failedIn(err, "Signin"):
		return fmt.Sprintf("the session is not valid any more (%s): %s", code, q.renewal())
	case slices.Contains(expired, code):
		renew := q.renewal()
		if renew == "" {
			renew = "get new ones from where you got these; if they are new, " + wrongClock
		}
		return "the credentials have expired: " + renew
	case slices.Contains(unknownKey, code):
		return fmt.Sprintf("AWS does not know the access key: it was mistyped, deleted or disabled, or its account has not enabled region %s", q.region)
	case slices.Contains(badSecret, code) && strings.Contains(refusal.ErrorMessage(), "Signature expired"),
		slices.Contains(badSecret, code) && strings.Contains(refusal.ErrorMessage(), "Signature not yet current"),
		code == "RequestTimeTooSkewed", code == "RequestInTheFuture":
		return wrongClock
	case slices.Contains(badSecret, code):
		return "the secret key does not belong to the access key: correct AWS_SECRET_ACCESS_KEY, or aws_secret_access_key of the profile"
	case slices.Contains(denied, code):
		return fmt.Sprintf("not allowed (%s): let an administrator grant it, or use other credentials", line(refusal.ErrorMessage()))
	}
	return fmt.Sprintf("AWS refuses: %s: %s", code, line(refusal.ErrorMessage()))
}

// renewal is the command that renews the session that the credentials come from, or empty if they come from none.
func (q *question) renewal() string {
	with := ""
	if name := profile(); name != defaultProfile {
		with = " --profile " + name
	}
	for _, source := range q.sources {
		switch source {
		case aws.CredentialSourceSSO, aws.CredentialSourceSSOLegacy:
			return "run `aws sso login" + with + "`"
		case aws.CredentialSourceLogin:
			return "run `aws login" + with + "`"
		}
	}
	return ""
}

// worldwide is a name that AWS has whatever the region.
const worldwide = "sts.amazonaws.com"

// unreachable says why there was nobody to answer, or nothing if that is not so.
func (q *question) unreachable(ctx context.Context, err error) string {
	var name *net.DNSError
	if errors.As(err, &name) {
		if q.endpoint == "" && name.IsNotFound && strings.Contains(name.Name, q.region) {
			if _, err := net.DefaultResolver.LookupHost(ctx, worldwide); err == nil {
				return fmt.Sprintf("there is no %s, though %s is found: %s has the form of a region, but AWS has none of that name; correct aws:region", name.Name, worldwide, q.region)
			}
		}
		return fmt.Sprintf("%s cannot be found: %s", name.Name, checkNetwork)
	}
	var sending *url.Error
	if errors.As(err, &sending) {
		return fmt.Sprintf("%s cannot be reached (%s): %s", sending.URL, line(sending.Err.Error()), checkNetwork)
	}
	return ""
}

// failedIn says whether an operation of a service failed. It may be one of several within each other: to take on a role,
// to get the credentials for that, and so on.
func failedIn(err error, service string) bool {
	for err != nil {
		var operation *smithy.OperationError
		if !errors.As(err, &operation) {
			return false
		}
		if operation.ServiceID == service {
			return true
		}
		err = operation.Err
	}
	return false
}

// unreadable says whether what the SDK took for a refusal was none of AWS's.
func unreadable(refusal smithy.APIError) bool {
	return refusal.ErrorCode() == "" || refusal.ErrorCode() == "UnknownError"
}

// maxLine is how much of a text from elsewhere is repeated, in bytes: as much as tells what it is about.
const maxLine = 400

// line makes one line of a text from elsewhere.
func line(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	return text
}
