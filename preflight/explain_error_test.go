package preflight

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const prefix = "identifying the AWS account (access key of the environment, region eu-central-1, endpoint http://127.0.0.1:"

func TestEachRefusalOfAWSHasItsRemedy(t *testing.T) {
	setAccessKey(t)
	canonical := "The request signature we calculated does not match.\n\nThe Canonical String should have been\n'POST\n/\nx-amz-security-token:" + sessionToken + "'"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"expired token", refuse(403, "ExpiredToken", "The security token included in the request is expired"), "have expired: get new ones"},
		{"expired token, by another name", refuse(403, "ExpiredTokenException", ""), "have expired: get new ones"},
		{"expired request", refuse(400, "RequestExpired", "Request has expired."), "have expired: get new ones"},
		{"unknown key", refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid."), "AWS has no such access key: it was mistyped, deleted or disabled, or its account has not enabled region eu-central-1"},
		{"wrong secret", refuse(403, "SignatureDoesNotMatch", canonical), "secret key does not belong to the access key"},
		{"slow clock", refuse(403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z"), "clock is wrong"},
		{"fast clock", refuse(403, "SignatureDoesNotMatch", "Signature not yet current: 20260101T003000Z is still later than 20260101T001500Z"), "clock is wrong"},
		{"denied", refuse(403, "AccessDenied", "explicit deny in a service control policy"), "access denied (explicit deny in a service control policy): ask an administrator for the permission"},
		{"another refusal", refuse(400, "IncompleteSignature", "line\n  one\n"), "AWS refuses: IncompleteSignature: line one"},
		{"a long message", refuse(400, "Odd", strings.Repeat("é", 5000)), "AWS refuses: Odd: éé"},
		{"a page of a proxy", page(502), "the answer is HTTP 502 Bad Gateway without an AWS error code"},
		{"a page of some other server", page(404), "the answer is HTTP 404 Not Found without an AWS error code"},
		{"a page of a hotel's network", page(200), "it does not come from AWS"},
		{"an answer without account", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`<GetCallerIdentityResponse><GetCallerIdentityResult></GetCallerIdentityResult></GetCallerIdentityResponse>`))
		}, "has no account number: it does not come from AWS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newFakeAWS(t, c.answer)
			wantError(t, accountError(t, region), prefix, c.want)
		})
	}
}

// page answers with an HTML page.
func page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		w.Write([]byte("<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Log in<br></body></html>"))
	}
}

func TestAnEndpointWithoutAnswerIsAnErrorWithinTheTimeout(t *testing.T) {
	newSignedInAWS(t, neverAnswer(t))
	const timeout = 200 * time.Millisecond
	err := within(t, timeout+time.Second, func() error { return accountError(t, region, timeout) })
	wantError(t, err, prefix, "no answer within 200ms: check the network")
}

func TestAClosedEndpointIsAnErrorAtOnce(t *testing.T) {
	setAccessKey(t)
	url := closedPort(t)
	t.Setenv("AWS_ENDPOINT_URL", url)
	err := within(t, 5*time.Second, func() error { return accountError(t, region) })
	wantError(t, err, prefix, url, "cannot be reached (dial tcp", "connection refused", "check the network")
}

// The endpoint variable of a service overrides the variable of all services.
func TestTheErrorHasTheEndpointOfTheService(t *testing.T) {
	newSignedInAWS(t, identity)
	url := closedPort(t)
	t.Setenv("AWS_ENDPOINT_URL_STS", url)
	wantError(t, accountError(t, region), "endpoint "+url)
}
