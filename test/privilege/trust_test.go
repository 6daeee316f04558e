package privilege

import "fmt"

const (
	podService  = "pods.eks.amazonaws.com"
	nodeService = "ec2.amazonaws.com"
	flowService = "vpc-flow-logs.amazonaws.com"
	stranger    = "arn:aws:iam::999999999999:role/administrator" // of another account
)

// session are the tags by which EKS Pod Identity says whose pod asks.
func session(clusterARN, namespace, serviceAccount string) values {
	return values{
		"aws:RequestTag/eks-cluster-arn":            clusterARN,
		"aws:RequestTag/kubernetes-namespace":       namespace,
		"aws:RequestTag/kubernetes-service-account": serviceAccount,
	}
}

// takings are the ways to get at a role: what it is for, and what must fail.
func takings(name string, r *grantee) []taking {
	switch {
	case r.serviceAccount != "":
		return podTakings(r)
	case name == previewRole:
		return workflowTakings("pull_request", "environment:dev", "ref:refs/heads/main")
	case name == deployRole:
		return workflowTakings("environment:dev", "pull_request", "environment:dev")
	case name == nodeRole:
		return []taking{
			{"an instance", allowed, nodeService, nil},
			{"a pod", refused, podService, session(clusterARN(ownCluster), "kube-system", "default")},
			{"another service", refused, "lambda.amazonaws.com", nil},
			{"another role of the account", refused, roleARN("administrator"), nil},
			{"another account", refused, stranger, nil},
		}
	case name == flowLogRole:
		source := func(account, region string) values {
			return values{"aws:SourceAccount": account, "aws:SourceArn": fmt.Sprintf("arn:aws:ec2:%s:%s:vpc-flow-log/fl-1", region, account)}
		}
		return []taking{
			{"flow logs of this account and region", allowed, flowService, source(account, region)},
			{"flow logs of another account", refused, flowService, source("999999999999", region)},
			{"flow logs of another region", refused, flowService, source(account, "us-east-1")},
			{"flow logs of nobody knows whom", refused, flowService, nil},
			{"an instance", refused, nodeService, source(account, region)},
			{"another role of the account", refused, roleARN("administrator"), source(account, region)},
		}
	default:
		return nil
	}
}

func podTakings(r *grantee) []taking {
	own, namespace, serviceAccount := clusterARN(ownCluster), r.namespace, r.serviceAccount
	untold := session(own, namespace, serviceAccount)
	delete(untold, "aws:RequestTag/eks-cluster-arn")
	return []taking{
		{"its service account", allowed, podService, session(own, namespace, serviceAccount)},
		{"another service account", refused, podService, session(own, namespace, "default")},
		{"its namesake of another namespace", refused, podService, session(own, "default", serviceAccount)},
		{"its namesake of another cluster", refused, podService, session(clusterARN(otherCluster), namespace, serviceAccount)},
		{"its namesake of a cluster whose name begins alike", refused, podService, session(own+"-2", namespace, serviceAccount)},
		{"its namesake of the cluster's namesake in another region", refused, podService,
			session(fmt.Sprintf("arn:aws:eks:us-east-1:%s:cluster/%s", account, ownCluster), namespace, serviceAccount)},
		{"its namesake of the cluster's namesake in another account", refused, podService,
			session(fmt.Sprintf("arn:aws:eks:%s:999999999999:cluster/%s", region, ownCluster), namespace, serviceAccount)},
		{"a pod of no cluster", refused, podService, untold},
		{"a session without tags", refused, podService, nil},
		{"an instance", refused, nodeService, session(own, namespace, serviceAccount)},
		{"another role of the account that tags itself so", refused, roleARN("administrator"), session(own, namespace, serviceAccount)},
		{"another account's that tags itself so", refused, stranger, session(own, namespace, serviceAccount)},
	}
}
