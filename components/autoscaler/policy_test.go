package autoscaler

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tfserving/components/podidentity"
)

func policyOf(t *testing.T, clusterARN string) (d podidentity.Document) {
	t.Helper()
	text, err := awsPolicy(clusterARN)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("the policy is not JSON: %v\n%s", err, text)
	}
	return d
}

// readOnly says whether an AWS action changes nothing, by its verb.
func readOnly(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return strings.HasPrefix(verb, "Describe") || strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "List")
}

func TestTheAutoscalerChangesOnlyTheGroupsOfItsCluster(t *testing.T) {
	var found []string
	for _, s := range policyOf(t, clusterARN).Statement {
		for _, action := range s.Action {
			if strings.Contains(action, "*") {
				t.Errorf("statement %s allows %s; every action must be named in full", s.Sid, action)
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
					t.Errorf("%s is allowed under the condition that %s is %q, want %q", action, key, got, value)
				}
			}
		}
	}
	slices.Sort(found)
	if want := []string{"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}; !slices.Equal(found, want) {
		t.Errorf("the actions that change something are %v, want %v", found, want)
	}
}

func TestTheAutoscalerReadsOnlyTheNodeGroupsOfItsCluster(t *testing.T) {
	for arn, want := range map[string]string{
		clusterARN: "arn:aws:eks:eu-central-1:123456789012:nodegroup/tfserving-test/*",
		"arn:aws-us-gov:eks:us-gov-west-1:210987654321:cluster/a": "arn:aws-us-gov:eks:us-gov-west-1:210987654321:nodegroup/a/*",
	} {
		for _, s := range policyOf(t, arn).Statement {
			if slices.Contains(s.Action, "eks:DescribeNodegroup") && s.Resource != want {
				t.Errorf("cluster %s: the autoscaler reads the node groups %s, want %s", arn, s.Resource, want)
			}
		}
	}
}

// These are the AWS calls of release 1.33 for managed node groups (its cloudprovider/aws).
func TestThePolicyAllowsEveryCallThatTheAutoscalerMakes(t *testing.T) {
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

func TestAPolicyNeedsTheARNOfACluster(t *testing.T) {
	for _, wrong := range []string{"", "tfserving-test", "arn:aws:eks:eu-central-1:123456789012:cluster/", "arn:aws:iam::123456789012:role/cluster", "arn:aws:ecs:eu-central-1:123456789012:cluster/a"} {
		if text, err := awsPolicy(wrong); err == nil {
			t.Errorf("%q is accepted; the policy is %s", wrong, text)
		}
	}
}
