package autoscaler

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func policyOf(t *testing.T, clusterARN string) document {
	t.Helper()
	text, err := Policy(clusterARN)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("the policy is not JSON: %v\n%s", err, text)
	}
	return d
}

// readOnly are the verbs of AWS actions that change nothing.
func readOnly(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return strings.HasPrefix(verb, "Describe") || strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "List")
}

func TestWritesAreLimitedToThisClustersGroups(t *testing.T) {
	var found []string
	for _, s := range policyOf(t, clusterARN).Statement {
		for _, action := range s.Action {
			if strings.Contains(action, "*") {
				t.Errorf("statement %s allows %s; every action is to be named", s.Sid, action)
			}
			if readOnly(action) {
				continue
			}
			found = append(found, action)
			want := map[string]string{
				"aws:ResourceTag/k8s.io/cluster-autoscaler/tfserving-test": "owned",
				"aws:RequestedRegion": "eu-central-1",
			}
			for key, value := range want {
				if got := s.Condition["StringEquals"][key]; got != value {
					t.Errorf("%s is allowed where %s is %q, want %q", action, key, got, value)
				}
			}
		}
	}
	slices.Sort(found)
	if want := []string{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}; !slices.Equal(found, want) {
		t.Errorf("the actions that change something are %v, want %v", found, want)
	}
}

func TestNodeGroupsAreReadInThisClusterAlone(t *testing.T) {
	for arn, want := range map[string]string{
		clusterARN: "arn:aws:eks:eu-central-1:123456789012:nodegroup/tfserving-test/*",
		"arn:aws-us-gov:eks:us-gov-west-1:210987654321:cluster/a": "arn:aws-us-gov:eks:us-gov-west-1:210987654321:nodegroup/a/*",
	} {
		for _, s := range policyOf(t, arn).Statement {
			if slices.Contains(s.Action, "eks:DescribeNodegroup") && s.Resource != want {
				t.Errorf("of cluster %s it reads the node groups %s, want %s", arn, s.Resource, want)
			}
		}
	}
}

// What release 1.33 calls on AWS for managed node groups (its cloudprovider/aws), and what it cannot do without.
func TestThePolicyIsEnough(t *testing.T) {
	var allowed []string
	for _, s := range policyOf(t, clusterARN).Statement {
		allowed = append(allowed, s.Action...)
	}
	for _, action := range []string{
		"autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities", "autoscaling:SetDesiredCapacity",
		"autoscaling:TerminateInstanceInAutoScalingGroup", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
		"ec2:DescribeImages", "ec2:GetInstanceTypesFromInstanceRequirements", "eks:DescribeNodegroup",
	} {
		if !slices.Contains(allowed, action) {
			t.Errorf("%s is not allowed", action)
		}
	}
}

func TestThePolicyIsMadeForAClusterAlone(t *testing.T) {
	for _, wrong := range []string{"", "tfserving-test", "arn:aws:eks:eu-central-1:123456789012:cluster/", "arn:aws:iam::123456789012:role/cluster", "arn:aws:ecs:eu-central-1:123456789012:cluster/a"} {
		if text, err := Policy(wrong); err == nil {
			t.Errorf("for %q there is a policy: %s", wrong, text)
		}
	}
}
