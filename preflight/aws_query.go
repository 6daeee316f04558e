package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go/logging"

	"tfserving/catalog"
)

const (
	// awsTimeout limits a query, with the search for credentials. AWS answers within a second; the rest is for a slow
	// connection, for taking a role first, and for retries. The AWS plugin would retry for minutes.
	awsTimeout = 10 * time.Second
	// awsAttempts is how often a query is sent while AWS or the network fails: the SDK's default.
	awsAttempts = 3
	// awsMaxBackoff is the longest pause between attempts. The SDK's default is 20 s, too long for a person who waits.
	awsMaxBackoff = 500 * time.Millisecond
	// imdsAttempts and imdsMaxBackoff are the same for an instance's metadata service, which is close to the instance. Most
	// machines have no such service. With the values above, the search for it would take 5 s.
	imdsAttempts   = 2
	imdsMaxBackoff = 50 * time.Millisecond
)

// awsQuery is one query to AWS, and its input for error messages.
type awsQuery struct {
	action   string // the first words of every error, such as "identifying the AWS account"
	region   string
	endpoint string // a configured endpoint; empty for AWS's own
	timeout  time.Duration
	config   aws.Config
	sources  []aws.CredentialSource // of the credentials, in order; empty before signIn
}

func newRetryer(attempts int, maxBackoff time.Duration) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, maxBackoff })
}

// signIn loads the SDK's configuration and gets the credentials.
func (q *awsQuery) signIn(ctx context.Context) error {
	if !catalog.IsRegionName(q.region) {
		return q.errorf("the region does not have the form of an AWS region, such as eu-west-1: correct aws:region")
	}
	var err error
	q.config, err = config.LoadDefaultConfig(ctx,
		config.WithRegion(q.region),
		config.WithRetryer(func() aws.Retryer { return newRetryer(awsAttempts, awsMaxBackoff) }),
		// The SDK's warnings would mix with the lines of Pulumi's display.
		config.WithLogger(logging.Nop{}),
	)
	if err != nil {
		return q.explain(ctx, err)
	}
	if provider, ok := q.config.Credentials.(aws.CredentialProviderSource); ok {
		q.sources = provider.ProviderSources()
	}
	if slices.Equal(q.sources, []aws.CredentialSource{aws.CredentialSourceIMDS}) {
		client := imds.NewFromConfig(q.config, func(o *imds.Options) {
			o.Retryer, o.DisableDefaultMaxBackoff = newRetryer(imdsAttempts, imdsMaxBackoff), true // the default is 1 s
		})
		q.config.Credentials = aws.NewCredentialsCache(ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client }))
	}
	if _, err := q.config.Credentials.Retrieve(ctx); err != nil {
		return q.explain(ctx, err)
	}
	return nil
}

// SignIn returns the SDK's configuration for a region with the credentials that AWS SDKs find, and a function that explains the
// errors of its clients. Errors begin with the action, such as "reading AWS's price list". limit is the time that ctx allows.
func SignIn(ctx context.Context, region, action string, limit time.Duration) (aws.Config, func(error) error, error) {
	q := &awsQuery{action: action, region: region, timeout: limit}
	if err := q.signIn(ctx); err != nil {
		return aws.Config{}, nil, err
	}
	return q.config, func(err error) error { return q.explain(ctx, err) }, nil
}

// errorf returns an error with the query's action and input, and a formatted description of the problem.
func (q *awsQuery) errorf(format string, args ...any) error {
	input := q.credentialSource() + ", region " + q.region
	if q.endpoint != "" {
		input += ", endpoint " + q.endpoint
	}
	return fmt.Errorf("%s (%s): %s", q.action, input, fmt.Sprintf(format, args...))
}

// explain returns the error of a query that failed with err.
func (q *awsQuery) explain(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", q.action, ctx.Err())
	}
	return q.errorf("%s", q.explainAWSError(ctx, err))
}

// credentialSource describes the source of the credentials. SDKs ignore a profile while the environment has credentials,
// which surprises many people.
func (q *awsQuery) credentialSource() string {
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

// profile is the name of the profile that SDKs use.
func profile() string {
	return cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), defaultProfile)
}
