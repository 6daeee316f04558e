package privilege

import "fmt"

const (
	podService  = "pods.eks.amazonaws.com"
	nodeService = "ec2.amazonaws.com"
	flowService = "vpc-flow-logs.amazonaws.com"
	outsider    = "arn:aws:iam::999999999999:role/administrator" // of another account
)

// session are the tags with which EKS Pod Identity names the pod of a request.
func session(clusterARN, namespace, serviceAccount string) values {
	return values{
		"aws:RequestTag/eks-cluster-arn":            clusterARN,
		"aws:RequestTag/kubernetes-namespace":       namespace,
		"aws:RequestTag/kubernetes-service-account": serviceAccount,
	}
}

// assumptions are attempts to assume a role: those that the role is for, and those that must fail.
func assumptions(name string, r *role) []assumption {
	switch {
	case r.serviceAccount != "":
		return podAssumptions(r)
	case name == previewRole:
		return workflowAssumptions("pull_request", "environment:dev", "ref:refs/heads/main")
	case name == deployRole:
		return workflowAssumptions("environment:dev", "pull_request", "environment:dev")
	case name == nodeRole:
		return []assumption{
			{"an instance", allowed, nodeService, nil},
			{"a pod", refused, podService, session(clusterARN(ownCluster), "kube-system", "default")},
			{"another service", refused, "lambda.amazonaws.com", nil},
			{"another role of the account", refused, roleARN("administrator"), nil},
			{"another account", refused, outsider, nil},
		}
	case name == flowLogRole:
		source := func(account, region string) values {
			return values{"aws:SourceAccount": account, "aws:SourceArn": fmt.Sprintf("arn:aws:ec2:%s:%s:vpc-flow-log/fl-1", region, account)}
		}
		return []assumption{
			{"flow logs of this account and region", allowed, flowService, source(account, region)},
			{"flow logs of another account", refused, flowService, source("999999999999", region)},
			{"flow logs of another region", refused, flowService, source(account, "us-east-1")},
			{"flow logs without a source", refused, flowService, nil},
			{"an instance", refused, nodeService, source(account, region)},
			{"another role of the account", refused, roleARN("administrator"), source(account, region)},
		}
	default:
		return nil
	}
}

func podAssumptions(r *role) []assumption {
	own, namespace, serviceAccount := clusterARN(ownCluster), r.namespace, r.serviceAccount
	withoutCluster := session(own, namespace, serviceAccount)
	delete(withoutCluster, "aws:RequestTag/eks-cluster-arn")
	return []assumption{
		{"its service account", allowed, podService, session(own, namespace, serviceAccount)},
		{"another service account", refused, podService, session(own, namespace, "default")},
		{"a service account of the same name in another namespace", refused, podService, session(own, "default", serviceAccount)},
		{"a service account of the same name in another cluster", refused, podService, session(clusterARN(otherCluster), namespace, serviceAccount)},
		{"a service account of the same name in a cluster with a longer name", refused, podService, session(own+"-2", namespace, serviceAccount)},
		{"the same service account in a cluster of the same name in another region", refused, podService,
			session(fmt.Sprintf("arn:aws:eks:us-east-1:%s:cluster/%s", account, ownCluster), namespace, serviceAccount)},
		{"the same service account in a cluster of the same name in another account", refused, podService,
			session(fmt.Sprintf("arn:aws:eks:%s:999999999999:cluster/%s", region, ownCluster), namespace, serviceAccount)},
		{"a pod without a cluster", refused, podService, withoutCluster},
		{"a session without tags", refused, podService, nil},
		{"an instance", refused, nodeService, session(own, namespace, serviceAccount)},
		{"another role of the account with these tags", refused, roleARN("administrator"), session(own, namespace, serviceAccount)},
		{"a role of another account with these tags", refused, outsider, session(own, namespace, serviceAccount)},
	}
}
