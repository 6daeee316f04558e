package loadbalancer

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"tfserving/components/podidentity"
)

// published is the policy that the controller's maintainers publish: docs/install/iam_policy.json of
// kubernetes-sigs/aws-load-balancer-controller, release 3.5.0, which is the controller of chart 3.5.0. An update of the chart needs an
// update of the policy: release 3.7.0 adds ec2:ValidateSecurityGroupQuotasForInterface.
//
//go:embed iam_policy.json
var published []byte

// clusterTag is the end of the condition keys for the tag elbv2.k8s.aws/cluster. The controller puts this tag, with the
// cluster's name, on every AWS resource that it creates.
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

// awsPolicy returns the JSON of the AWS policy of a cluster's controller: the published policy, for the cluster's partition
// and limited to resources with this cluster's tag. The published policy accepts the tag of any cluster, so the controller
// of one cluster could delete the load balancers of another.
func awsPolicy(clusterARN string) (string, error) {
	cluster, name, err := podidentity.ParseClusterARN(clusterARN)
	if err != nil {
		return "", fmt.Errorf("the load balancer controller's policy: %w", err)
	}
	var policy document
	if err := json.Unmarshal(published, &policy); err != nil {
		return "", fmt.Errorf("reading the load balancer controller's published policy: %w", err)
	}
	for _, s := range policy.Statement {
		s.limitTo(name)
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("the load balancer controller's policy: %w", err)
	}
	return strings.ReplaceAll(string(text), `"arn:aws:`, `"arn:`+cluster.Partition+`:`), nil
}

// limitTo changes the condition "has a cluster tag" to "has the tag of this cluster". The condition "has no cluster tag"
// stays.
func (s *statement) limitTo(cluster string) {
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
