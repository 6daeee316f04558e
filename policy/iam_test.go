package policy

import (
	"tfserving/resource"
)

// starExamples are examples of what a policy allows.
var starExamples = []example{
	{"actions written out, everywhere", resource.IAMRolePolicy, `policy: '{"Statement":[{"Effect":"Allow","Action":["ec2:DescribeInstances"],"Resource":"*"}]}'`, keeps, "", nil},
	{"all actions on one thing", resource.IAMRolePolicy, `policy: '{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}}'`, keeps, "", nil},
	{"a denial", resource.IAMRolePolicy, `policy: '{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'`, keeps, "", nil},
	{"everything", resource.IAMPolicy, `policy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'`, breaks, "allows * on every resource (statement 1)", nil},
	{"a service, in a list", resource.IAMPolicy, `policy: '{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","ec2:*"],"Resource":["arn:aws:s3:::a","*"]}]}'`, breaks, "allows ec2:*", nil},
	{"some of a service", "aws:iam/userPolicy:UserPolicy", `policy: '{"Statement":[{"Effect":"Allow","Action":"iam:Pass*","Resource":"*"}]}'`, breaks, "iam:Pass*", nil},
	{"whatever the condition", "aws:iam/groupPolicy:GroupPolicy", `policy: '{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}'`, breaks, "ec2:*", nil},
	{"every resource of a service", resource.IAMPolicy, `policy: '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}'`, breaks, "s3:*", nil},
	{"all but", resource.IAMPolicy, `policy: '{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}'`, breaks, "all actions except some", nil},
	{"everywhere but", resource.IAMPolicy, `policy: '{"Statement":[{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::a"}]}'`, breaks, "s3:*", nil},
	{"an object and no text", resource.IAMPolicy, `policy: {Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}`, breaks, "allows *", nil},
	{"inside a role", resource.IAMRole, `inlinePolicies: [{name: all, policy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'}]`, breaks, "inline policy all", nil},
	{"a role", resource.IAMRole, `{assumeRolePolicy: "{}", managedPolicyArns: ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"]}`, keeps, "", nil},
	{"an administrator", resource.IAMRolePolicyAttachment, `policyArn: arn:aws:iam::aws:policy/AdministratorAccess`, breaks, "AdministratorAccess", nil},
	{"a whole service", resource.IAMRole, `managedPolicyArns: ["arn:aws-cn:iam::aws:policy/service-role/AmazonS3FullAccess"]`, breaks, "AmazonS3FullAccess", nil},
	{"the stack's own policy, yet to be made", resource.IAMRolePolicyAttachment, `policyArn: (unknown)`, keeps, "", nil},
	{"an unknown policy", resource.IAMRolePolicy, `policy: (unknown)`, unknown, "what the policy allows", nil},
	{"a policy with an unknown part", resource.IAMPolicy, `policy: {Statement: [{Effect: Allow, Action: "s3:*", Resource: (unknown)}]}`, unknown, "what the policy allows", nil},
	{"no JSON", resource.IAMPolicy, `policy: all of it`, breaks, "not JSON", nil},
}

// trustExamples are examples of who may assume a role.
var trustExamples = []example{
	{"a service", resource.IAMRole, `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'`, keeps, "", nil},
	{"an account", resource.IAMRole, `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}'`, keeps, "", nil},
	{"everybody", resource.IAMRole, `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}'`, breaks, "lets everybody assume the role, from any AWS account (statement 1)", nil},
	{"every account", resource.IAMRole, `assumeRolePolicy: '{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}'`, breaks, "lets everybody", nil},
	{"every account, in a list", resource.IAMRole, `assumeRolePolicy: {Statement: [{Effect: Deny, Principal: "*"}, {Effect: Allow, Principal: {AWS: ["123456789012", "*"]}}]}`, breaks, "(statement 2)", nil},
	{"all but some", resource.IAMRole, `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}'`, breaks, "lets everybody", nil},
	{"everybody of an organization", resource.IAMRole, `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}'`, keeps, "", nil},
	{"everybody, and a condition of nothing", resource.IAMRole, `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{}}]}'`, breaks, "lets everybody", nil},
	{"unknown", resource.IAMRole, `assumeRolePolicy: (unknown)`, unknown, "who may assume the role", nil},
	{"a secret hides it", resource.IAMRole, `assumeRolePolicy: (secret)`, breaks, "it is a secret", nil},
	{"no JSON", resource.IAMRole, `assumeRolePolicy: everybody`, breaks, "not JSON", nil},
}
