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
	text, err := awsPolicy(clusterARN)
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
	decoder.DisallowUnknownFields() // a field that type statement lacks would be lost
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
		t.Fatalf("there are %d statements; the published policy has %d", len(got.Statement), len(want.Statement))
	}
	for i, w := range want.Statement {
		if g := got.Statement[i]; g.Effect != "Allow" || !slices.Equal(g.Action, w.Action) || !reflect.DeepEqual(g.Resource, w.Resource) {
			t.Errorf("statement %d is %+v; the published one is %+v", i, g, w)
		}
	}
}

// Release 3.5 of the controller needs these. The policies of releases before 2.13 lack some of them (release notes).
func TestThePolicyIsThatOfTheChartsRelease(t *testing.T) {
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

func TestTheControllerCannotChangeLoadBalancersOfAnotherCluster(t *testing.T) {
	got, _ := policyOf(t, clusterARN)
	limited := 0
	for i, s := range got.Statement {
		for key, missing := range s.Condition["Null"] {
			if missing != "true" {
				t.Errorf("statement %d accepts any value of %s", i, key)
			}
		}
		for key, value := range s.Condition["StringEquals"] {
			if strings.HasSuffix(key, clusterTag) {
				if limited++; value != "tfserving-test" {
					t.Errorf("statement %d requires that %s is %v", i, key, value)
				}
			}
		}
		for _, action := range []string{
			"elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyLoadBalancerAttributes",
			"ec2:DeleteSecurityGroup",
		} {
			if slices.Contains(s.Action, action) && s.Condition["StringEquals"]["aws:ResourceTag/elbv2.k8s.aws/cluster"] != "tfserving-test" {
				t.Errorf("statement %d allows %s on resources of other clusters: %v", i, action, s.Condition)
			}
		}
	}
	if want := bytes.Count(published, []byte(`/elbv2.k8s.aws/cluster": "false"`)); limited != want || want == 0 {
		t.Errorf("%d conditions name the cluster, want %d", limited, want)
	}
}

func TestTheOtherPublishedConditionsStay(t *testing.T) {
	got, _ := policyOf(t, clusterARN)
	for i, w := range publishedPolicy(t).Statement {
		for operator, conditions := range w.Condition {
			for key, value := range conditions {
				if operator == "Null" && value == "false" {
					continue
				}
				if g := got.Statement[i].Condition[operator][key]; !reflect.DeepEqual(g, value) {
					t.Errorf("statement %d: %s of %s is %v; the published one is %v", i, operator, key, g, value)
				}
			}
		}
	}
}

func TestThePolicyIsForTheClustersPartition(t *testing.T) {
	_, text := policyOf(t, "arn:aws-us-gov:eks:us-gov-west-1:123456789012:cluster/a")
	if strings.Contains(text, "arn:aws:") || !strings.Contains(text, "arn:aws-us-gov:ec2:") {
		t.Errorf("the policy names another partition than the cluster's: %s", text)
	}
}

func TestThePolicyIsWithinIAMsLimit(t *testing.T) {
	const most = 10240 // characters of all inline policies of a role (IAM quotas)
	if _, text := policyOf(t, clusterARN); len(text) > most {
		t.Errorf("the policy has %d characters; a role may have %d", len(text), most)
	}
}

func TestAPolicyNeedsTheARNOfACluster(t *testing.T) {
	for _, wrong := range []string{"", "tfserving-test", "arn:aws:eks:eu-central-1:123456789012:cluster/", "arn:aws:ecs:eu-central-1:123456789012:cluster/a"} {
		if text, err := awsPolicy(wrong); err == nil {
			t.Errorf("%q is accepted; the policy is %s", wrong, text)
		}
	}
}
