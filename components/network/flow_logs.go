package network

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// flowLogService is the AWS service that takes the role to write flow logs.
	flowLogService = "vpc-flow-logs.amazonaws.com"
	// policyVersion is the newest version of the policy language.
	policyVersion = "2012-10-17"
)

// newFlowLogs records the VPC's accepted and refused connections in CloudWatch Logs.
func newFlowLogs(ctx *pulumi.Context, name string, args *Args, vpc *ec2.Vpc, opts ...pulumi.ResourceOption) error {
	if args.FlowLogRetentionDays == 0 {
		return nil
	}
	name += "-flow-logs"
	// CloudWatch Logs encrypts the group with AWS's own key. The records have addresses and ports, but no content.
	group, err := cloudwatch.NewLogGroup(ctx, name, &cloudwatch.LogGroupArgs{
		RetentionInDays: pulumi.Int(args.FlowLogRetentionDays),
		Tags:            nameTag(name),
	}, opts...)
	if err != nil {
		return err
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Description:      pulumi.String("Flow logs of the VPC of " + args.ClusterName),
		AssumeRolePolicy: group.Arn.ApplyT(flowLogTrust).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return err
	}
	policy, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: group.Arn.ApplyT(flowLogPolicy).(pulumi.StringOutput),
	}, opts...)
	if err != nil {
		return err
	}
	_, err = ec2.NewFlowLog(ctx, name, &ec2.FlowLogArgs{
		VpcId:              vpc.ID(),
		TrafficType:        pulumi.String("ALL"),
		LogDestinationType: pulumi.String("cloud-watch-logs"),
		LogDestination:     group.Arn,
		IamRoleArn:         role.Arn,
		Tags:               nameTag(name),
		// The role must be allowed to write before the first record arrives.
	}, append(opts, pulumi.DependsOn([]pulumi.Resource{policy}))...)
	return err
}

// flowLogTrust returns the trust policy that allows flow logs of the log group's account and region to take the role.
// Without the conditions, flow logs of any account could use it (VPC User Guide, IAM role for publishing flow logs).
func flowLogTrust(logGroup string) (string, error) {
	source, err := arn.Parse(logGroup)
	if err != nil {
		return "", fmt.Errorf("log group %q: %w", logGroup, err)
	}
	source.Service, source.Resource = "ec2", "vpc-flow-log/*"
	return document(map[string]any{
		"Sid":       "FlowLogsOfThisAccount",
		"Effect":    "Allow",
		"Principal": map[string]any{"Service": flowLogService},
		"Action":    "sts:AssumeRole",
		"Condition": map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": source.AccountID},
			"ArnLike":      map[string]any{"aws:SourceArn": source.String()},
		},
	})
}

// flowLogPolicy returns the policy that allows the role to write to the log group. Unlike AWS's example, it does not allow
// making log groups: the service would make a deleted group again, without retention and outside the stack.
func flowLogPolicy(logGroup string) (string, error) {
	if _, err := arn.Parse(logGroup); err != nil {
		return "", fmt.Errorf("log group %q: %w", logGroup, err)
	}
	group := strings.TrimSuffix(logGroup, ":*")
	return document(map[string]any{
		"Sid":      "WriteFlowLogs",
		"Effect":   "Allow",
		"Action":   []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
		"Resource": []string{group, group + ":*"},
	}, map[string]any{
		// IAM supports no resource-level permissions for this action (Service Authorization Reference).
		"Sid":      "FindLogGroup",
		"Effect":   "Allow",
		"Action":   "logs:DescribeLogGroups",
		"Resource": "*",
	})
}

// document returns the JSON of a policy.
func document(statements ...map[string]any) (string, error) {
	text, err := json.Marshal(map[string]any{"Version": policyVersion, "Statement": statements})
	return string(text), err
}
