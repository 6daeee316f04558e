package risk

import "tfserving/resource"

const (
	clusterRole        = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
	clusterRoleBinding = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
	kubernetesRole     = "kubernetes:rbac.authorization.k8s.io/v1:Role"
	roleBinding        = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
	disruptionBudget   = "kubernetes:policy/v1:PodDisruptionBudget"
	podAutoscaler      = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
	resourceQuota      = "kubernetes:core/v1:ResourceQuota"
	limitRange         = "kubernetes:core/v1:LimitRange"
)

// input is the path of one input.
func input(path ...any) []path { return [][]any{path} }

// inputs are the paths of several inputs.
func inputs(names ...string) (all []path) {
	for _, name := range names {
		all = append(all, path{name})
	}
	return all
}

// rules has every rule. A new rule needs a case in the tests; TestChangesHaveTheirRisks fails without one.
var rules = []rule{
	{stateIsLost, resource.EKSCluster, "cluster", nil, replacedOrDeleted, "everything in the cluster goes with it; no request is answered until another has nodes and pods"},
	{stateIsLost, resource.VPC, "VPC", nil, replacedOrDeleted, "everything in it goes; what is made anew has other addresses"},
	{stateIsLost, resource.KMSKey, "KMS key", nil, replacedOrDeleted, "what it encrypted cannot be read once its deletion window is over"},
	{stateIsLost, resource.Repository, "repository", nil, replacedOrDeleted, "its images go with it; no pod that needs one starts until they are pushed again"},
	{stateIsLost, resource.LogGroup, "log group", nil, replacedOrDeleted, "its logs go with it"},
	{stateIsLost, resource.PrometheusWorkspace, "workspace of Prometheus", nil, replacedOrDeleted, "its metrics go with it, 150 days of them at most"},
	{stateIsLost, resource.Namespace, "namespace", nil, replacedOrDeleted, "every object in it goes with it, those that the stack did not make too"},
	{stateIsLost, resource.KubernetesSecret, "Secret", nil, replacedOrDeleted, "pods that mount it do not start without it"},
	{stateIsLost, resource.PersistentVolumeClaim, "volume claim", nil, replacedOrDeleted, "its data goes with it unless the storage class retains it"},

	{trafficIsInterrupted, resource.Ingress, "Ingress", nil, replacedOrDeleted, "its load balancer goes with it, and so does the name that callers know"},
	{trafficIsInterrupted, resource.Service, "Service", nil, replacedOrDeleted, "callers find no pod by it, and its address is given up"},
	{trafficIsInterrupted, resource.Deployment, "Deployment", nil, replacedOrDeleted, "all its pods end at once"},
	{trafficIsInterrupted, resource.HelmRelease, "Helm release", nil, replacedOrDeleted, "what it runs ends; nothing keeps load balancers up to date without it"},
	{trafficIsInterrupted, resource.NATGateway, "NAT gateway", nil, replacedOrDeleted, "connections out of the private subnets break"},
	{trafficIsInterrupted, resource.ElasticIP, "public address", nil, replacedOrDeleted, "the address is given up; whoever lists it must be told"},
	{trafficIsInterrupted, resource.InternetGateway, "internet gateway", nil, replacedOrDeleted, "nothing reaches the VPC or leaves it without one"},
	{trafficIsInterrupted, resource.Subnet, "subnet", nil, replacedOrDeleted, "nodes and load balancers in it must move first"},
	{trafficIsInterrupted, resource.Route, "route", nil, replacedOrDeleted, "connections that took it break"},
	{trafficIsInterrupted, resource.VPCEndpoint, "VPC endpoint", nil, replacedOrDeleted, "connections that went by it take another way, or none"},

	{nodesEnd, resource.NodeGroup, "node group", nil, deleted, "its nodes drain and end, and their pods need room elsewhere"},
	{nodesEnd, resource.NodeGroup, "", nil, replaced, "its nodes drain, and every pod on them starts anew on another node"},
	{nodesEnd, resource.NodeGroup, "", []path{{"scalingConfig", "minSize"}, {"scalingConfig", "maxSize"}}, onUpdate(lowered), "nodes may end, and their pods need room elsewhere"},
	{nodesEnd, resource.NodeGroup, "", nil, onUpdate(rollsNodes), "its nodes are replaced, some at a time, and their pods start anew"},

	{accessIsOpened, resource.EKSCluster, "", nil, opened(publicEndpoint), ""},
	{accessIsOpened, resource.SecurityGroupIngressRule, "", nil, opened(securityGroupIngressRule), ""},
	{accessIsOpened, resource.SecurityGroupRule, "", nil, opened(securityGroupRule), ""},
	{accessIsOpened, resource.SecurityGroup, "", nil, opened(securityGroup), ""},
	{accessIsOpened, resource.DefaultSecurityGroup, "", nil, opened(securityGroup), ""},
	{accessIsOpened, resource.Ingress, "", nil, opened(applicationLoadBalancer), ""},
	{accessIsOpened, resource.Service, "", nil, opened(networkLoadBalancer), ""},
	{accessIsOpened, resource.NetworkPolicy, "", nil, opened(networkPolicy), ""},
	{accessIsOpened, resource.NetworkPolicy, "", nil, protectionDeleted, "what it kept apart may talk, as far as no other policy forbids it"},
	{accessIsOpened, resource.NetworkPolicy, "", input("spec", "podSelector"), selectsFewerPods, "those that it no longer selects may talk, as far as no other policy forbids it"},

	{accessIsGiven, resource.AccessEntry, "access entry", inputs("principalArn", "kubernetesGroups", "type", "userName"), given, ""},
	{accessIsGiven, resource.AccessPolicyAssociation, "access policy", inputs("principalArn", "policyArn", "accessScope"), given, ""},
	{accessIsGiven, resource.PodIdentityAssociation, "Pod Identity association", inputs("roleArn", "targetRoleArn", "namespace", "serviceAccount"), given, ""},
	{accessIsGiven, resource.IAMRole, "role", inputs("assumeRolePolicy", "inlinePolicies", "managedPolicyArns"), given, ""},
	{accessIsGiven, resource.IAMPolicy, "policy", inputs("policy"), given, ""},
	{accessIsGiven, resource.IAMRolePolicy, "role policy", inputs("policy"), given, ""},
	{accessIsGiven, resource.IAMRolePolicyAttachment, "attached policy", inputs("policyArn"), given, ""},
	{accessIsGiven, clusterRole, "cluster role", inputs("rules", "aggregationRule"), given, ""},
	{accessIsGiven, kubernetesRole, "Kubernetes role", inputs("rules"), given, ""},
	{accessIsGiven, clusterRoleBinding, "cluster role binding", inputs("roleRef", "subjects"), given, ""},
	{accessIsGiven, roleBinding, "role binding", inputs("roleRef", "subjects"), given, ""},

	{protectionIsRemoved, "", "", nil, optionSwitchedOff, "a later change can delete it"},
	{protectionIsRemoved, resource.EKSCluster, "", input("deletionProtection"), worse(switchedOff), "AWS no longer refuses to delete the cluster"},
	{protectionIsRemoved, resource.EKSCluster, "", input("encryptionConfig"), worse(removed), "Secrets of the cluster are encrypted by no key of the stack"},
	{protectionIsRemoved, resource.EKSCluster, "", input("enabledClusterLogTypes"), worse(lostElement), "a log of the control plane is no longer kept"},
	{protectionIsRemoved, resource.EKSCluster, "", input("vpcConfig", "endpointPrivateAccess"), worse(switchedOff), "nodes reach the Kubernetes API from outside alone, or not at all"},
	{protectionIsRemoved, resource.Repository, "", input("imageTagMutability"), worse(changedFrom("IMMUTABLE")), "a tag may be pushed over: what runs can change without a deployment"},
	{protectionIsRemoved, resource.Repository, "", input("imageScanningConfiguration", "scanOnPush"), worse(switchedOff), "images are not scanned when they are pushed"},
	{protectionIsRemoved, resource.Repository, "", input("encryptionConfigurations"), worse(lostKMSKey), "images are encrypted by no key of the stack"},
	{protectionIsRemoved, resource.Repository, "", input("forceDelete"), worse(switchedOn), "the repository can be deleted with images in it"},
	{protectionIsRemoved, resource.KMSKey, "", input("enableKeyRotation"), worse(switchedOff), "the key is never changed"},
	{protectionIsRemoved, resource.KMSKey, "", input("deletionWindowInDays"), worse(lower), "a key deleted by mistake is lost sooner"},
	{protectionIsRemoved, resource.LogGroup, "", input("retentionInDays"), worse(lower), "older logs are deleted"},
	{protectionIsRemoved, resource.LogGroup, "", input("kmsKeyId"), worse(removed), "new logs are encrypted by no key of the stack"},
	{protectionIsRemoved, resource.LaunchTemplate, "", input("metadataOptions", "httpTokens"), worse(changedFrom("required")), "whoever makes a node fetch an address gets the node's credentials"},
	{protectionIsRemoved, resource.LaunchTemplate, "", input("metadataOptions", "httpPutResponseHopLimit"), worse(higher), "pods reach the node's credentials"},
	{protectionIsRemoved, resource.LaunchTemplate, "", input("blockDeviceMappings"), worse(lostEncryption), "volumes of nodes are not encrypted"},
	{protectionIsRemoved, resource.Namespace, "", input("metadata", "labels", "pod-security.kubernetes.io/enforce"), worse(lowerPodSecurity), "pods may have rights that were refused"},
	{protectionIsRemoved, resource.Ingress, "", input("metadata", "annotations", resource.ALBAnnotation+"load-balancer-attributes"), worse(lostDeletionProtection), "AWS no longer refuses to delete the load balancer"},
	{protectionIsRemoved, resource.Service, "", input("metadata", "annotations", resource.NLBAnnotation+"attributes"), worse(lostDeletionProtection), "AWS no longer refuses to delete the load balancer"},
	{protectionIsRemoved, disruptionBudget, "disruption budget", nil, protectionDeleted, "a drain may take all its pods at once"},
	{protectionIsRemoved, resourceQuota, "quota", nil, protectionDeleted, "the namespace may take the whole cluster"},
	{protectionIsRemoved, limitRange, "limit range", nil, protectionDeleted, "containers without limits are let in"},
	{protectionIsRemoved, resource.MetricAlarm, "alarm", nil, protectionDeleted, "no e-mail reports this condition any more"},
	{protectionIsRemoved, resource.TopicSubscription, "subscription", nil, protectionDeleted, "its address gets no alert any more"},
	{protectionIsRemoved, resource.FlowLog, "flow log", nil, protectionDeleted, "nobody sees any more who talked to whom"},

	{accessIsTakenAway, resource.AccessEntry, "access entry", nil, takenAway, "its role or user is locked out of the cluster"},
	{accessIsTakenAway, resource.AccessPolicyAssociation, "access policy", nil, takenAway, "its role or user may do less in the cluster"},
	{accessIsTakenAway, resource.PodIdentityAssociation, "Pod Identity association", nil, takenAway, "new pods of its service account have no AWS role"},
	{accessIsTakenAway, resource.IAMRole, "role", nil, takenAway, "whoever takes it can call AWS no more"},
	{accessIsTakenAway, resource.IAMRolePolicy, "role policy", nil, takenAway, "its role may do less"},
	{accessIsTakenAway, resource.IAMRolePolicyAttachment, "attached policy", nil, takenAway, "its role may do less"},
	{accessIsTakenAway, clusterRoleBinding, "cluster role binding", nil, takenAway, "its service account may do less"},
	{accessIsTakenAway, roleBinding, "role binding", nil, takenAway, "its service account may do less"},
	{accessIsTakenAway, clusterRole, "cluster role", nil, takenAway, "whoever is bound to it may do less"},
	{accessIsTakenAway, kubernetesRole, "Kubernetes role", nil, takenAway, "whoever is bound to it may do less"},

	{awsMayRefuse, resource.EKSCluster, "", input("vpcConfig", "subnetIds"), onUpdate(subnetsChange), "EKS takes none of another VPC, nor of a zone that the cluster was not made with"},
	{awsMayRefuse, resource.EKSCluster, "", input("version"), onUpdate(versionFalls), "EKS goes back by one minor version, within 7 days of the upgrade, and only if no node group and no add-on is newer"},
	{wayBackIsShort, resource.EKSCluster, "", input("version"), onUpdate(versionRises), "EKS takes one minor version at a time, and goes back only within 7 days"},
}
