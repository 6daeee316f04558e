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

// admit makes a role an administrator of the cluster of a stack on EKS. Who takes a stack down may be another than who made
// it, whom alone the cluster knows then. Where there is no cluster there is nothing to let anybody into.
func (s *stack) admit(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("admit", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the Makefile calls this; its word is ROLE
	role := flags.String("role", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	arn := strings.Split(*role, ":") // arn:PARTITION:iam::ACCOUNT:role/NAME
	if len(arn) != 6 || arn[0] != "arn" || arn[2] != "iam" {
		return fmt.Errorf("ROLE is %q; give the ARN of the IAM role that is to administer the cluster", *role)
	}
	if s.settings.Platform != config.PlatformEKS {
		return fmt.Errorf("stack %s has no cluster on EKS, and no other knows an IAM role", s.name)
	}
	cluster := []string{"--cluster-name", config.ClusterName(s.name), "--principal-arn", *role}
	there := []string{"--name", config.ClusterName(s.name)}
	if err := s.eks(ctx, "describe-cluster", there...); refusedAs(err, "ResourceNotFoundException") {
		fmt.Printf("stack %s has no cluster, so there is nothing to let %s into\n", s.name, *role)
		return nil
	} else if err != nil {
		return err
	}
	// Who made the cluster, or was let in before, has an entry.
	if err := s.eks(ctx, "create-access-entry", cluster...); err != nil && !refusedAs(err, "ResourceInUseException") {
		return err
	}
	if err := s.eks(ctx, "associate-access-policy", append(cluster, "--access-scope", "type=cluster",
		"--policy-arn", "arn:"+arn[1]+":eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy")...); err != nil {
		return err
	}
	fmt.Printf("%s administers the cluster of stack %s\n", *role, s.name)
	return nil
}

// eks calls EKS in the stack's region with the AWS CLI, as whoever this runs as.
func (s *stack) eks(ctx context.Context, call string, args ...string) error {
	out, err := s.command(ctx, "aws", append([]string{"eks", call, "--region", s.settings.Region}, args...)...).CombinedOutput()
	if err != nil {
		return &refusal{call: "aws eks " + call, err: err, said: string(out)}
	}
	return nil
}

// refusal is a call of AWS that failed, and what was said to it.
type refusal struct {
	call string
	err  error
	said string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %v\n%s", r.call, r.err, lastLines(r.said)) }

// refusedAs tells whether AWS refused a call with this code.
func refusedAs(err error, code string) bool {
	var r *refusal
	return errors.As(err, &r) && strings.Contains(r.said, "("+code+")")
}
