package podidentity

import "encoding/json"

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

// Document is an IAM policy.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is a statement of a Document.
type Statement struct {
	Sid       string
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  string                       `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

// Policy returns the JSON of a policy with these statements.
func Policy(statements ...Statement) (string, error) {
	text, err := json.Marshal(Document{Version: policyVersion, Statement: statements})
	return string(text), err
}

// TrustPolicy returns the JSON of a trust policy. It lets only the pods of one service account, in one namespace of one
// cluster, take a role. Without its conditions, anyone with the right to create associations in the account could give the
// role to any pod of any cluster.
func TrustPolicy(clusterARN, namespace, serviceAccount string) (string, error) {
	return Policy(Statement{
		Sid: "PodsOfOneServiceAccount", Effect: "Allow", Principal: map[string]string{"Service": service},
		// EKS tags the session, which needs an action of its own. Without it AWS refuses every request.
		Action: []string{"sts:AssumeRole", "sts:TagSession"},
		Condition: map[string]map[string]string{"StringEquals": {
			tagCluster: clusterARN, tagNamespace: namespace, tagServiceAccount: serviceAccount,
		}},
	})
}
