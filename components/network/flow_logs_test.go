package network

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"tfserving/internal/mockengine"
)

func TestFlowLogsRecordAllTrafficAndAreKeptForTheRetentionTime(t *testing.T) {
	g := mustRegister(t)
	if got := g.inputs(t, logGroupType, "net-flow-logs")["retentionInDays"]; got != 14.0 {
		t.Errorf("the retention is %v days, want 14", got)
	}
	want := map[string]any{
		"vpcId": id(vpcType, "net"), "trafficType": "ALL", "logDestinationType": "cloud-watch-logs",
		"logDestination": logGroupARN, "iamRoleArn": "arn:aws:iam::" + mockengine.Account + ":role/net-flow-logs", "tags": map[string]any{"Name": "net-flow-logs"},
	}
	if got := g.inputs(t, flowLogType, "net-flow-logs"); !reflect.DeepEqual(got, want) {
		t.Errorf("the flow log is %v, want %v", got, want)
	}
	if !g.DependsOn(g.Get(t, flowLogType, "net-flow-logs"), g.Get(t, policyType, "net-flow-logs")) {
		t.Error("the flow log does not wait until its role may write")
	}
}

func TestANetworkWithoutFlowLogsHasNoLogGroupAndNoRole(t *testing.T) {
	g := mustRegister(t, func(a *Args) { a.FlowLogRetentionDays = 0 })
	for _, kind := range []string{logGroupType, roleType, policyType, flowLogType} {
		g.wantNames(t, kind)
	}
}

// statements are the statements of a policy document.
func statements(t *testing.T, text any) []any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(text.(string)), &d); err != nil {
		t.Fatal(err)
	}
	if d["Version"] != "2012-10-17" {
		t.Errorf("the document has version %v", d["Version"])
	}
	return d["Statement"].([]any)
}

func TestOnlyFlowLogsOfTheSameAccountAndRegionMayTakeTheRole(t *testing.T) {
	want := []any{map[string]any{
		"Sid": "FlowLogsOfThisAccount", "Effect": "Allow", "Action": "sts:AssumeRole",
		"Principal": map[string]any{"Service": "vpc-flow-logs.amazonaws.com"},
		"Condition": map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": mockengine.Account},
			"ArnLike":      map[string]any{"aws:SourceArn": "arn:aws-cn:ec2:cn-north-1:" + mockengine.Account + ":vpc-flow-log/*"},
		},
	}}
	got := statements(t, mustRegister(t).inputs(t, roleType, "net-flow-logs")["assumeRolePolicy"])
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the trust policy is %v, want %v", got, want)
	}
}

func TestTheFlowLogRoleWritesToOneLogGroupAndCannotMakeOne(t *testing.T) {
	inputs := mustRegister(t).inputs(t, policyType, "net-flow-logs")
	want := []any{
		map[string]any{
			"Sid": "WriteFlowLogs", "Effect": "Allow", "Action": []any{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			"Resource": []any{logGroupARN, logGroupARN + ":*"},
		},
		map[string]any{"Sid": "FindLogGroup", "Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
	}
	if got := statements(t, inputs["policy"]); !reflect.DeepEqual(got, want) {
		t.Errorf("the policy is %v, want %v", got, want)
	}
	if inputs["role"] != "net-flow-logs" {
		t.Errorf("the policy is on role %v", inputs["role"])
	}
}

func TestTheLogGroupARNMayEndInAllStreams(t *testing.T) {
	plain, err := flowLogPolicy(logGroupARN)
	if err != nil {
		t.Fatal(err)
	}
	if starred, err := flowLogPolicy(logGroupARN + ":*"); err != nil || starred != plain {
		t.Errorf("with :* at the end the policy is %s (%v), want %s", starred, err, plain)
	}
}

func TestALogGroupWithoutAnARNIsAnError(t *testing.T) {
	for name, policy := range map[string]func(string) (string, error){"trust": flowLogTrust, "policy": flowLogPolicy} {
		if _, err := policy("net-flow-logs"); err == nil || !strings.Contains(err.Error(), "net-flow-logs") {
			t.Errorf("%s: error is %v, want one that names the log group", name, err)
		}
	}
}
