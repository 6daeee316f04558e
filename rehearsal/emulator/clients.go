package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.moto.url+"/", bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	if err := a.sign(ctx, r, []byte(body), service, a.cfg.Region); err != nil {
		return err
	}
	answer, err := a.moto.client.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", target, answer.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
