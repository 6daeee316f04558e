package preflight

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const asked = "asking AWS whose credentials these are (access key of the environment, region eu-central-1, endpoint http://127.0.0.1:"

func TestEveryRefusalSaysWhatToDo(t *testing.T) {
	withKey(t)
	canonical := "The request signature we calculated does not match.\n\nThe Canonical String should have been\n'POST\n/\nx-amz-security-token:" + sessionToken + "'"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		says   string
	}{
		{"expired token", refuse(403, "ExpiredToken", "The security token included in the request is expired"), "have expired: get new ones"},
		{"expired token, by another name", refuse(403, "ExpiredTokenException", ""), "have expired: get new ones"},
		{"expired request", refuse(400, "RequestExpired", "Request has expired."), "have expired: get new ones"},
		{"unknown key", refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid."), "does not know the access key: it was mistyped, deleted or disabled, or its account has not enabled region eu-central-1"},
		{"wrong secret", refuse(403, "SignatureDoesNotMatch", canonical), "secret key does not belong to the access key"},
		{"slow clock", refuse(403, "SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z"), "clock is wrong"},
		{"fast clock", refuse(403, "SignatureDoesNotMatch", "Signature not yet current: 20260101T003000Z is still later than 20260101T001500Z"), "clock is wrong"},
		{"denied", refuse(403, "AccessDenied", "explicit deny in a service control policy"), "not allowed (explicit deny in a service control policy): let an administrator grant it"},
		{"any other", refuse(400, "IncompleteSignature", "line\n  one\n"), "AWS refuses: IncompleteSignature: line one"},
		{"endless", refuse(400, "Odd", strings.Repeat("é", 5000)), "AWS refuses: Odd: éé"},
		{"a page of a proxy", page(502), "HTTP 502 Bad Gateway, but nothing that AWS would say"},
		{"a page of some other server", page(404), "HTTP 404 Not Found, but nothing that AWS would say"},
		{"a page of a hotel's network", page(200), "that is not AWS"},
		{"an answer without account", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`<GetCallerIdentityResponse><GetCallerIdentityResult></GetCallerIdentityResult></GetCallerIdentityResponse>`))
		}, "names no account: that is not AWS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, c.answer)
			_, err := CheckAccount(t.Context(), region, nil)
			mentions(t, err, asked, c.says)
		})
	}
}

func page(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		w.Write([]byte("<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Log in<br></body></html>"))
	}
}

func TestASilentEndpointIsGivenUpInTime(t *testing.T) {
	withKey(t)
	serve(t, silent(t))
	const timeout = 200 * time.Millisecond
	done := within(t, timeout+time.Second)
	_, err := checkAccount(t.Context(), region, nil, timeout)
	done()
	mentions(t, err, asked, "no answer within 200ms: check the network")
}

func TestAClosedEndpointIsGivenUpAtOnce(t *testing.T) {
	withKey(t)
	at := closedPort(t)
	t.Setenv("AWS_ENDPOINT_URL", at)
	done := within(t, 5*time.Second)
	_, err := CheckAccount(t.Context(), region, nil)
	done()
	mentions(t, err, asked, at, "cannot be reached (dial tcp", "connection refused", "check the network")
}

// A service's own endpoint counts for more than the one for all.
func TestTheEndpointThatIsAskedIsTold(t *testing.T) {
	withKey(t)
	serve(t, identity)
	at := closedPort(t)
	t.Setenv("AWS_ENDPOINT_URL_STS", at)
	_, err := CheckAccount(t.Context(), region, nil)
	mentions(t, err, "endpoint "+at)
}
