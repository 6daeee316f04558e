package loadbalancer

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// published is the policy that the controller's maintainers publish for it: docs/install/iam_policy.json of
// kubernetes-sigs/aws-load-balancer-controller, release 2.13, which is the controller of chart 1.13. Chart and policy
// change together.
//
//go:embed iam_policy.json
var published []byte

// clusterTag is the tag with the cluster's name that the controller puts on everything that it makes, as the policy's
// condition keys end.
const clusterTag = "/elbv2.k8s.aws/cluster"

type document struct {
	Version   string
	Statement []*statement
}

type statement struct {
	Effect    string
	Action    []string
	Resource  any                       // a string or a list of them
	Condition map[string]map[string]any `json:",omitempty"`
}

// Policy is the JSON of what the controller of a cluster may do in AWS: what its maintainers publish, in the cluster's
// partition and for what carries this cluster's name. The published policy is content with any cluster's name, so that
// one controller could delete another's load balancers.
func Policy(clusterARN string) (string, error) {
	cluster, err := arn.Parse(clusterARN)
	if err != nil {
		return "", fmt.Errorf("the load balancer controller's policy: cluster %q: %w", clusterARN, err)
	}
	name, ok := strings.CutPrefix(cluster.Resource, "cluster/")
	if !ok || cluster.Service != "eks" || name == "" {
		return "", fmt.Errorf("the load balancer controller's policy: %q is not the ARN of an EKS cluster", clusterARN)
	}
	var policy document
	if err := json.Unmarshal(published, &policy); err != nil {
		return "", fmt.Errorf("the load balancer controller's published policy: %w", err)
	}
	for _, s := range policy.Statement {
		s.bindTo(name)
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("the load balancer controller's policy: %w", err)
	}
	return strings.ReplaceAll(string(text), `"arn:aws:`, `"arn:`+cluster.Partition+`:`), nil
}

// bindTo turns "has the tag of some cluster" into "has the tag of this one". "Has no such tag" stays.
func (s *statement) bindTo(cluster string) {
	const operator = "StringEquals"
	for key, missing := range s.Condition["Null"] {
		if !strings.HasSuffix(key, clusterTag) || missing != "false" {
			continue
		}
		delete(s.Condition["Null"], key)
		if s.Condition[operator] == nil {
			s.Condition[operator] = map[string]any{}
		}
		s.Condition[operator][key] = cluster
	}
	if len(s.Condition["Null"]) == 0 {
		delete(s.Condition, "Null")
	}
}
