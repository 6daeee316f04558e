package preflight

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go/logging"
)

// question is one question to AWS, with what a person needs to know when it gets no answer.
type question struct {
	asked    string // what is being done, as the error begins
	region   string
	endpoint string // a configured one; empty is AWS's own
	timeout  time.Duration
	config   aws.Config
	sources  []aws.CredentialSource // where the credentials come from, in order; empty until that is known
}

const (
	// tries is how often a question is asked while AWS is busy or the network fails: the SDK's own number.
	tries = 3
	// maxWait is the longest pause between tries. The SDK's own, 20 s, is for programs that nobody waits for.
	maxWait = 500 * time.Millisecond
	// An instance's metadata are a step away, and most machines are no instance and have none. With the tries and the
	// pauses above, finding that out takes 5 s.
	instanceTries   = 2
	instanceMaxWait = 50 * time.Millisecond
)

func retryer(tries int, maxWait time.Duration) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, maxWait })
}

// regionForm is how AWS names regions, such as eu-west-1, us-gov-east-1 or eusc-de-east-1.
var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)

// signIn finds the credentials. The errors of getting them are told apart from those of using them.
func (q *question) signIn(ctx context.Context) error {
	if !regionForm.MatchString(q.region) {
		return q.says("the region is not named as AWS names them, such as eu-west-1: correct aws:region")
	}
	var err error
	q.config, err = config.LoadDefaultConfig(ctx,
		config.WithRegion(q.region),
		config.WithRetryer(func() aws.Retryer { return retryer(tries, maxWait) }),
		// The SDK's warnings would come between the lines of pulumi's display.
		config.WithLogger(logging.Nop{}),
	)
	if err != nil {
		return q.failed(ctx, err)
	}
	if provider, ok := q.config.Credentials.(aws.CredentialProviderSource); ok {
		q.sources = provider.ProviderSources()
	}
	if slices.Equal(q.sources, []aws.CredentialSource{aws.CredentialSourceIMDS}) {
		client := imds.NewFromConfig(q.config, func(o *imds.Options) {
			o.Retryer, o.DisableDefaultMaxBackoff = retryer(instanceTries, instanceMaxWait), true // the default: a second
		})
		q.config.Credentials = aws.NewCredentialsCache(ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client }))
	}
	if _, err := q.config.Credentials.Retrieve(ctx); err != nil {
		return q.failed(ctx, err)
	}
	return nil
}

// says is the error that a question ends with.
func (q *question) says(trouble string) error {
	return fmt.Errorf("%s (%s): %s", q.asked, strings.Join(q.with(), ", "), trouble)
}

// with is what the question was asked with, as far as a person can change it.
func (q *question) with() []string {
	with := []string{q.credentials(), "region " + q.region}
	if q.endpoint != "" {
		with = append(with, "endpoint "+q.endpoint)
	}
	return with
}

// credentials says where the credentials come from. The environment's hide a profile, to many people's surprise.
func (q *question) credentials() string {
	var source string
	switch {
	case slices.Contains(q.sources, aws.CredentialSourceEnvVars):
		source = "access key of the environment"
	case slices.Contains(q.sources, aws.CredentialSourceEnvVarsSTSWebIDToken):
		source = "web identity of the environment"
	default:
		return "profile " + profile()
	}
	if name := profile(); name != defaultProfile {
		return source + ", which hides profile " + name
	}
	return source
}

const defaultProfile = "default"

// profile is the profile that SDKs take.
func profile() string {
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return defaultProfile
}
