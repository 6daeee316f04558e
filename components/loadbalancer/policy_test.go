package loadbalancer

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func policyOf(t *testing.T, clusterARN string) (document, string) {
	t.Helper()
	text, err := Policy(clusterARN)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("the policy is not JSON: %v\n%s", err, text)
	}
	return d, text
}

func publishedPolicy(t *testing.T) document {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(published))
	decoder.DisallowUnknownFields() // nothing of what is published may get lost
	var d document
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestThePolicyAllowsThePublishedActionsAndNoOthers(t *testing.T) {
	want := publishedPolicy(t)
	got, _ := policyOf(t, clusterARN)
	if len(got.Statement) != len(want.Statement) {
		t.Fatalf("there are %d statements, and %d are published", len(got.Statement), len(want.Statement))
	}
	for i, w := range want.Statement {
		if g := got.Statement[i]; g.Effect != "Allow" || !slices.Equal(g.Action, w.Action) || !reflect.DeepEqual(g.Resource, w.Resource) {
			t.Errorf("statement %d is %+v, and published is %+v", i, g, w)
		}
	}
}

// What a controller of release 2.13 cannot do without; older policies lack the one or the other (its release notes).
func TestThePolicyIsOfTheChartsRelease(t *testing.T) {
	for _, action := range []string{
		"ec2:GetSecurityGroupsForVpc", "elasticloadbalancing:DescribeListenerAttributes", // 2.10
		"elasticloadbalancing:DescribeCapacityReservation", "elasticloadbalancing:ModifyCapacityReservation", // 2.11
		"ec2:DescribeIpamPools", "elasticloadbalancing:ModifyIpPools", "elasticloadbalancing:SetRulePriorities", // 2.12
		"ec2:DescribeRouteTables", // 2.13
	} {
		if !bytes.Contains(published, []byte(`"`+action+`"`)) {
			t.Errorf("%s is not in the policy", action)
		}
	}
}

func TestAnotherClustersLoadBalancersAreOutOfReach(t *testing.T) {
	got, _ := policyOf(t, clusterARN)
	bound := 0
	for i, s := range got.Statement {
		for key, missing := range s.Condition["Null"] {
			if missing != "true" {
				t.Errorf("statement %d is content with any value of %s", i, key)
			}
		}
		for key, value := range s.Condition["StringEquals"] {
			if strings.HasSuffix(key, clusterTag) {
				if bound++; value != "tfserving-test" {
					t.Errorf("statement %d wants %s to be %v", i, key, value)
				}
			}
		}
		for _, action := range []string{
			"elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyLoadBalancerAttributes",
			"ec2:DeleteSecurityGroup",
		} {
			if slices.Contains(s.Action, action) && s.Condition["StringEquals"]["aws:ResourceTag/elbv2.k8s.aws/cluster"] != "tfserving-test" {
				t.Errorf("statement %d allows %s on what is not this cluster's: %v", i, action, s.Condition)
			}
		}
	}
	if want := bytes.Count(published, []byte(`/elbv2.k8s.aws/cluster": "false"`)); bound != want || want == 0 {
		t.Errorf("%d conditions name the cluster, want %d", bound, want)
	}
}

// The conditions that the published policy has besides stay as they are.
func TestConditionsAreAddedToAndNotReplaced(t *testing.T) {
	got, _ := policyOf(t, clusterARN)
	for i, w := range publishedPolicy(t).Statement {
		for operator, conditions := range w.Condition {
			for key, value := range conditions {
				if operator == "Null" && value == "false" {
					continue
				}
				if g := got.Statement[i].Condition[operator][key]; !reflect.DeepEqual(g, value) {
					t.Errorf("statement %d: %s of %s is %v, published is %v", i, operator, key, g, value)
				}
			}
		}
	}
}

func TestThePolicyIsOfTheClustersPartition(t *testing.T) {
	_, text := policyOf(t, "arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/a")
	if strings.Contains(text, "arn:aws:") || !strings.Contains(text, "arn:aws-us-gov:ec2:") {
		t.Errorf("resources of another partition: %s", text)
	}
}

func TestThePolicyFitsARole(t *testing.T) {
	const most = 10240 // characters of all inline policies of a role (IAM quotas)
	if _, text := policyOf(t, clusterARN); len(text) > most {
		t.Errorf("the policy has %d characters; a role takes %d", len(text), most)
	}
}

func TestThePolicyIsMadeForAClusterAlone(t *testing.T) {
	for _, wrong := range []string{"", "tfserving-test", "arn:aws:eks:eu-central-1:123456789012:cluster/", "arn:aws:ecs:eu-central-1:123456789012:cluster/a"} {
		if text, err := Policy(wrong); err == nil {
			t.Errorf("for %q there is a policy: %s", wrong, text)
		}
	}
}
