package monitoring

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// prometheusService and alarmService are the AWS services that send messages to the topic.
	prometheusService = "aps.amazonaws.com"
	alarmService      = "cloudwatch.amazonaws.com"
	// keyDeletionDays is how long KMS can restore a deleted key: the longest time that KMS allows. A key that waits for its
	// deletion costs nothing.
	keyDeletionDays = 30
)

// newTopic registers the topic of the alerts, the key that encrypts its messages, and a subscription for each address. It returns
// the topic's ARN, known once AWS's services may send to it.
func newTopic(ctx *pulumi.Context, name string, args *Args, workspace pulumi.StringInput, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	// AWS's own key for SNS, alias/aws/sns, does not admit other services, and its policy cannot be changed.
	key, err := kms.NewKey(ctx, name+"-alerts", &kms.KeyArgs{
		Description:          pulumi.Sprintf("Alerts of %s", args.ClusterName),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(keyDeletionDays),
		Policy:               args.ClusterARN.ToStringOutput().ApplyT(keyPolicy).(pulumi.StringOutput),
	}, append(opts, pulumi.Protect(args.Protect))...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	topic, err := sns.NewTopic(ctx, name, &sns.TopicArgs{KmsMasterKeyId: key.Arn}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	policy := pulumi.All(topic.Arn, workspace).ApplyT(func(all []any) (string, error) {
		return topicPolicy(all[0].(string), all[1].(string), args.ClusterName)
	}).(pulumi.StringOutput)
	admitted, err := sns.NewTopicPolicy(ctx, name, &sns.TopicPolicyArgs{Arn: topic.Arn, Policy: policy}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	for _, address := range args.Notify {
		_, err := sns.NewTopicSubscription(ctx, name+"-"+address, &sns.TopicSubscriptionArgs{
			Topic: topic.Arn, Protocol: pulumi.String("email"), Endpoint: pulumi.String(address),
		}, opts...)
		if err != nil {
			return pulumi.StringOutput{}, err
		}
	}
	return pulumi.OutputWithDependencies(ctx.Context(), topic.Arn, admitted).(pulumi.StringOutput), nil
}

// statement is a statement of a resource's policy.
type statement struct {
	Effect    string
	Principal map[string]string
	Action    []string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func document(statements ...statement) (string, error) {
	for i := range statements {
		statements[i].Effect = "Allow"
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	return string(text), err
}

// keyPolicy returns the JSON of the policy of the topic's key. The account's own policies say who may administer the key, as in the
// policy that KMS gives a key by default. The services that send alerts may use it, and only for resources of this account.
func keyPolicy(clusterARN string) (string, error) {
	cluster, err := arn.Parse(clusterARN)
	if err != nil {
		return "", fmt.Errorf("the policy of the key of the alerts: cluster %q: %w", clusterARN, err)
	}
	own := map[string]map[string]string{"StringEquals": {"aws:SourceAccount": cluster.AccountID}}
	statements := []statement{{
		Principal: map[string]string{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", cluster.Partition, cluster.AccountID)},
		Action:    []string{"kms:*"}, Resource: "*",
	}}
	for _, service := range []string{prometheusService, alarmService} {
		statements = append(statements, statement{
			Principal: map[string]string{"Service": service}, Action: []string{"kms:Decrypt", "kms:GenerateDataKey*"}, Resource: "*", Condition: own,
		})
	}
	return document(statements...)
}

// topicPolicy returns the JSON of the topic's policy: the workspace and the alarms of one cluster may send messages, nobody else
// outside the account.
func topicPolicy(topicARN, workspaceARN, cluster string) (string, error) {
	topic, err := arn.Parse(topicARN)
	if err != nil {
		return "", fmt.Errorf("the policy of the topic of the alerts: topic %q: %w", topicARN, err)
	}
	alarms := fmt.Sprintf("arn:%s:cloudwatch:%s:%s:alarm:%s-*", topic.Partition, topic.Region, topic.AccountID, cluster)
	from := func(service, source string, actions ...string) statement {
		return statement{
			Principal: map[string]string{"Service": service}, Action: actions, Resource: topicARN,
			Condition: map[string]map[string]string{"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": topic.AccountID}},
		}
	}
	return document(
		from(prometheusService, workspaceARN, "sns:Publish", "sns:GetTopicAttributes"),
		from(alarmService, alarms, "sns:Publish"),
	)
}
