package catalog

import "slices"

// endpointServices are the AWS services that a stack may reach through an interface endpoint, sorted, as the names of
// endpoints end with them. The first group is what the nodes, the add-ons and the controllers of an EKS cluster call (EKS
// User Guide, "Deploy private clusters with limited internet access"), the second what a model server or a gateway may call
// ("AWS services that integrate with AWS PrivateLink", AWS PrivateLink Guide). S3 has a gateway endpoint.
var endpointServices = sorted([]string{
	"autoscaling", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "guardduty-data",
	"kms", "logs", "monitoring", "ssm", "ssmmessages", "sts", "xray",
}, []string{
	"acm-pca", "aps-workspaces", "athena", "bedrock", "bedrock-runtime", "cloudformation", "cloudtrail", "dynamodb",
	"elasticfilesystem", "events", "execute-api", "glue", "kinesis-firehose", "kinesis-streams", "lambda", "rds", "rds-data",
	"redshift-data", "rekognition", "sagemaker.api", "sagemaker.featurestore-runtime", "sagemaker.runtime",
	"secretsmanager", "servicediscovery", "sns", "sqs", "states", "textract",
})

func sorted(lists ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(lists...))) }

// EndpointServices lists the AWS services that a stack may reach through an interface endpoint, sorted.
func EndpointServices() []string { return slices.Clone(endpointServices) }
