package resource

// Type tokens that more than one package looks for.
const (
	AWSProvider = "pulumi:providers:aws"
	Stack       = "pulumi:pulumi:Stack" // the root of every stack

	AccessEntry              = "aws:eks/accessEntry:AccessEntry"
	AccessPolicyAssociation  = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
	DefaultSecurityGroup     = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
	ElasticIP                = "aws:ec2/eip:Eip"
	EKSCluster               = "aws:eks/cluster:Cluster"
	FlowLog                  = "aws:ec2/flowLog:FlowLog"
	IAMPolicy                = "aws:iam/policy:Policy"
	IAMRole                  = "aws:iam/role:Role"
	IAMRolePolicy            = "aws:iam/rolePolicy:RolePolicy"
	IAMRolePolicyAttachment  = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	InternetGateway          = "aws:ec2/internetGateway:InternetGateway"
	KMSKey                   = "aws:kms/key:Key"
	LaunchTemplate           = "aws:ec2/launchTemplate:LaunchTemplate"
	LogGroup                 = "aws:cloudwatch/logGroup:LogGroup"
	MetricAlarm              = "aws:cloudwatch/metricAlarm:MetricAlarm"
	NATGateway               = "aws:ec2/natGateway:NatGateway"
	NodeGroup                = "aws:eks/nodeGroup:NodeGroup"
	PodIdentityAssociation   = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
	PrometheusCollector      = "aws:amp/scraper:Scraper"
	PrometheusWorkspace      = "aws:amp/workspace:Workspace"
	Repository               = "aws:ecr/repository:Repository"
	Route                    = "aws:ec2/route:Route"
	ScalingSchedule          = "aws:autoscaling/schedule:Schedule"
	SecurityGroup            = "aws:ec2/securityGroup:SecurityGroup"
	SecurityGroupIngressRule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	SecurityGroupRule        = "aws:ec2/securityGroupRule:SecurityGroupRule"
	Subnet                   = "aws:ec2/subnet:Subnet"
	Topic                    = "aws:sns/topic:Topic"
	TopicSubscription        = "aws:sns/topicSubscription:TopicSubscription"
	VPC                      = "aws:ec2/vpc:Vpc"
	VPCEndpoint              = "aws:ec2/vpcEndpoint:VpcEndpoint"

	ConfigMap             = "kubernetes:core/v1:ConfigMap"
	CronJob               = "kubernetes:batch/v1:CronJob"
	Deployment            = "kubernetes:apps/v1:Deployment"
	HelmRelease           = "kubernetes:helm.sh/v3:Release"
	Ingress               = "kubernetes:networking.k8s.io/v1:Ingress"
	KubernetesSecret      = "kubernetes:core/v1:Secret"
	Namespace             = "kubernetes:core/v1:Namespace"
	NetworkPolicy         = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	PersistentVolumeClaim = "kubernetes:core/v1:PersistentVolumeClaim"
	Service               = "kubernetes:core/v1:Service"
)

// Prefixes of the AWS Load Balancer Controller's annotations on an Ingress and on a Service ("Ingress annotations" and
// "Service annotations" in its guide).
const (
	ALBAnnotation = "alb.ingress.kubernetes.io/"
	NLBAnnotation = "service.beta.kubernetes.io/aws-load-balancer-"
)
