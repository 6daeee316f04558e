package policy

// starExamples are of what a policy may allow.
var starExamples = []example{
	{"actions written out, everywhere", "aws:iam/rolePolicy:RolePolicy", `policy: '{"Statement":[{"Effect":"Allow","Action":["ec2:DescribeInstances"],"Resource":"*"}]}'`, keeps, "", nil},
	{"all actions on one thing", "aws:iam/rolePolicy:RolePolicy", `policy: '{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"}}'`, keeps, "", nil},
	{"a denial", "aws:iam/rolePolicy:RolePolicy", `policy: '{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'`, keeps, "", nil},
	{"everything", "aws:iam/policy:Policy", `policy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'`, breaks, "allows * on every resource (statement 1)", nil},
	{"a service, in a list", "aws:iam/policy:Policy", `policy: '{"Statement":[{"Effect":"Allow","Action":["s3:GetObject","ec2:*"],"Resource":["arn:aws:s3:::a","*"]}]}'`, breaks, "allows ec2:*", nil},
	{"some of a service", "aws:iam/userPolicy:UserPolicy", `policy: '{"Statement":[{"Effect":"Allow","Action":"iam:Pass*","Resource":"*"}]}'`, breaks, "iam:Pass*", nil},
	{"whatever the condition", "aws:iam/groupPolicy:GroupPolicy", `policy: '{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}'`, breaks, "ec2:*", nil},
	{"every resource of a service", "aws:iam/policy:Policy", `policy: '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::*"}]}'`, breaks, "s3:*", nil},
	{"all but", "aws:iam/policy:Policy", `policy: '{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}'`, breaks, "all actions but some", nil},
	{"everywhere but", "aws:iam/policy:Policy", `policy: '{"Statement":[{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::a"}]}'`, breaks, "s3:*", nil},
	{"an object and no text", "aws:iam/policy:Policy", `policy: {Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}`, breaks, "allows *", nil},
	{"inside a role", "aws:iam/role:Role", `inlinePolicies: [{name: all, policy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'}]`, breaks, "inline policy all", nil},
	{"a role", "aws:iam/role:Role", `{assumeRolePolicy: "{}", managedPolicyArns: ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"]}`, keeps, "", nil},
	{"an administrator", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", `policyArn: arn:aws:iam::aws:policy/AdministratorAccess`, breaks, "AdministratorAccess", nil},
	{"a whole service", "aws:iam/role:Role", `managedPolicyArns: ["arn:aws-cn:iam::aws:policy/service-role/AmazonS3FullAccess"]`, breaks, "AmazonS3FullAccess", nil},
	{"the stack's own policy, yet to be made", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", `policyArn: (unknown)`, keeps, "", nil},
	{"an unknown policy", "aws:iam/rolePolicy:RolePolicy", `policy: (unknown)`, unknown, "what the policy allows", nil},
	{"a policy with an unknown part", "aws:iam/policy:Policy", `policy: {Statement: [{Effect: Allow, Action: "s3:*", Resource: (unknown)}]}`, unknown, "what the policy allows", nil},
	{"no JSON", "aws:iam/policy:Policy", `policy: all of it`, breaks, "no JSON", nil},
}

// trustExamples are of who may take a role.
var trustExamples = []example{
	{"a service", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'`, keeps, "", nil},
	{"an account", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}'`, keeps, "", nil},
	{"everybody", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}'`, breaks, "lets everybody take the role, of whatever account (statement 1)", nil},
	{"every account", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}'`, breaks, "lets everybody", nil},
	{"every account, in a list", "aws:iam/role:Role", `assumeRolePolicy: {Statement: [{Effect: Deny, Principal: "*"}, {Effect: Allow, Principal: {AWS: ["123456789012", "*"]}}]}`, breaks, "(statement 2)", nil},
	{"all but some", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}'`, breaks, "lets everybody", nil},
	{"everybody of an organization", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}'`, keeps, "", nil},
	{"everybody, and a condition of nothing", "aws:iam/role:Role", `assumeRolePolicy: '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{}}]}'`, breaks, "lets everybody", nil},
	{"unknown", "aws:iam/role:Role", `assumeRolePolicy: (unknown)`, unknown, "who may take the role", nil},
	{"a secret hides it", "aws:iam/role:Role", `assumeRolePolicy: (secret)`, breaks, "it is a secret", nil},
	{"no JSON", "aws:iam/role:Role", `assumeRolePolicy: everybody`, breaks, "no JSON", nil},
}
