package podidentity

import (
	"encoding/json"
	"fmt"
	"path"
)

const (
	// service is the AWS service that takes the role for the pods.
	service = "pods.eks.amazonaws.com"
	// policyVersion is the newest version of the policy language. AWS reads a document without a version as one of 2008.
	policyVersion = "2012-10-17"
)

// Tags that EKS Pod Identity puts on each session ("session tags", EKS User Guide). Pods cannot change them. The cluster's
// ARN contains account and region.
const (
	tagCluster        = "aws:RequestTag/eks-cluster-arn"
	tagNamespace      = "aws:RequestTag/kubernetes-namespace"
	tagServiceAccount = "aws:RequestTag/kubernetes-service-account"
)

type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal map[string]string
	Action    []string
	Condition map[string]map[string]string
}

// TrustPolicy returns the JSON of a trust policy. It lets only the pods of one service account, in one namespace of one
// cluster, take a role. Without its conditions, anyone with the right to create associations in the account could give the
// role to any pod of any cluster.
func TrustPolicy(clusterARN, namespace, serviceAccount string) (string, error) {
	text, err := json.Marshal(document{
		Version: policyVersion,
		Statement: []statement{{
			Sid:       "PodsOfOneServiceAccount",
			Effect:    "Allow",
			Principal: map[string]string{"Service": service},
			// EKS tags the session, which needs an action of its own. Without it AWS refuses every request.
			Action: []string{"sts:AssumeRole", "sts:TagSession"},
			Condition: map[string]map[string]string{"StringEquals": {
				tagCluster:        clusterARN,
				tagNamespace:      namespace,
				tagServiceAccount: serviceAccount,
			}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("writing the trust policy of service account %s/%s: %w", namespace, serviceAccount, err)
	}
	return string(text), nil
}

// policyName returns the last part of a policy's ARN. The attachment's name in the stack contains it.
func policyName(arn string) string { return path.Base(arn) }
