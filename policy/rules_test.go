package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tfserving/config"
	"tfserving/resource"
)

// now is the time of the tests.
var now = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

// How a resource stands to a rule.
const (
	keeps   = "keeps"   // no violation
	breaks  = "breaks"  // a mandatory violation
	unknown = "unknown" // an advisory violation, because an input is unknown
)

// example is a resource and its expected result under one rule.
type example struct {
	name   string
	typ    string
	inputs string // YAML; (unknown) and (secret) stand for such values
	want   string // keeps, breaks or unknown
	text   string // part of the violation's text
	change func(*Stack, *resource.Resource)
}

// prod puts the resource into stack prod.
func prod(s *Stack, _ *resource.Resource) { s.Name = Production }

// protectedProd puts the resource into stack prod and protects it.
func protectedProd(s *Stack, r *resource.Resource) { s.Name, r.Protect = Production, true }

// withProvider gives the resource a provider with these inputs.
func withProvider(inputs string) func(*Stack, *resource.Resource) {
	return func(_ *Stack, r *resource.Resource) { r.Provider = object(inputs) }
}

func object(text string) map[string]any {
	text = strings.NewReplacer("(unknown)", resource.Unknown, "(secret)", `"`+resource.Secret+`"`).Replace(text)
	o := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		panic(text + ": " + err.Error())
	}
	return o
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (e example) run(t *testing.T, rule Rule) {
	t.Helper()
	s, r := &Stack{Name: "dev", Settings: &config.Settings{}, Now: now}, resource.Resource{URN: "urn", Type: e.typ, Name: "thing", Inputs: object(e.inputs)}
	if e.change != nil {
		e.change(s, &r)
	}
	got, texts := keeps, ""
	for _, v := range s.Check(r) {
		if v.Rule.Name != rule.Name {
			continue
		}
		if got, texts = breaks, texts+v.Text+"\n"; v.Level == Advisory {
			got = unknown
		}
	}
	if got != e.want || !strings.Contains(texts, e.text) {
		t.Errorf("%s: the result is %s, want %s; the texts are:\n%swant %q in them", e.name, got, e.want, texts, e.text)
	}
}

// Every rule about one resource needs an example that keeps it, one that breaks it and, if it reads inputs, one with unknown
// inputs.
func TestEveryRuleHasExamplesThatKeepAndBreakIt(t *testing.T) {
	for _, rule := range Rules {
		if rule.WholeStack() {
			continue
		}
		t.Run(rule.Name, func(t *testing.T) {
			results := map[string]bool{}
			for _, e := range examples[rule.Name] {
				e.run(t, rule)
				results[e.want] = true
			}
			if !results[keeps] || !results[breaks] || !results[unknown] && rule.Name != "prod-protected" {
				t.Errorf("the examples have only the results %v", results)
			}
		})
	}
	for name := range examples {
		if _, ok := Find(name); !ok {
			t.Errorf("there are examples of %s, which is not a rule", name)
		}
	}
}

