package policy

// Rules are all that there are, in the order of docs/policies.md. A new one is named in config.PolicyException, too, and
// has a row in rules_test.go that breaks it.
var Rules = []Rule{
	{
		Name: "endpoint-cidrs", Level: Mandatory, resource: endpointCIDRs,
		What:   "A public endpoint of the EKS API names the address ranges that may reach it.",
		Reason: "Without ranges EKS opens it to the world, and a leaked credential is then enough to administer the cluster.",
		Fix:    "List your ranges in tfserving:cluster.publicAccessCidrs, or leave the list empty to close the endpoint.",
	},
	{
		Name: "no-open-ingress", Level: Mandatory, resource: openIngress,
		What:   "Nothing lets in the world: no ingress rule of a security group, no EKS endpoint and no load balancer is open to 0.0.0.0/0, ::/0 or any range larger than a /8, and none that is internet-facing leaves out who may call. What is behind a prefix list cannot be told, which is a warning.",
		Reason: "Whatever listens there is found within minutes and tried by everybody.",
		Fix:    "Name who may call: tfserving:cluster.publicAccessCidrs, tfserving:ingress.allowedCidrs. Where it must be the world, as with cluster.allowWorld, make it an exception.",
	},
	{
		Name: "imdsv2", Level: Mandatory, resource: imdsv2,
		What:   "Instances answer for their metadata only with a token (IMDSv2) and one network hop away; node groups have a launch template that says so.",
		Reason: "A pod, or a request that it is tricked into, would else get the node's AWS credentials.",
		Fix:    "Set metadataOptions of the launch template: httpTokens required, httpPutResponseHopLimit 1.",
	},
	{
		Name: "secrets-encrypted", Level: Mandatory, resource: secretsEncrypted,
		What:   "The cluster's Secrets are encrypted by a KMS key of the stack.",
		Reason: "Who can use the key is then written down, and can be taken back.",
		Fix:    "Set encryptionConfig of the cluster: resources secrets, and a key.",
	},
	{
		Name: "volumes-encrypted", Level: Mandatory, resource: volumesEncrypted,
		What:   "Every EBS volume is encrypted, those of nodes too.",
		Reason: "A copy of a volume, or a disk that AWS retires, would hold images, logs and the node's credentials in plain.",
		Fix:    "Set encrypted on the volume, or in the launch template's blockDeviceMappings.",
	},
	{
		Name: "repositories-encrypted", Level: Mandatory, resource: repositoriesEncrypted,
		What:   "ECR repositories are encrypted by a KMS key of the stack.",
		Reason: "A model is what was paid for; who can use the key can be told and taken back.",
		Fix:    "Set encryptionConfigurations of the repository: encryptionType KMS, and a key.",
	},
	{
		Name: "no-star-iam", Level: Mandatory, resource: starIAM,
		What:   "No IAM policy allows an action with a wildcard on every resource, whatever its condition, and none of AWS's own that do is attached.",
		Reason: "Whoever takes over the role could do what nobody thought of, and what AWS adds later.",
		Fix:    "Write out the actions, or name the resources. The controller's published policy writes out its actions, and passes.",
	},
	{
		Name: "no-open-trust", Level: Mandatory, resource: openTrust,
		What:   "No IAM role can be taken by everybody: a trust policy that names the principal * has a condition.",
		Reason: "Anybody with an AWS account could call AWS as the role.",
		Fix:    "Name the account, the role or the service that takes the role in the trust policy's Principal, or add a Condition.",
	},
	{
		Name: "required-tags", Level: Mandatory, resource: requiredTags,
		What:   "AWS resources have the tags project, stack, owner and managed-by: through their provider's default tags or their own; launch templates put them on instances and volumes, and the load balancer controller on what it makes.",
		Reason: "Who answers for a resource, and what a bill is for, is else found out too late.",
		Fix:    "Make the resource with the program's AWS provider, and set tfserving:aws.owner.",
	},
	{
		Name: "restricted-pods", Level: Mandatory, resource: restrictedPods,
		What:   "Every pod satisfies Pod Security level restricted, those in kube-system too, and every namespace of the stack enforces it.",
		Reason: "A process that breaks out of its container as root owns the node.",
		Fix:    "Run as a user other than 0 (tfserving:model.runAsUser, tfserving:gateway.runAsUser), without privileges, with seccomp's default profile.",
	},
	{
		Name: "pinned-images", Level: Mandatory, resource: pinnedImages,
		What:   "Every container's image has a digest, or a tag other than latest.",
		Reason: "Two pods could run different code, and a rollback would have nothing to go back to.",
		Fix:    "Give the image a tag of its own, also where tfserving:model.allowMutableTag is set.",
	},
	{
		Name: "prod-protected", Level: Mandatory, resource: prodProtected,
		What:   "In stack prod Pulumi refuses to delete the VPC, the cluster, the KMS keys and the ECR repositories.",
		Reason: "A slip, or a change that replaces one of them, would end production.",
		Fix:    "Set tfserving:aws.protect. To take prod down, make it an exception that ends today.",
	},
	{
		Name: "prod-balancer-protected", Level: Mandatory, resource: prodBalancerProtected,
		What:   "In stack prod AWS refuses to delete the load balancer.",
		Reason: "Callers know its address; a new one has another.",
		Fix:    "Set tfserving:aws.protect. To take prod down, make it an exception that ends today.",
	},
	{
		Name: "prod-private-endpoint", Level: Mandatory, resource: prodPrivateEndpoint,
		What:   "In stack prod the EKS API has a private endpoint and no public one.",
		Reason: "Who administers production is in its network first.",
		Fix:    "Leave tfserving:cluster.publicAccessCidrs empty, and run pulumi inside the VPC or a network joined to it.",
	},
	{
		Name: "within-budget", Level: Mandatory, stack: withinBudget,
		What:   "The stack's estimate, at the expected number of nodes, is not above tfserving:monthlyBudget.",
		Reason: "What a change costs is decided before it is made, not on the bill.",
		Fix:    "Make the change cheaper, or raise tfserving:monthlyBudget in the same pull request, where it is seen.",
	},
}
