// Package emulated gives a test an AWS account on this machine (package rehearsal/emulator), which ends with the test.
package emulated

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"tfserving/rehearsal/emulator"
)

const (
	// AccountID is the number of every emulated account: moto's default (moto.core.DEFAULT_ACCOUNT_ID).
	AccountID = "123456789012"
	// Region is where the tests that choose a region work. docs/state.md and docs/delivery.md name the same one.
	Region = "eu-west-1"
)

// Start starts an account that keeps its logs in dir, and installs moto if this machine lacks it. The test's cleanup ends it.
func Start(t testing.TB, dir, region string, times emulator.Times) *emulator.AWS {
	t.Helper()
	moto, err := emulator.EnsureMoto(t.Context(), os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	// The test's own context ends before its cleanups run, and they still need the account.
	running := context.WithoutCancel(t.Context())
	account, err := emulator.Start(running, emulator.Config{Dir: dir, MotoServer: moto, Region: region, Times: times, Log: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := account.Stop(); err != nil {
			t.Errorf("stopping emulated AWS: %v", err)
		}
	})
	return account
}

// Config configures clients of AWS as the account's deployer, who may do everything in it.
func Config(account *emulator.AWS) aws.Config {
	env := map[string]string{}
	for _, variable := range account.Env() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	return aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
}
