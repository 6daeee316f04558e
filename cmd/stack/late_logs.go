package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tfserving/config"
)

// removeLateLogs deletes the log group of a cluster that does not exist, if EKS has made the group. EKS writes the last lines of
// a control plane after `make down` has deleted cluster and group, and makes the group for them (terraform-aws-eks, issue 2763).
// It keeps such a group for ever, and the next `make up` could not make its own. A group with the tag `stack` is the stack's own
// and stays.
//
// The program refuses an account that the settings do not allow. There, removeLateLogs does nothing.
func (s *pulumiStack) removeLateLogs(ctx context.Context) error {
	var caller struct{ Account string }
	if err := s.callAWS(ctx, &caller, "sts", "get-caller-identity"); err != nil {
		return err
	}
	if allowed := s.settings.AWS.AllowedAccountIDs; len(allowed) > 0 && !slices.Contains(allowed, caller.Account) {
		return nil
	}
	cluster := config.ClusterName(s.name)
	name := "/aws/eks/" + cluster + "/cluster"
	var found struct {
		LogGroups []struct{ LogGroupName, Arn string }
	}
	if err := s.callAWS(ctx, &found, "logs", "describe-log-groups", "--log-group-name-prefix", name); err != nil {
		return err
	}
	for _, g := range found.LogGroups {
		if g.LogGroupName != name {
			continue
		}
		var own struct{ Tags map[string]string }
		if err := s.callAWS(ctx, &own, "logs", "list-tags-for-resource", "--resource-arn", strings.TrimSuffix(g.Arn, ":*")); err != nil {
			return err
		}
		if own.Tags["stack"] != "" {
			return nil
		}
		if err := s.callAWS(ctx, nil, "eks", "describe-cluster", "--name", cluster); !hasCode(err, "ResourceNotFoundException") {
			return err
		}
		fmt.Printf("deleting log group %s, which EKS has made for the last lines of a deleted cluster\n", name)
		return s.callAWS(ctx, nil, "logs", "delete-log-group", "--log-group-name", name)
	}
	return nil
}

// callAWS calls a service in the stack's region with the AWS CLI and the caller's own credentials, and reads the answer into into
// unless that is nil.
func (s *pulumiStack) callAWS(ctx context.Context, into any, service, call string, args ...string) error {
	cmd := s.command(ctx, "aws", append([]string{service, call, "--region", s.settings.Region, "--output", "json"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return &awsError{call: "aws " + service + " " + call, err: err, output: string(out)}
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("reading the answer of aws %s %s: %w", service, call, err)
	}
	return nil
}