var examples = map[string][]example{
	"endpoint-cidrs": {
		{"ranges", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: [203.0.113.0/24]}`, keeps, "", nil},
		{"closed", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: false}`, keeps, "", nil},
		{"no ranges", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: true}`, breaks, "names no address ranges", nil},
		{"an empty list", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: []}`, breaks, "names no address ranges", nil},
		{"EKS' default is public", resource.EKSCluster, `vpcConfig: {endpointPrivateAccess: true}`, breaks, "names no address ranges", nil},
		{"unknown ranges", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: (unknown)}`, unknown, "who may reach", nil},
		{"unknown whether public", resource.EKSCluster, `vpcConfig: (unknown)`, unknown, "whether the API has a public endpoint", nil},
		{"a secret hides it", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: (secret)}`, breaks, "it is a secret", nil},
	},
	"no-open-ingress": {
		{"a group for the VPC", resource.SecurityGroup, `ingress: [{cidrBlocks: [10.0.0.0/16]}]`, keeps, "", nil},
		{"egress to the internet", resource.SecurityGroup, `egress: [{cidrBlocks: [0.0.0.0/0]}]`, keeps, "", nil},
		{"a group open to the internet", resource.SecurityGroup, `ingress: [{cidrBlocks: [10.0.0.0/16]}, {cidrBlocks: [0.0.0.0/0]}]`, breaks, "ingress rule 2: open to 0.0.0.0/0", nil},
		{"a group open to IPv6", resource.SecurityGroup, `ingress: [{ipv6CidrBlocks: ["::/0"]}]`, breaks, "open to ::/0", nil},
		{"half of all addresses", resource.SecurityGroup, `ingress: [{cidrBlocks: [128.0.0.0/1]}]`, breaks, "open to 128.0.0.0/1", nil},
		{"no range at all", resource.SecurityGroup, `ingress: [{cidrBlocks: [anybody]}]`, breaks, "anybody is not an address range", nil},
		{"unknown rules", resource.SecurityGroup, `ingress: (unknown)`, unknown, "the ingress rules", nil},
		{"an unknown range beside a known one", resource.SecurityGroup, `ingress: [{cidrBlocks: [10.0.0.0/16, (unknown)]}]`, unknown, "ingress rule 1", nil},
		{"the VPC's default group", resource.DefaultSecurityGroup, `ingress: [{cidrBlocks: [0.0.0.0/0]}]`, breaks, "open to", nil},
		{"a rule open to the internet", resource.SecurityGroupRule, `{type: ingress, cidrBlocks: [0.0.0.0/0]}`, breaks, "open to", nil},
		{"an egress rule", resource.SecurityGroupRule, `{type: egress, cidrBlocks: [0.0.0.0/0]}`, keeps, "", nil},
		{"an ingress rule for the VPC", resource.SecurityGroupIngressRule, `cidrIpv4: 10.2.0.0/16`, keeps, "", nil},
		{"a prefix list", resource.SecurityGroup, `ingress: [{prefixListIds: [pl-1]}]`, unknown, "ingress rule 1: open to prefix list pl-1, whose ranges are not in the stack", nil},
		{"a rule for a prefix list", resource.SecurityGroupRule, `{type: ingress, prefixListIds: [pl-1]}`, unknown, "prefix list pl-1", nil},
		{"an egress rule to a prefix list", resource.SecurityGroupRule, `{type: egress, prefixListIds: [pl-1]}`, keeps, "", nil},
		{"an ingress rule for a prefix list", resource.SecurityGroupIngressRule, `prefixListId: pl-1`, unknown, "prefix list pl-1", nil},
		{"an ingress rule open to the internet", resource.SecurityGroupIngressRule, `cidrIpv4: 0.0.0.0/0`, breaks, "open to", nil},
		{"an ingress rule open to IPv6", resource.SecurityGroupIngressRule, `cidrIpv6: "::/0"`, breaks, "open to", nil},
		{"an endpoint open to the internet", resource.EKSCluster, `vpcConfig: {publicAccessCidrs: [203.0.113.0/24, 0.0.0.0/0]}`, breaks, "public endpoint: open to 0.0.0.0/0", nil},
		{"an endpoint for an office", resource.EKSCluster, `vpcConfig: {publicAccessCidrs: [203.0.113.0/24]}`, keeps, "", nil},
		{"an internal ALB", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internal}}}`, keeps, "", nil},
		{"an ALB for listed ranges", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing, alb.ingress.kubernetes.io/inbound-cidrs: "203.0.113.0/24, 198.51.100.0/24"}}}`, keeps, "", nil},
		{"an ALB open to the internet", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing, alb.ingress.kubernetes.io/inbound-cidrs: "203.0.113.0/24,0.0.0.0/0"}}}`, breaks, "open to 0.0.0.0/0", nil},
		{"an ALB without ranges", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}}}`, breaks, "everybody may", nil},
		{"an ALB by the old annotation", resource.Ingress, `metadata: {annotations: {kubernetes.io/ingress.class: alb, alb.ingress.kubernetes.io/scheme: internet-facing}}`, breaks, "everybody may", nil},
		{"an ALB of an unknown scheme", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: (unknown)}}}`, unknown, "internet-facing", nil},
		{"ingress-nginx open to the internet", resource.Ingress, `{spec: {ingressClassName: nginx}, metadata: {annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 0.0.0.0/0}}}`, breaks, "open to", nil},
		{"a Service in the cluster", resource.Service, `spec: {type: ClusterIP}`, keeps, "", nil},
		{"an internal NLB", resource.Service, `{spec: {type: LoadBalancer}, metadata: {annotations: {service.beta.kubernetes.io/aws-load-balancer-scheme: internal}}}`, keeps, "", nil},
		{"an NLB for listed ranges", resource.Service, `spec: {type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24]}`, keeps, "", nil},
		{"an NLB open to the internet", resource.Service, `spec: {type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0]}`, breaks, "open to", nil},
		{"a load balancer by Kubernetes' defaults", resource.Service, `spec: {type: LoadBalancer}`, breaks, "everybody may", nil},
	},
	"imdsv2": {
		{"tokens, one hop", resource.LaunchTemplate, `metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 1}`, keeps, "", nil},
		{"no metadata at all", resource.LaunchTemplate, `metadataOptions: {httpEndpoint: disabled}`, keeps, "", nil},
		{"tokens are optional", resource.LaunchTemplate, `metadataOptions: {httpTokens: optional, httpPutResponseHopLimit: 1}`, breaks, "without a token", nil},
		{"two hops", resource.LaunchTemplate, `metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 2}`, breaks, "is 2, not 1", nil},
		{"AWS's defaults", instance, `{}`, breaks, "without a token", nil},
		{"a launch configuration", launchConfiguration, `metadataOptions: {httpTokens: optional}`, breaks, "httpPutResponseHopLimit is not set", nil},
		{"unknown options", resource.LaunchTemplate, `metadataOptions: (unknown)`, unknown, "requires a token", nil},
		{"nodes of a template that is yet to be made", resource.NodeGroup, `launchTemplate: {id: (unknown)}`, keeps, "", nil},
		{"nodes without a template", resource.NodeGroup, `{}`, breaks, "no launch template", nil},
	},
	"secrets-encrypted": {
		{"a key", resource.EKSCluster, `encryptionConfig: {resources: [secrets], provider: {keyArn: "arn:aws:kms:eu-west-1:123456789012:key/1"}}`, keeps, "", nil},
		{"a key that is yet to be made", resource.EKSCluster, `encryptionConfig: {resources: [secrets], provider: {keyArn: (unknown)}}`, keeps, "", nil},
		{"none", resource.EKSCluster, `{}`, breaks, "not encrypted", nil},
		{"not the Secrets", resource.EKSCluster, `encryptionConfig: {resources: [], provider: {keyArn: (unknown)}}`, breaks, "not encrypted", nil},
		{"no key", resource.EKSCluster, `encryptionConfig: {resources: [secrets]}`, breaks, "not encrypted", nil},
		{"unknown", resource.EKSCluster, `encryptionConfig: (unknown)`, unknown, "Secrets are encrypted", nil},
	},
	"volumes-encrypted": {
		{"a template", resource.LaunchTemplate, `blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: "true"}}]`, keeps, "", nil},
		{"a template with a volume unencrypted", resource.LaunchTemplate, `blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: "true"}}, {deviceName: /dev/sdb, ebs: {volumeSize: 9}}]`, breaks, "volume /dev/sdb is not encrypted", nil},
		{"a template that leaves it to the image", resource.LaunchTemplate, `{}`, breaks, "names no volume", nil},
		{"an unknown template", resource.LaunchTemplate, `blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: (unknown)}}]`, unknown, "volume /dev/xvda", nil},
		{"a volume", "aws:ebs/volume:Volume", `encrypted: true`, keeps, "", nil},
		{"a volume unencrypted", "aws:ebs/volume:Volume", `{}`, breaks, "the volume is not encrypted", nil},
		{"an instance", instance, `{rootBlockDevice: {encrypted: true}, ebsBlockDevices: [{deviceName: b, encrypted: true}]}`, keeps, "", nil},
		{"an instance with an unencrypted root volume", instance, `{}`, breaks, "the root volume", nil},
		{"an instance with a volume unencrypted", launchConfiguration, `{rootBlockDevice: {encrypted: true}, ebsBlockDevices: [{deviceName: b}]}`, breaks, "volume b", nil},
	},
	"repositories-encrypted": {
		{"a key", resource.Repository, `encryptionConfigurations: [{encryptionType: KMS, kmsKey: (unknown)}]`, keeps, "", nil},
		{"ECR's own", resource.Repository, `encryptionConfigurations: [{encryptionType: AES256}]`, breaks, "KMS key of the stack", nil},
		{"AWS's key", resource.Repository, `encryptionConfigurations: [{encryptionType: KMS}]`, breaks, "KMS key of the stack", nil},
		{"the default", resource.Repository, `{}`, breaks, "KMS key of the stack", nil},
		{"unknown", resource.Repository, `encryptionConfigurations: (unknown)`, unknown, "images are encrypted", nil},
	},
	"topics-encrypted": {
		{"a key", resource.Topic, `kmsMasterKeyId: "arn:aws:kms:eu-west-1:1:key/a"`, keeps, "", nil},
		{"a key that is made in the same update", resource.Topic, `kmsMasterKeyId: (unknown)`, unknown, "which key encrypts", nil},
		{"AWS's key", resource.Topic, `kmsMasterKeyId: alias/aws/sns`, breaks, "KMS key of the stack", nil},
		{"none", resource.Topic, `{}`, breaks, "KMS key of the stack", nil},
	},
	"no-star-iam": {
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
	},
	"no-open-trust": {
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
	},
	"required-tags": {
		{"by the provider", resource.VPC, `{}`, keeps, "", withProvider(tagsOf("dev"))},
		{"by the provider, as the SDK hands it over", resource.VPC, `{}`, keeps, "", withProvider(`defaultTags: '{"tags":{"project":"tfserving","stack":"dev","owner":"me","managed-by":"pulumi"}}'`)},
		{"by itself", resource.VPC, `tags: {project: tfserving, stack: dev, owner: me, managed-by: pulumi}`, keeps, "", nil},
		{"no tags", resource.VPC, `tags: {Name: vpc}`, breaks, "project is missing, stack is missing, owner is missing, managed-by is missing", nil},
		{"without an owner", resource.VPC, `tags: {project: tfserving, stack: dev, owner: "", managed-by: pulumi}`, breaks, "owner is missing", nil},
		{"another stack's", resource.VPC, `{}`, breaks, "stack is prod, not dev", withProvider(tagsOf("prod"))},
		{"its own tag says otherwise", resource.VPC, `tags: {managed-by: hand}`, breaks, "managed-by is hand", withProvider(tagsOf("dev"))},
		{"unknown", resource.VPC, `tags: (unknown)`, unknown, "tag project", nil},
		{"nothing on AWS", resource.Namespace, `{}`, keeps, "", nil},
		{"nodes and volumes", resource.LaunchTemplate, template("instance", "volume"), keeps, "", withProvider(tagsOf("dev"))},
		{"nodes alone", resource.LaunchTemplate, template("instance"), breaks, "tags of each volume", withProvider(tagsOf("dev"))},
		{"unknown tags of nodes", resource.LaunchTemplate, `tagSpecifications: (unknown)`, unknown, "the tags of instances", withProvider(tagsOf("dev"))},
		{"load balancers", resource.HelmRelease, `{name: aws-load-balancer-controller, values: {defaultTags: {project: tfserving, stack: dev, owner: me, managed-by: pulumi}}}`, keeps, "", nil},
		{"load balancers without", resource.HelmRelease, `{chart: aws-load-balancer-controller, values: {}}`, breaks, "load balancer controller makes: project", nil},
		{"another release", resource.HelmRelease, `{chart: other, values: {}}`, keeps, "", nil},
	},
	"restricted-pods": {
		{"the program's pods", resource.Deployment, pods(restricted, "a:1"), keeps, "", nil},
		{"with parts yet unknown that do not matter", resource.Deployment, pods(restricted, "(unknown)"), keeps, "", nil},
		{"as root", resource.Deployment, pods(`{runAsNonRoot: false, seccompProfile: {type: RuntimeDefault}}`, "a:1"), breaks, "runAsNonRoot", nil},
		{"without seccomp", "kubernetes:apps/v1:StatefulSet", pods(`{runAsNonRoot: true}`, "a:1"), breaks, "seccomp", nil},
		{"unknown security", resource.Deployment, pods("(unknown)", "a:1"), unknown, "securityContext", nil},
		{"an unknown volume", "kubernetes:apps/v1:DaemonSet", `spec: {template: {spec: {volumes: [(unknown)], containers: []}}}`, unknown, "volumes[0]", nil},
		{"unknown pods", "kubernetes:batch/v1:Job", `spec: (unknown)`, unknown, "the pods", nil},
		{"a secret hides it", resource.Deployment, pods("(secret)", "a:1"), breaks, "it is a secret", nil},
		{"a scheduled job", "kubernetes:batch/v1:CronJob", `spec: {jobTemplate: {spec: {template: {spec: {hostNetwork: true, containers: [{name: a}]}}}}}`, breaks, "host namespaces", nil},
		{"a pod by itself, privileged", "kubernetes:core/v1:Pod", `spec: {containers: [{name: a, securityContext: {privileged: true}}]}`, breaks, "privileged", nil},
		{"what cannot be read", "kubernetes:core/v1:Pod", `spec: {containers: 7}`, breaks, "cannot be read", nil},
		{"a namespace", resource.Namespace, `metadata: {labels: {pod-security.kubernetes.io/enforce: restricted}}`, keeps, "", nil},
		{"a namespace for root", resource.Namespace, `metadata: {labels: {pod-security.kubernetes.io/enforce: baseline}}`, breaks, "is baseline", nil},
		{"a namespace for anything", resource.Namespace, `metadata: {name: any}`, breaks, "is not set", nil},
		{"an unknown namespace", resource.Namespace, `metadata: (unknown)`, unknown, "admits", nil},
	},
	"pinned-images": {
		{"a tag", resource.Deployment, pods(restricted, "registry.example/a:1"), keeps, "", nil},
		{"a digest", resource.Deployment, pods(restricted, "a@sha256:"+strings.Repeat("ab", 32)), keeps, "", nil},
		{"latest, by digest", resource.Deployment, pods(restricted, "a:latest@sha256:"+strings.Repeat("ab", 32)), keeps, "", nil},
		{"latest", resource.Deployment, pods(restricted, "a:latest"), breaks, `container a runs "a:latest"`, nil},
		{"a port is no tag", resource.Deployment, pods(restricted, "registry.example:5000/a"), breaks, "has no tag", nil},
		{"no image", resource.Deployment, pods(restricted, `""`), breaks, "no image", nil},
		{"before the pod's own", "kubernetes:core/v1:Pod", `spec: {initContainers: [{name: first, image: a}], containers: [{name: a, image: "a:1"}]}`, breaks, "container first", nil},
		{"unknown", resource.Deployment, pods(restricted, "(unknown)"), unknown, "which image container a runs", nil},
	},
	"prod-protected": {
		{"protected", resource.VPC, `{}`, keeps, "", protectedProd},
		{"a key that may be deleted", resource.KMSKey, `{}`, breaks, "may delete the", prod},
		{"a cluster that may be deleted", resource.EKSCluster, `{}`, breaks, "may delete the", prod},
		{"a repository that may be deleted", resource.Repository, `{}`, breaks, "may delete the", prod},
		{"what can be made again", resource.NATGateway, `{}`, keeps, "", prod},
		{"another stack", resource.VPC, `{}`, keeps, "", nil},
	},
	"prod-balancer-protected": {
		{"protected", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/load-balancer-attributes: "a.b=true,deletion_protection.enabled=true"}}}`, keeps, "", prod},
		{"an ALB that may be deleted", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/load-balancer-attributes: "deletion_protection.enabled=false"}}}`, breaks, "may delete the", prod},
		{"an NLB that may be deleted", resource.Service, `spec: {loadBalancerClass: service.k8s.aws/nlb}`, breaks, "may delete the", prod},
		{"a protected NLB", resource.Service, `{spec: {loadBalancerClass: service.k8s.aws/nlb}, metadata: {annotations: {service.beta.kubernetes.io/aws-load-balancer-attributes: deletion_protection.enabled=true}}}`, keeps, "", prod},
		{"no load balancer of AWS", resource.Ingress, `spec: {ingressClassName: nginx}`, keeps, "", prod},
		{"unknown", resource.Ingress, `{spec: {ingressClassName: alb}, metadata: {annotations: (unknown)}}`, unknown, "may delete", prod},
		{"another stack", resource.Ingress, `spec: {ingressClassName: alb}`, keeps, "", nil},
	},
	"prod-private-endpoint": {
		{"private", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: false, endpointPrivateAccess: true}`, keeps, "", prod},
		{"public too", resource.EKSCluster, `vpcConfig: {endpointPublicAccess: true, endpointPrivateAccess: true, publicAccessCidrs: [203.0.113.0/24]}`, breaks, "has a public endpoint", prod},
		{"EKS' defaults", resource.EKSCluster, `vpcConfig: {}`, breaks, "has no private endpoint", prod},
		{"unknown", resource.EKSCluster, `vpcConfig: (unknown)`, unknown, "private endpoint", prod},
		{"another stack", resource.EKSCluster, `vpcConfig: {}`, keeps, "", nil},
	},
}

// tagsOf returns a provider's inputs with the tags of a stack.
func tagsOf(stack string) string {
	return `defaultTags: {tags: {project: tfserving, stack: ` + stack + `, owner: me, managed-by: pulumi}}`
}

// template returns the inputs of a launch template that tags types of resources.
func template(kinds ...string) string {
	var all []any
	for _, kind := range kinds {
		all = append(all, map[string]any{"resourceType": kind, "tags": map[string]any{"project": "tfserving", "stack": "dev", "owner": "me", "managed-by": "pulumi"}})
	}
	return "tagSpecifications: " + asJSON(all)
}

// restricted is a pod's security context that satisfies level restricted.
const restricted = `{runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}`

// pods returns a workload whose one container satisfies level restricted.
func pods(security, image string) string {
	return `spec: {template: {spec: {serviceAccountName: (unknown), securityContext: ` + security + `, containers: [{name: a, image: ` + image + `, env: [{name: X, value: (unknown)}],
		securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}}`
}
