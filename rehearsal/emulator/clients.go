package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// clients call moto directly as the emulator's own user. They make the calls that AWS makes itself, and read what the front
// needs.
type clients struct {
	iam         *iam.Client
	ec2         *ec2.Client
	autoscaling *autoscaling.Client
	elb         *elb.Client
	ecr         *ecr.Client
	sts         *sts.Client
}

func (a *AWS) setClients(as *key) {
	cfg := aws.Config{
		Region: a.cfg.Region, BaseEndpoint: &a.moto.url, HTTPClient: a.moto.client,
		Credentials:      credentials.NewStaticCredentialsProvider(as.ID, as.Secret, ""),
		RetryMaxAttempts: 1, // moto is on this machine, so a retry would fail, too
	}
	a.clients = &clients{
		iam: iam.NewFromConfig(cfg), ec2: ec2.NewFromConfig(cfg), autoscaling: autoscaling.NewFromConfig(cfg),
		elb: elb.NewFromConfig(cfg), ecr: ecr.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
	}
}

// env are the variables of a process that uses a key.
func (a *AWS) env(k *key) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.url,
		"AWS_ACCESS_KEY_ID=" + k.ID,
		"AWS_SECRET_ACCESS_KEY=" + k.Secret,
		"AWS_REGION=" + a.cfg.Region,
		"AWS_DEFAULT_REGION=" + a.cfg.Region,
		"AWS_EC2_METADATA_DISABLED=true",
		// These hide AWS settings of the person at this machine.
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_PAGER=",
		"NO_PROXY=" + loopback(os.Getenv("NO_PROXY")),
		"no_proxy=" + loopback(os.Getenv("no_proxy")),
	}
}

// sign replaces the signature of a request by one of the emulator's own user.
func (a *AWS) sign(ctx context.Context, r *http.Request, body []byte, service, region string) error {
	for _, name := range []string{"Authorization", "X-Amz-Security-Token", "X-Amz-Date", "X-Amz-Content-Sha256"} {
		r.Header.Del(name)
	}
	return v4.NewSigner().SignHTTP(ctx, aws.Credentials{AccessKeyID: a.root.ID, SecretAccessKey: a.root.Secret},
		r, hash(body), service, region, time.Now())
}

// callJSON calls a service of moto by the JSON protocol. It serves services whose SDK client is not a dependency.
func (a *AWS) callJSON(ctx context.Context, service, target, body string, into any) error {
	text, err := a.callMoto(ctx, service, target, body, http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}})
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// callQuery calls a service of moto by the query protocol, and returns the answer, which is XML.
func (a *AWS) callQuery(ctx context.Context, service, action, version string) ([]byte, error) {
	body := url.Values{"Action": {action}, "Version": {version}}.Encode()
	return a.callMoto(ctx, service, action, body, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func (a *AWS) callMoto(ctx context.Context, service, action, body string, header http.Header) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.moto.url+"/", bytes.NewBufferString(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	if err := a.sign(ctx, r, []byte(body), service, a.cfg.Region); err != nil {
		return nil, err
	}
	answer, text, err := a.moto.send(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", action, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", action, answer.Status, text)
	}
	return text, nil
}
