package policy

// Rules has every rule, in the order of docs/policies.md. A new rule also needs its name in config.PolicyException and examples
// in rules_test.go; tests fail without them.
var Rules = []Rule{
	{
		Name: "endpoint-cidrs", Level: Mandatory, each: endpointCIDRs,
		What:   "A public endpoint of the EKS API names the address ranges that may reach it.",
		Reason: "Without ranges EKS opens it to 0.0.0.0/0, and a leaked credential is then enough to administer the cluster.",
		Fix:    "List your ranges in tfserving:cluster.publicAccessCidrs, or leave the list empty to close the endpoint.",
	},
	{
		Name: "no-open-ingress", Level: Mandatory, each: openIngress,
		What:   "No ingress rule of a security group, EKS endpoint or load balancer is open to 0.0.0.0/0, ::/0 or a range wider than a /8. An internet-facing load balancer lists who may call it. A prefix list is a warning, because its ranges are not in the stack.",
		Reason: "Scanners find a port that is open to the internet within minutes.",
		Fix:    "List who may call: tfserving:cluster.publicAccessCidrs, tfserving:ingress.allowedCidrs. If it must be open to the internet, as with cluster.allowWorld, add an exception.",
	},
	{
		Name: "imdsv2", Level: Mandatory, each: imdsv2,
		What:   "Instance metadata requires a token (IMDSv2) and reaches one network hop. Node groups have a launch template that sets both.",
		Reason: "Otherwise a pod, or a request that a pod is tricked into, gets the node's AWS credentials.",
		Fix:    "Set metadataOptions of the launch template: httpTokens required, httpPutResponseHopLimit 1.",
	},
	{
		Name: "secrets-encrypted", Level: Mandatory, each: secretsEncrypted,
		What:   "The cluster's Secrets are encrypted with a KMS key of the stack.",
		Reason: "The key's policy shows who can read the Secrets, and the key's owner can revoke that.",
		Fix:    "Set encryptionConfig of the cluster: resources secrets, and a key.",
	},
	{
		Name: "volumes-encrypted", Level: Mandatory, each: volumesEncrypted,
		What:   "Every EBS volume is encrypted, also those of nodes.",
		Reason: "Otherwise a copy of a volume, or a disk that AWS retires, shows images, logs and the node's credentials.",
		Fix:    "Set encrypted on the volume, or in the launch template's blockDeviceMappings.",
	},
	{
		Name: "repositories-encrypted", Level: Mandatory, each: repositoriesEncrypted,
		What:   "ECR repositories are encrypted with a KMS key of the stack.",
		Reason: "Models are valuable. The key's policy shows who can read them, and the key's owner can revoke that.",
		Fix:    "Set encryptionConfigurations of the repository: encryptionType KMS, and a key.",
	},
	{
		Name: "no-star-iam", Level: Mandatory, each: starIAM,
		What:   "No IAM policy allows an action with a wildcard on every resource, whatever its condition. No AWS managed policy that does so is attached.",
		Reason: "Whoever takes over the role could do more than the role is for, and whatever AWS adds later.",
		Fix:    "Write out the actions, or name the resources. The load balancer controller's published policy writes out its actions, so it passes.",
	},
	{
		Name: "no-open-trust", Level: Mandatory, each: openTrust,
		What:   "A trust policy of an IAM role that names the principal * has a condition.",
		Reason: "Otherwise anybody with an AWS account can call AWS as the role.",
		Fix:    "Name the account, the role or the service that assumes the role in the trust policy's Principal, or add a Condition.",
	},
	{
		Name: "required-tags", Level: Mandatory, each: requiredTags,
		What:   "AWS resources have the tags project, stack, owner and managed-by, from their provider's default tags or their own. Launch templates tag instances and volumes, and the load balancer controller tags what it makes.",
		Reason: "The tags show who is responsible for a resource, and what a bill is for.",
		Fix:    "Make the resource with the program's AWS provider, and set tfserving:aws.owner.",
	},
	{
		Name: "restricted-pods", Level: Mandatory, each: restrictedPods,
		What:   "Every pod satisfies Pod Security level restricted, also in kube-system. Every namespace of the stack enforces that level.",
		Reason: "A process that breaks out of its container as root controls the node.",
		Fix:    "Run as a user other than 0 (tfserving:model.runAsUser, tfserving:gateway.runAsUser), without privileges, with seccomp's default profile.",
	},
	{
		Name: "pinned-images", Level: Mandatory, each: pinnedImages,
		What:   "Every container's image has a digest, or a tag other than latest.",
		Reason: "Otherwise two pods can run different code, and a rollback has no version to go back to.",
		Fix:    "Give the image a tag that names its version, also if tfserving:model.allowMutableTag is set.",
	},
	{
		Name: "prod-protected", Level: Mandatory, each: prodProtected,
		What:   "In stack prod Pulumi refuses to delete the VPC, the cluster, the KMS keys and the ECR repositories.",
		Reason: "Otherwise a mistake, or a change that replaces one of them, can end production.",
		Fix:    "Set tfserving:aws.protect. To take prod down, add an exception that ends today.",
	},
	{
		Name: "prod-balancer-protected", Level: Mandatory, each: prodBalancerProtected,
		What:   "In stack prod AWS refuses to delete the load balancer.",
		Reason: "Callers use its address, and a new load balancer has another.",
		Fix:    "Set tfserving:aws.protect. To take prod down, add an exception that ends today.",
	},
	{
		Name: "prod-private-endpoint", Level: Mandatory, each: prodPrivateEndpoint,
		What:   "In stack prod the EKS API has a private endpoint and no public one.",
		Reason: "Only someone in production's network can then administer it.",
		Fix:    "Leave tfserving:cluster.publicAccessCidrs empty, and run pulumi inside the VPC or a network joined to it.",
	},
	{
		Name: "within-budget", Level: Mandatory, stack: withinBudget,
		What:   "The stack's estimate, at the expected number of nodes, is not above tfserving:monthlyBudget.",
		Reason: "People decide about a cost before the change that causes it.",
		Fix:    "Make the change cheaper, or raise tfserving:monthlyBudget in the same pull request.",
	},
}
