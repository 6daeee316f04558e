package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"tfserving/config"
)

// admit makes an IAM role an administrator of the cluster of a stack on EKS. At first only the role that created the cluster
// is one, and another role may have to take the stack down. A stack without a cluster needs no change.
func (s *pulumiStack) admit(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("admit", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set ROLE of the Makefile, not this flag
	role := flags.String("role", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	arn := strings.Split(*role, ":") // arn:PARTITION:iam::ACCOUNT:role/NAME
	if len(arn) != 6 || arn[0] != "arn" || arn[2] != "iam" {
		return fmt.Errorf("ROLE is %q; give the ARN of the IAM role that is to administer the cluster", *role)
	}
	if s.settings.Platform != config.PlatformEKS {
		return fmt.Errorf("stack %s has no cluster on EKS, and only EKS has administrators that are IAM roles", s.name)
	}
	cluster := config.ClusterName(s.name)
	if err := s.callEKS(ctx, "describe-cluster", "--name", cluster); hasCode(err, "ResourceNotFoundException") {
		fmt.Printf("stack %s has no cluster: %s needs no access\n", s.name, *role)
		return nil
	} else if err != nil {
		return err
	}
	// The role has an access entry if it created the cluster or if this command ran before.
	err := s.callEKS(ctx, "create-access-entry", "--cluster-name", cluster, "--principal-arn", *role)
	if err != nil && !hasCode(err, "ResourceInUseException") {
		return err
	}
	if err := s.callEKS(ctx, "associate-access-policy", "--cluster-name", cluster, "--principal-arn", *role, "--access-scope", "type=cluster",
		"--policy-arn", "arn:"+arn[1]+":eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"); err != nil {
		return err
	}
	fmt.Printf("%s administers the cluster of stack %s\n", *role, s.name)
	return nil
}

// callEKS calls EKS for its effect.
func (s *pulumiStack) callEKS(ctx context.Context, call string, args ...string) error {
	return s.callAWS(ctx, nil, "eks", call, args...)
}

// awsError is a failed call of the AWS CLI.
type awsError struct {
	call   string
	err    error
	output string
}

func (e *awsError) Error() string {
	return fmt.Sprintf("%s: %v\n%s", e.call, e.err, lastLines(e.output))
}

// hasCode says whether AWS answered a call with this error code.
func hasCode(err error, code string) bool {
	var e *awsError
	return errors.As(err, &e) && strings.Contains(e.output, "("+code+")")
}
