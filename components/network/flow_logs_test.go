package network

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestFlowLogsRecordAllTrafficForAsLongAsSet(t *testing.T) {
	g := made(t, asIs)
	if got := g.inputs(t, logGroupType+" net-flow-logs")["retentionInDays"]; got != 14.0 {
		t.Errorf("they are kept for %v days, want 14", got)
	}
	want := map[string]any{
		"vpcId": idOf(vpcType, "net"), "trafficType": "ALL", "logDestinationType": "cloud-watch-logs",
		"logDestination": logGroupARN, "iamRoleArn": "arn:of:net-flow-logs", "tags": map[string]any{"Name": "net-flow-logs"},
	}
	if got := g.inputs(t, flowLogType+" net-flow-logs"); !reflect.DeepEqual(got, want) {
		t.Errorf("the flow log is %v, want %v", got, want)
	}
	if !g.waits(t, flowLogType+" net-flow-logs", policyType+" net-flow-logs") {
		t.Error("the flow log does not wait until its role may write")
	}
}

func TestWithoutFlowLogsNothingIsMadeForThem(t *testing.T) {
	g := made(t, func(a *Args) { a.FlowLogRetentionDays = 0 })
	for _, kind := range []string{logGroupType, roleType, policyType, flowLogType} {
		g.wantNames(t, kind)
	}
}

// statements are those of a policy document.
func statements(t *testing.T, text any) []any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(text.(string)), &d); err != nil {
		t.Fatal(err)
	}
	if d["Version"] != "2012-10-17" {
		t.Errorf("the document is of %v", d["Version"])
	}
	return d["Statement"].([]any)
}

func TestOnlyFlowLogsOfThisAccountAndRegionTakeTheRole(t *testing.T) {
	want := []any{map[string]any{
		"Sid": "FlowLogsOfThisAccount", "Effect": "Allow", "Action": "sts:AssumeRole",
		"Principal": map[string]any{"Service": "vpc-flow-logs.amazonaws.com"},
		"Condition": map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": "111122223333"},
			"ArnLike":      map[string]any{"aws:SourceArn": "arn:aws-cn:ec2:cn-north-1:111122223333:vpc-flow-log/*"},
		},
	}}
	got := statements(t, made(t, asIs).inputs(t, roleType+" net-flow-logs")["assumeRolePolicy"])
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the trust is %v, want %v", got, want)
	}
}

func TestTheRoleWritesToOneLogGroupAndMakesNone(t *testing.T) {
	inputs := made(t, asIs).inputs(t, policyType+" net-flow-logs")
	want := []any{
		map[string]any{
			"Sid": "WriteFlowLogs", "Effect": "Allow",
			"Action":   []any{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			"Resource": []any{logGroupARN, logGroupARN + ":*"},
		},
		map[string]any{
			"Sid": "FindLogGroup", "Effect": "Allow", "Action": "logs:DescribeLogGroups",
			"Resource": "*",
		},
	}
	if got := statements(t, inputs["policy"]); !reflect.DeepEqual(got, want) {
		t.Errorf("the policy is %v, want %v", got, want)
	}
	if inputs["role"] != "net-flow-logs" {
		t.Errorf("the policy is on role %v", inputs["role"])
	}
}

func TestAnARNMayEndInAllStreams(t *testing.T) {
	plain, err := flowLogPolicy(logGroupARN)
	if err != nil {
		t.Fatal(err)
	}
	if starred, err := flowLogPolicy(logGroupARN + ":*"); err != nil || starred != plain {
		t.Errorf("with :* at the end the policy is %s (%v), want %s", starred, err, plain)
	}
}

func TestPoliciesAreNotMadeFromWhatIsNoARN(t *testing.T) {
	for name, policy := range map[string]func(string) (string, error){"trust": flowLogTrust, "policy": flowLogPolicy} {
		if _, err := policy("net-flow-logs"); err == nil || !strings.Contains(err.Error(), "net-flow-logs") {
			t.Errorf("%s: error is %v, want one that names the log group", name, err)
		}
	}
}
