package podidentity

import (
	"encoding/json"
	"fmt"
	"path"
)

const (
	// service is what takes the role on behalf of the pods.
	service = "pods.eks.amazonaws.com"
	// policyVersion is the newest version of the policy language; without it AWS reads a document as one of 2008.
	policyVersion = "2012-10-17"
)

// Tags that EKS Pod Identity puts on each session before it starts ("session tags", EKS User Guide). Pods cannot choose
// them. The cluster's ARN names account and region too.
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

// TrustPolicy is the JSON of a trust policy under which only pods of one service account, in one namespace of one
// cluster, take a role. Without the conditions, whoever may make an association in the account could hand the role to any
// pod of any cluster.
func TrustPolicy(clusterARN, namespace, serviceAccount string) (string, error) {
	text, err := json.Marshal(document{
		Version: policyVersion,
		Statement: []statement{{
			Sid:       "PodsOfOneServiceAccount",
			Effect:    "Allow",
			Principal: map[string]string{"Service": service},
			// EKS tags the session, which is an action of its own: without it every request is refused.
			Action: []string{"sts:AssumeRole", "sts:TagSession"},
			Condition: map[string]map[string]string{"StringEquals": {
				tagCluster:        clusterARN,
				tagNamespace:      namespace,
				tagServiceAccount: serviceAccount,
			}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("trust policy of service account %s/%s: %w", namespace, serviceAccount, err)
	}
	return string(text), nil
}

// policyName is the last part of a policy's ARN, which names the attachment in the stack.
func policyName(arn string) string { return path.Base(arn) }
