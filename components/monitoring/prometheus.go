package monitoring

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/amp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	alerts "tfserving/monitoring"
)

// newWorkspace registers the workspace, which keeps the metrics and evaluates the rules. AWS encrypts it with a key of its own:
// numbers of pods and nodes are no secrets.
func newWorkspace(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (*amp.Workspace, error) {
	return amp.NewWorkspace(ctx, name, &amp.WorkspaceArgs{Alias: pulumi.String(name)}, opts...)
}

// newAlerts registers the rules, and how their alerts become messages of the topic.
func newAlerts(ctx *pulumi.Context, name, region string, workspace *amp.Workspace, topic pulumi.StringInput, opts ...pulumi.ResourceOption) error {
	_, err := amp.NewRuleGroupNamespace(ctx, name, &amp.RuleGroupNamespaceArgs{
		Name: pulumi.String(name), WorkspaceId: workspace.ID(), Data: pulumi.String(string(alerts.Rules)),
	}, opts...)
	if err != nil {
		return err
	}
	_, err = amp.NewAlertManagerDefinition(ctx, name, &amp.AlertManagerDefinitionArgs{
		WorkspaceId: workspace.ID(),
		Definition:  topic.ToStringOutput().ApplyT(func(arn string) string { return definition(arn, region) }).(pulumi.StringOutput),
	}, opts...)
	return err
}

// receiver sends each message of Alertmanager to a topic. SNS takes the subject as the e-mail's, and at most 100 characters of it.
const receiver = `receivers:
  - name: %s
    sns_configs:
      - topic_arn: %s
        sigv4: {region: %s}
        send_resolved: true
        subject: '{{ .Status }}: {{ .CommonLabels.alertname }}'
        message: |
          {{ range .Alerts }}{{ .Status }}: {{ .Labels.alertname }} ({{ .Labels.severity }})
          {{ .Annotations.summary }}
          What to do: {{ .Annotations.runbook }}
          {{ end }}
`

// definition returns the alert manager's definition: the project's routes, in the envelope that the service wants, and a receiver.
func definition(topicARN, region string) string {
	var out strings.Builder
	out.WriteString("alertmanager_config: |\n")
	for line := range strings.Lines(string(alerts.Routes) + fmt.Sprintf(receiver, alerts.Receiver, topicARN, region)) {
		out.WriteString("  " + line)
	}
	return out.String()
}
