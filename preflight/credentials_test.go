package preflight

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
)

func TestTheErrorWithoutCredentialsSaysHowToSignIn(t *testing.T) {
	newFakeAWS(t, identity)
	for _, c := range []struct{ name, imds, profile, source string }{
		{"instance metadata switched off", "", "", "profile default"},
		{"a profile without credentials", "", "bare", "profile bare"},
		{"a role to take with the credentials of an instance", "", "role", "profile role"},
		{"no instance", closedPort(t), "", "profile default"},
		{"an instance without a role", serve(t, http.NotFound), "", "profile default"},
		{"instance metadata that does not answer", serve(t, neverAnswer(t)), "", "profile default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.profile != "" {
				setConfigFile(t, c.profile, "[profile bare]\nregion = us-east-1\n[profile role]\nrole_arn = arn:aws:iam::111122223333:role/deployer\ncredential_source = Ec2InstanceMetadata\n")
			}
			if c.imds != "" {
				t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
				t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", c.imds)
			}
			err := within(t, awsTimeout/3, func() error { return accountError(t, region) }) // the metadata service has timeouts of its own
			wantError(t, err, "identifying the AWS account ("+c.source+", region eu-central-1)", "there are no AWS credentials: sign in with `aws sso login`", "AWS_PROFILE", "AWS_ACCESS_KEY_ID")
		})
	}
}

// SDKs ignore an access key without a secret key.
func TestAnAccessKeyWithoutItsSecretCountsAsNoCredentials(t *testing.T) {
	newFakeAWS(t, identity)
	t.Setenv("AWS_ACCESS_KEY_ID", keyID)
	wantError(t, accountError(t, region), "there are no AWS credentials", "AWS_SECRET_ACCESS_KEY")
}

func TestTheCredentialsOfAnInstancesRoleAreUsed(t *testing.T) {
	imds := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(w, "token")
		case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
			fmt.Fprint(w, "runner")
		default:
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":"2099-01-01T00:00:00Z"}`, keyID, secretKey, sessionToken)
		}
	})
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds)
	newFakeAWS(t, identity)
	if _, err := CheckAccount(t.Context(), region, nil); err != nil {
		t.Error(err)
	}
}

func TestAMissingProfileIsNamed(t *testing.T) {
	setConfigFile(t, "staging", "[profile other]\nregion = us-east-1\n")
	wantError(t, accountError(t, region), "(profile staging, region eu-central-1)", "there is no profile staging", "aws configure list-profiles")
}

func TestAnAccessKeyThatHidesAProfileIsMentioned(t *testing.T) {
	setConfigFile(t, "staging", "[profile staging]\nregion = us-east-1\n")
	newSignedInAWS(t, refuse(403, "ExpiredToken", ""))
	wantError(t, accountError(t, region), "(access key of the environment, which hides profile staging, region")
}

func TestARefusedWebIdentityIsMentioned(t *testing.T) {
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", write(t, filepath.Join(t.TempDir(), "token"), sessionToken))
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pipeline")
	newFakeAWS(t, refuse(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account"))
	wantError(t, accountError(t, region), "(web identity of the environment, region eu-central-1)", "InvalidIdentityToken: No OpenIDConnect provider")
}

func TestARefusedRoleIsNamed(t *testing.T) {
	setConfigFile(t, "staging", fmt.Sprintf(`[profile staging]
role_arn = arn:aws:iam::111122223333:role/deployer
source_profile = base
[profile base]
aws_access_key_id = %s
aws_secret_access_key = %s
`, keyID, secretKey))
	newFakeAWS(t, refuse(403, "AccessDenied", "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/deployer"))
	wantError(t, accountError(t, region), "profile staging", "access denied (User: arn:aws:iam::111122223333:user/ada is not authorized to perform: sts:AssumeRole", "administrator")
}

const (
	ssoSession = `[profile staging]
sso_session = company
sso_account_id = 111122223333
sso_role_name = deployer
[sso-session company]
sso_start_url = https://company.example/start
sso_region = eu-central-1
`
	ssoLegacy = `[profile staging]
sso_start_url = https://company.example/start
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = deployer
`
	login = `[profile staging]
login_session = arn:aws:iam::111122223333:user/ada
`
)

// setEmptyHome sets the home folder, where SDKs store sessions, to an empty one.
func setEmptyHome(t *testing.T) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
}

// writeSSOSession writes a session like `aws sso login`, which expires at a time.
func writeSSOSession(t *testing.T, session, until string) {
	t.Helper()
	file, err := ssocreds.StandardCachedTokenFilepath(session)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, fmt.Sprintf(`{"accessToken":%q,"expiresAt":%q,"clientId":"c","clientSecret":"s","refreshToken":"r"}`, sessionToken, until))
}

// writeLoginSession writes a session like `aws login`, without the data that new credentials need.
func writeLoginSession(t *testing.T, session, until string) {
	t.Helper()
	file, err := logincreds.StandardCachedTokenFilepath(session, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, fmt.Sprintf(`{"accessToken":{"expiresAt":%q}}`, until))
}

func TestTheErrorOfAnEndedSessionSaysHowToRenewIt(t *testing.T) {
	const (
		never, past, future = "", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
		ssoLogin            = "aws sso login --profile staging"
		awsLogin            = "aws login --profile staging"
	)
	for _, c := range []struct{ name, config, until, refusal, renew string }{
		{"never signed in", ssoSession, never, "", ssoLogin},
		{"expired, and the renewal is refused", ssoSession, past, "InvalidGrantException", ssoLogin},
		{"revoked", ssoSession, future, "UnauthorizedException", ssoLogin},
		{"never signed in, profile without sso_session", ssoLegacy, never, "", ssoLogin},
		{"expired, profile without sso_session", ssoLegacy, past, "", ssoLogin},
		{"revoked, profile without sso_session", ssoLegacy, future, "UnauthorizedException", ssoLogin},
		{"never logged in", login, never, "", awsLogin},
		{"expired login", login, past, "", awsLogin},
	} {
		t.Run(c.name, func(t *testing.T) {
			setEmptyHome(t)
			setConfigFile(t, "staging", c.config)
			newFakeAWS(t, refuseJSON(401, c.refusal, "Session token not found or invalid"))
			if c.until != never {
				switch c.config {
				case ssoSession:
					writeSSOSession(t, "company", c.until)
				case ssoLegacy:
					writeSSOSession(t, "https://company.example/start", c.until)
				case login:
					writeLoginSession(t, "arn:aws:iam::111122223333:user/ada", c.until)
				}
			}
			wantError(t, accountError(t, region), "(profile staging, region eu-central-1", "run `"+c.renew+"`")
		})
	}
}

func TestTheErrorOfExpiredCredentialsOfAValidSessionSaysHowToRenewIt(t *testing.T) {
	setEmptyHome(t)
	setConfigFile(t, "staging", ssoLegacy)
	writeSSOSession(t, "https://company.example/start", "2099-01-01T00:00:00Z")
	newFakeAWS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprintf(w, `{"roleCredentials":{"accessKeyId":%q,"secretAccessKey":%q,"sessionToken":%q,"expiration":4070908800000}}`, keyID, secretKey, sessionToken)
			return
		}
		refuse(403, "ExpiredToken", "")(w, r)
	})
	wantError(t, accountError(t, region), "the credentials have expired: run `aws sso login --profile staging`")
}
