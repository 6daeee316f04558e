package machines

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"k8s.io/apimachinery/pkg/util/rand"
)

// observerPolicy lets the machines read the instances, node groups and associations. They change nothing in their own name.
const observerPolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",
	"Action": ["autoscaling:Describe*", "ec2:Describe*", "eks:Describe*", "eks:List*"]}]}`

// refreshWindow is the time before their expiry at which credentials are renewed. STS gives them for at least 15 min.
const refreshWindow = 5 * time.Minute

// callTimeout bounds a call of a server on this machine, which takes milliseconds.
const callTimeout = 30 * time.Second

// newObserver makes a user of the emulated account with read-only permissions. By this user, the emulator's journal separates
// the machines' calls from those of the stack under test.
func (m *Machines) newObserver(ctx context.Context) (aws.Config, error) {
	env, _, err := m.cfg.AWS.NewUser(ctx, "machines-"+rand.String(5), observerPolicy)
	if err != nil {
		return aws.Config{}, fmt.Errorf("making the machines' AWS user: %w", err)
	}
	keys := variables(env)
	cfg := m.awsConfig(m.cfg.Region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(
		keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"])
	return cfg, nil
}

// podCredentials are the credentials that the Pod Identity agent gives for a pod's token.
func (m *Machines) podCredentials(token string) aws.CredentialsProvider {
	agent := endpointcreds.New(m.cfg.AWS.CredentialsURL(), func(o *endpointcreds.Options) {
		o.HTTPClient = m.aws
		o.AuthorizationToken = token
	})
	return aws.NewCredentialsCache(agent, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = refreshWindow })
}

// awsConfig is the emulated AWS without credentials.
func (m *Machines) awsConfig(region string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(m.cfg.AWS.URL()), HTTPClient: m.aws}
}

// variables are the variables of an environment by name.
func variables(env []string) map[string]string {
	byName := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		byName[name] = value
	}
	return byName
}

// requestID matches the part of an AWS error that differs between two equal failures.
var requestID = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|RequestID: [^,]*`)

func sameFailure(a, b error) bool {
	return requestID.ReplaceAllString(a.Error(), "") == requestID.ReplaceAllString(b.Error(), "")
}
