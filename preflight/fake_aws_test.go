package preflight

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	region    = "eu-central-1"
	accountID = "111122223333"
	userARN   = "arn:aws:iam::111122223333:user/deployer"
	keyID     = "AKIAEXAMPLE"
	// No error may contain these.
	secretKey    = "sentinel-secret-key"
	sessionToken = "sentinel-session-token"
)

// TestMain removes the AWS settings, credentials and proxies of the environment, so that no test uses them.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") {
			os.Unsetenv(name)
		}
	}
	home, err := os.MkdirTemp("", "preflight")
	if err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"HOME": home, "AWS_CONFIG_FILE": filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "credentials"),
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		os.Setenv(name, value)
	}
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// setAccessKey sets an access key in the environment.
func setAccessKey(t *testing.T) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", keyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_SESSION_TOKEN", sessionToken)
}

// write writes a file, and the folders that it is in.
func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// setConfigFile writes an AWS configuration file and selects a profile of it.
func setConfigFile(t *testing.T, profile, text string) {
	t.Helper()
	t.Setenv("AWS_CONFIG_FILE", write(t, filepath.Join(t.TempDir(), "config"), text))
	t.Setenv("AWS_PROFILE", profile)
}

// fakeAWS is a server that stands for all AWS services, and records the requests.
type fakeAWS struct {
	mu       sync.Mutex
	requests []request
}

type request struct {
	*http.Request
	body string
}

// newFakeAWS starts a fake AWS, and makes SDKs use it by the environment.
func newFakeAWS(t *testing.T, answer http.HandlerFunc) *fakeAWS {
	t.Helper()
	s := &fakeAWS{}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, request{r, string(body)})
		s.mu.Unlock()
		answer(w, r)
	})
	t.Setenv("AWS_ENDPOINT_URL", url)
	// For the services that give credentials, SDKs use only the variable of the service.
	for _, name := range []string{"STS", "SSO", "SSO_OIDC", "SIGNIN"} {
		t.Setenv("AWS_ENDPOINT_URL_"+name, url)
	}
	return s
}

// newSignedInAWS is newFakeAWS with an access key in the environment.
func newSignedInAWS(t *testing.T, answer http.HandlerFunc) *fakeAWS {
	t.Helper()
	setAccessKey(t)
	return newFakeAWS(t, answer)
}

// serve starts a server that runs until the test ends, and returns its URL.
func serve(t *testing.T, answer http.HandlerFunc) string {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// neverAnswer holds each request until the test ends.
func neverAnswer(t *testing.T) http.HandlerFunc {
	testEnds := make(chan struct{})
	t.Cleanup(func() { close(testEnds) })
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-testEnds:
		case <-r.Context().Done():
		}
	}
}

// identity answers like STS: with the account and user of the credentials.
func identity(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>%s</Arn><UserId>AIDAEXAMPLE</UserId><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, userARN, accountID)
}

// refuse answers with an error in the format of STS.
func refuse(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
	}
}

// refuseJSON answers with an error in the format of ECR and IAM Identity Center.
func refuseJSON(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
}

// closedPort is the URL of a port without a listener.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// wantError fails the test unless the error has all of texts, no secret, one line and a readable length.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error lacks %q: %v", text, err)
		}
	}
	for _, secret := range []string{secretKey, sessionToken} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error has a secret: %v", err)
		}
	}
	if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 2*maxQuoteBytes {
		t.Errorf("the error is not one line of a readable length: %v", err)
	}
}

// within returns the error of a call. It fails the test if the call takes more time than most.
func within(t *testing.T, most time.Duration, call func() error) error {
	t.Helper()
	start := time.Now()
	err := call()
	if took := time.Since(start); took > most {
		t.Errorf("it took %s, want at most %s", took, most)
	}
	return err
}

// accountError returns the error of a check of the account in a region, with the timeout of the program or another.
func accountError(t *testing.T, region string, timeout ...time.Duration) error {
	_, err := checkAccount(t.Context(), region, nil, append(timeout, awsTimeout)[0])
	return err
}
