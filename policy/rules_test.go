package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"tfserving/config"
)

// now is when the tests are.
var now = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

// What a resource is to a rule.
const (
	keeps   = "keeps"   // the rule says nothing
	breaks  = "breaks"  // mandatory
	unknown = "unknown" // advisory: it is told by an update
)

// example is a resource, and what it is to the rule under test. Everything in it but what the case is about is as the
// program has it.
type example struct {
	name   string
	typ    string
	inputs string // as YAML; (unknown) and (secret) stand for such values
	is     string
	says   string // part of the finding
	change func(*Stack, *Resource)
}

// prod puts a resource into stack prod.
func prod(s *Stack, _ *Resource) { s.Name = Production }

// protectedProd is a resource of stack prod that Pulumi does not delete.
func protectedProd(s *Stack, r *Resource) { s.Name, r.Protect = Production, true }

// by gives a resource a provider with these inputs.
func by(inputs string) func(*Stack, *Resource) {
	return func(_ *Stack, r *Resource) { r.Provider = object(inputs) }
}

func object(text string) map[string]any {
	text = strings.NewReplacer("(unknown)", Unknown, "(secret)", `"`+Secret+`"`).Replace(text)
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
	s, r := &Stack{Name: "dev", Settings: &config.Settings{}, Now: now}, Resource{URN: "urn", Type: e.typ, Name: "thing", Inputs: object(e.inputs)}
	if e.change != nil {
		e.change(s, &r)
	}
	is, said := keeps, ""
	for _, v := range s.Check(r) {
		if v.Rule.Name != rule.Name {
			continue
		}
		if is, said = breaks, said+v.Text+"\n"; v.Level == Advisory {
			is = unknown
		}
	}
	if is != e.is || !strings.Contains(said, e.says) {
		t.Errorf("%s: it %s the rule, want %s; it says:\n%swant %q in it", e.name, is, e.is, said, e.says)
	}
}

// TestEveryRuleIsKeptAndCanBeBroken runs the examples, of which every rule about a resource needs one that keeps it, one
// that breaks it and, where it looks at inputs, one in which they are not known yet.
func TestEveryRuleIsKeptAndCanBeBroken(t *testing.T) {
	for _, rule := range Rules {
		if rule.WholeStack() {
			continue
		}
		t.Run(rule.Name, func(t *testing.T) {
			met := map[string]bool{}
			for _, e := range examples[rule.Name] {
				e.run(t, rule)
				met[e.is] = true
			}
			if !met[keeps] || !met[breaks] || !met[unknown] && rule.Name != "prod-protected" {
				t.Errorf("the examples of the rule are of the kinds %v only", met)
			}
		})
	}
	for name := range examples {
		if _, ok := Find(name); !ok {
			t.Errorf("there are examples of %s, which is no rule", name)
		}
	}
}

var examples = map[string][]example{
	"endpoint-cidrs": {
		{"ranges", typeCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: [203.0.113.0/24]}`, keeps, "", nil},
		{"closed", typeCluster, `vpcConfig: {endpointPublicAccess: false}`, keeps, "", nil},
		{"no ranges", typeCluster, `vpcConfig: {endpointPublicAccess: true}`, breaks, "names no address ranges", nil},
		{"an empty list", typeCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: []}`, breaks, "names no address ranges", nil},
		{"EKS' default is public", typeCluster, `vpcConfig: {endpointPrivateAccess: true}`, breaks, "names no address ranges", nil},
		{"unknown ranges", typeCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: (unknown)}`, unknown, "who may reach", nil},
		{"unknown whether public", typeCluster, `vpcConfig: (unknown)`, unknown, "whether the API has a public endpoint", nil},
		{"a secret hides it", typeCluster, `vpcConfig: {endpointPublicAccess: true, publicAccessCidrs: (secret)}`, breaks, "it is a secret", nil},
	},
	"no-open-ingress": {
		{"a group for the VPC", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{cidrBlocks: [10.0.0.0/16]}]`, keeps, "", nil},
		{"out to the world", "aws:ec2/securityGroup:SecurityGroup", `egress: [{cidrBlocks: [0.0.0.0/0]}]`, keeps, "", nil},
		{"a group for the world", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{cidrBlocks: [10.0.0.0/16]}, {cidrBlocks: [0.0.0.0/0]}]`, breaks, "ingress rule 2: open to 0.0.0.0/0", nil},
		{"the world of IPv6", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{ipv6CidrBlocks: ["::/0"]}]`, breaks, "open to ::/0", nil},
		{"half of the world", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{cidrBlocks: [128.0.0.0/1]}]`, breaks, "open to 128.0.0.0/1", nil},
		{"no range at all", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{cidrBlocks: [anybody]}]`, breaks, "anybody is no address range", nil},
		{"unknown rules", "aws:ec2/securityGroup:SecurityGroup", `ingress: (unknown)`, unknown, "the ingress rules", nil},
		{"an unknown range beside a known one", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{cidrBlocks: [10.0.0.0/16, (unknown)]}]`, unknown, "ingress rule 1", nil},
		{"the VPC's default group", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", `ingress: [{cidrBlocks: [0.0.0.0/0]}]`, breaks, "open to", nil},
		{"a rule for the world", "aws:ec2/securityGroupRule:SecurityGroupRule", `{type: ingress, cidrBlocks: [0.0.0.0/0]}`, breaks, "open to", nil},
		{"a rule out", "aws:ec2/securityGroupRule:SecurityGroupRule", `{type: egress, cidrBlocks: [0.0.0.0/0]}`, keeps, "", nil},
		{"an ingress rule for the VPC", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", `cidrIpv4: 10.2.0.0/16`, keeps, "", nil},
		{"a prefix list", "aws:ec2/securityGroup:SecurityGroup", `ingress: [{prefixListIds: [pl-1]}]`, unknown, "ingress rule 1: open to prefix list pl-1; which ranges that are cannot be told", nil},
		{"a rule for a prefix list", "aws:ec2/securityGroupRule:SecurityGroupRule", `{type: ingress, prefixListIds: [pl-1]}`, unknown, "prefix list pl-1", nil},
		{"a rule out to a prefix list", "aws:ec2/securityGroupRule:SecurityGroupRule", `{type: egress, prefixListIds: [pl-1]}`, keeps, "", nil},
		{"an ingress rule for a prefix list", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", `prefixListId: pl-1`, unknown, "prefix list pl-1", nil},
		{"an ingress rule for the world", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", `cidrIpv4: 0.0.0.0/0`, breaks, "open to", nil},
		{"an ingress rule for the world of IPv6", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", `cidrIpv6: "::/0"`, breaks, "open to", nil},
		{"an endpoint for the world", typeCluster, `vpcConfig: {publicAccessCidrs: [203.0.113.0/24, 0.0.0.0/0]}`, breaks, "public endpoint: open to 0.0.0.0/0", nil},
		{"an endpoint for an office", typeCluster, `vpcConfig: {publicAccessCidrs: [203.0.113.0/24]}`, keeps, "", nil},
		{"an internal ALB", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internal}}}`, keeps, "", nil},
		{"an ALB for some", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing, alb.ingress.kubernetes.io/inbound-cidrs: "203.0.113.0/24, 198.51.100.0/24"}}}`, keeps, "", nil},
		{"an ALB for the world", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing, alb.ingress.kubernetes.io/inbound-cidrs: "203.0.113.0/24,0.0.0.0/0"}}}`, breaks, "open to 0.0.0.0/0", nil},
		{"an ALB for whoever calls", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}}}`, breaks, "everybody may", nil},
		{"an ALB by the old annotation", typeIngress, `metadata: {annotations: {kubernetes.io/ingress.class: alb, alb.ingress.kubernetes.io/scheme: internet-facing}}`, breaks, "everybody may", nil},
		{"an ALB of an unknown scheme", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/scheme: (unknown)}}}`, unknown, "internet-facing", nil},
		{"Ingress-NGINX for the world", typeIngress, `{spec: {ingressClassName: nginx}, metadata: {annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 0.0.0.0/0}}}`, breaks, "open to", nil},
		{"a Service in the cluster", typeService, `spec: {type: ClusterIP}`, keeps, "", nil},
		{"an internal NLB", typeService, `{spec: {type: LoadBalancer}, metadata: {annotations: {service.beta.kubernetes.io/aws-load-balancer-scheme: internal}}}`, keeps, "", nil},
		{"an NLB for some", typeService, `spec: {type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24]}`, keeps, "", nil},
		{"an NLB for the world", typeService, `spec: {type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0]}`, breaks, "open to", nil},
		{"a load balancer by Kubernetes' defaults", typeService, `spec: {type: LoadBalancer}`, breaks, "everybody may", nil},
	},
	"imdsv2": {
		{"tokens, one hop", typeTemplate, `metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 1}`, keeps, "", nil},
		{"no metadata at all", typeTemplate, `metadataOptions: {httpEndpoint: disabled}`, keeps, "", nil},
		{"tokens are optional", typeTemplate, `metadataOptions: {httpTokens: optional, httpPutResponseHopLimit: 1}`, breaks, "without a token", nil},
		{"two hops", typeTemplate, `metadataOptions: {httpTokens: required, httpPutResponseHopLimit: 2}`, breaks, "is 2, not 1", nil},
		{"AWS's defaults", typeInstance, `{}`, breaks, "without a token", nil},
		{"a launch configuration", typeLaunch, `metadataOptions: {httpTokens: optional}`, breaks, "httpPutResponseHopLimit is not set", nil},
		{"unknown options", typeTemplate, `metadataOptions: (unknown)`, unknown, "wants a token", nil},
		{"nodes of a template that is yet to be made", typeNodeGroup, `launchTemplate: {id: (unknown)}`, keeps, "", nil},
		{"nodes without a template", typeNodeGroup, `{}`, breaks, "no launch template", nil},
	},
	"secrets-encrypted": {
		{"a key", typeCluster, `encryptionConfig: {resources: [secrets], provider: {keyArn: "arn:aws:kms:eu-west-1:123456789012:key/1"}}`, keeps, "", nil},
		{"a key that is yet to be made", typeCluster, `encryptionConfig: {resources: [secrets], provider: {keyArn: (unknown)}}`, keeps, "", nil},
		{"none", typeCluster, `{}`, breaks, "not encrypted", nil},
		{"not the Secrets", typeCluster, `encryptionConfig: {resources: [], provider: {keyArn: (unknown)}}`, breaks, "not encrypted", nil},
		{"no key", typeCluster, `encryptionConfig: {resources: [secrets]}`, breaks, "not encrypted", nil},
		{"unknown", typeCluster, `encryptionConfig: (unknown)`, unknown, "Secrets are encrypted", nil},
	},
	"volumes-encrypted": {
		{"a template", typeTemplate, `blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: "true"}}]`, keeps, "", nil},
		{"a template with a volume in plain", typeTemplate, `blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: "true"}}, {deviceName: /dev/sdb, ebs: {volumeSize: 9}}]`, breaks, "volume /dev/sdb is not encrypted", nil},
		{"a template that leaves it to the image", typeTemplate, `{}`, breaks, "names no volume", nil},
		{"an unknown template", typeTemplate, `blockDeviceMappings: [{deviceName: /dev/xvda, ebs: {encrypted: (unknown)}}]`, unknown, "volume /dev/xvda", nil},
		{"a volume", "aws:ebs/volume:Volume", `encrypted: true`, keeps, "", nil},
		{"a volume in plain", "aws:ebs/volume:Volume", `{}`, breaks, "the volume is not encrypted", nil},
		{"an instance", typeInstance, `{rootBlockDevice: {encrypted: true}, ebsBlockDevices: [{deviceName: b, encrypted: true}]}`, keeps, "", nil},
		{"an instance with a root in plain", typeInstance, `{}`, breaks, "the root volume", nil},
		{"an instance with a volume in plain", typeLaunch, `{rootBlockDevice: {encrypted: true}, ebsBlockDevices: [{deviceName: b}]}`, breaks, "volume b", nil},
	},
	"repositories-encrypted": {
		{"a key", typeRepository, `encryptionConfigurations: [{encryptionType: KMS, kmsKey: (unknown)}]`, keeps, "", nil},
		{"ECR's own", typeRepository, `encryptionConfigurations: [{encryptionType: AES256}]`, breaks, "KMS key of the stack", nil},
		{"AWS's key", typeRepository, `encryptionConfigurations: [{encryptionType: KMS}]`, breaks, "KMS key of the stack", nil},
		{"the default", typeRepository, `{}`, breaks, "KMS key of the stack", nil},
		{"unknown", typeRepository, `encryptionConfigurations: (unknown)`, unknown, "images are encrypted", nil},
	},
	"no-star-iam":   starExamples,
	"no-open-trust": trustExamples,
	"required-tags": {
		{"by the provider", "aws:ec2/vpc:Vpc", `{}`, keeps, "", by(tagsOf("dev"))},
		{"by the provider, as the SDK hands it over", "aws:ec2/vpc:Vpc", `{}`, keeps, "", by(`defaultTags: '{"tags":{"project":"tfserving","stack":"dev","owner":"me","managed-by":"pulumi"}}'`)},
		{"by itself", "aws:ec2/vpc:Vpc", `tags: {project: tfserving, stack: dev, owner: me, managed-by: pulumi}`, keeps, "", nil},
		{"by nobody", "aws:ec2/vpc:Vpc", `tags: {Name: vpc}`, breaks, "project is missing, stack is missing, owner is missing, managed-by is missing", nil},
		{"without an owner", "aws:ec2/vpc:Vpc", `tags: {project: tfserving, stack: dev, owner: "", managed-by: pulumi}`, breaks, "owner is missing", nil},
		{"another stack's", "aws:ec2/vpc:Vpc", `{}`, breaks, "stack is prod, not dev", by(tagsOf("prod"))},
		{"its own tag says otherwise", "aws:ec2/vpc:Vpc", `tags: {managed-by: hand}`, breaks, "managed-by is hand", by(tagsOf("dev"))},
		{"unknown", "aws:ec2/vpc:Vpc", `tags: (unknown)`, unknown, "tag project", nil},
		{"nothing on AWS", "kubernetes:core/v1:Namespace", `{}`, keeps, "", nil},
		{"nodes and volumes", typeTemplate, template("instance", "volume"), keeps, "", by(tagsOf("dev"))},
		{"nodes alone", typeTemplate, template("instance"), breaks, "tags of each volume", by(tagsOf("dev"))},
		{"unknown tags of nodes", typeTemplate, `tagSpecifications: (unknown)`, unknown, "the tags of instances", by(tagsOf("dev"))},
		{"load balancers", typeRelease, `{name: aws-load-balancer-controller, values: {defaultTags: {project: tfserving, stack: dev, owner: me, managed-by: pulumi}}}`, keeps, "", nil},
		{"load balancers without", typeRelease, `{chart: aws-load-balancer-controller, values: {}}`, breaks, "load balancer controller makes: project", nil},
		{"another release", typeRelease, `{chart: other, values: {}}`, keeps, "", nil},
	},
	"restricted-pods": {
		{"the program's pods", "kubernetes:apps/v1:Deployment", pods(restricted, "a:1"), keeps, "", nil},
		{"with parts yet unknown that do not matter", "kubernetes:apps/v1:Deployment", pods(restricted, "(unknown)"), keeps, "", nil},
		{"as root", "kubernetes:apps/v1:Deployment", pods(`{runAsNonRoot: false, seccompProfile: {type: RuntimeDefault}}`, "a:1"), breaks, "runAsNonRoot", nil},
		{"without seccomp", "kubernetes:apps/v1:StatefulSet", pods(`{runAsNonRoot: true}`, "a:1"), breaks, "seccomp", nil},
		{"unknown security", "kubernetes:apps/v1:Deployment", pods("(unknown)", "a:1"), unknown, "securityContext", nil},
		{"an unknown volume", "kubernetes:apps/v1:DaemonSet", `spec: {template: {spec: {volumes: [(unknown)], containers: []}}}`, unknown, "volumes[0]", nil},
		{"unknown pods", "kubernetes:batch/v1:Job", `spec: (unknown)`, unknown, "the pods", nil},
		{"a secret hides it", "kubernetes:apps/v1:Deployment", pods("(secret)", "a:1"), breaks, "it is a secret", nil},
		{"a scheduled job", "kubernetes:batch/v1:CronJob", `spec: {jobTemplate: {spec: {template: {spec: {hostNetwork: true, containers: [{name: a}]}}}}}`, breaks, "host namespaces", nil},
		{"a pod by itself, privileged", "kubernetes:core/v1:Pod", `spec: {containers: [{name: a, securityContext: {privileged: true}}]}`, breaks, "privileged", nil},
		{"what cannot be read", "kubernetes:core/v1:Pod", `spec: {containers: 7}`, breaks, "cannot be read", nil},
		{"a namespace", "kubernetes:core/v1:Namespace", `metadata: {labels: {pod-security.kubernetes.io/enforce: restricted}}`, keeps, "", nil},
		{"a namespace for root", "kubernetes:core/v1:Namespace", `metadata: {labels: {pod-security.kubernetes.io/enforce: baseline}}`, breaks, "is baseline", nil},
		{"a namespace for anything", "kubernetes:core/v1:Namespace", `metadata: {name: any}`, breaks, "is not set", nil},
		{"an unknown namespace", "kubernetes:core/v1:Namespace", `metadata: (unknown)`, unknown, "admits", nil},
	},
	"pinned-images": {
		{"a tag", "kubernetes:apps/v1:Deployment", pods(restricted, "registry.example/a:1"), keeps, "", nil},
		{"a digest", "kubernetes:apps/v1:Deployment", pods(restricted, "a@sha256:"+strings.Repeat("ab", 32)), keeps, "", nil},
		{"latest, by digest", "kubernetes:apps/v1:Deployment", pods(restricted, "a:latest@sha256:"+strings.Repeat("ab", 32)), keeps, "", nil},
		{"latest", "kubernetes:apps/v1:Deployment", pods(restricted, "a:latest"), breaks, `container a runs "a:latest"`, nil},
		{"a port is no tag", "kubernetes:apps/v1:Deployment", pods(restricted, "registry.example:5000/a"), breaks, "has no tag", nil},
		{"no image", "kubernetes:apps/v1:Deployment", pods(restricted, `""`), breaks, "no image", nil},
		{"before the pod's own", "kubernetes:core/v1:Pod", `spec: {initContainers: [{name: first, image: a}], containers: [{name: a, image: "a:1"}]}`, breaks, "container first", nil},
		{"unknown", "kubernetes:apps/v1:Deployment", pods(restricted, "(unknown)"), unknown, "which image container a runs", nil},
	},
	"prod-protected": {
		{"protected", typeVPC, `{}`, keeps, "", protectedProd},
		{"a key that may go", typeKey, `{}`, breaks, "may be deleted", prod},
		{"a cluster that may go", typeCluster, `{}`, breaks, "may be deleted", prod},
		{"a repository that may go", typeRepository, `{}`, breaks, "may be deleted", prod},
		{"what can be made again", "aws:ec2/natGateway:NatGateway", `{}`, keeps, "", prod},
		{"another stack", typeVPC, `{}`, keeps, "", nil},
	},
	"prod-balancer-protected": {
		{"protected", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/load-balancer-attributes: "a.b=true,deletion_protection.enabled=true"}}}`, keeps, "", prod},
		{"an ALB that may go", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: {alb.ingress.kubernetes.io/load-balancer-attributes: "deletion_protection.enabled=false"}}}`, breaks, "may be deleted", prod},
		{"an NLB that may go", typeService, `spec: {loadBalancerClass: service.k8s.aws/nlb}`, breaks, "may be deleted", prod},
		{"a protected NLB", typeService, `{spec: {loadBalancerClass: service.k8s.aws/nlb}, metadata: {annotations: {service.beta.kubernetes.io/aws-load-balancer-attributes: deletion_protection.enabled=true}}}`, keeps, "", prod},
		{"no load balancer of AWS", typeIngress, `spec: {ingressClassName: nginx}`, keeps, "", prod},
		{"unknown", typeIngress, `{spec: {ingressClassName: alb}, metadata: {annotations: (unknown)}}`, unknown, "may delete", prod},
		{"another stack", typeIngress, `spec: {ingressClassName: alb}`, keeps, "", nil},
	},
	"prod-private-endpoint": {
		{"private", typeCluster, `vpcConfig: {endpointPublicAccess: false, endpointPrivateAccess: true}`, keeps, "", prod},
		{"public too", typeCluster, `vpcConfig: {endpointPublicAccess: true, endpointPrivateAccess: true, publicAccessCidrs: [203.0.113.0/24]}`, breaks, "has a public endpoint", prod},
		{"EKS' defaults", typeCluster, `vpcConfig: {}`, breaks, "has no private endpoint", prod},
		{"unknown", typeCluster, `vpcConfig: (unknown)`, unknown, "private endpoint", prod},
		{"another stack", typeCluster, `vpcConfig: {}`, keeps, "", nil},
	},
}

// tagsOf are a provider's inputs with the tags of a stack.
func tagsOf(stack string) string {
	return `defaultTags: {tags: {project: tfserving, stack: ` + stack + `, owner: me, managed-by: pulumi}}`
}

// template is a launch template that tags kinds of resources.
func template(kinds ...string) string {
	var all []any
	for _, kind := range kinds {
		all = append(all, map[string]any{"resourceType": kind, "tags": map[string]any{"project": "tfserving", "stack": "dev", "owner": "me", "managed-by": "pulumi"}})
	}
	return "tagSpecifications: " + asJSON(all)
}

// restricted is the pods' own security context, as level restricted wants it.
const restricted = `{runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}`

// pods is a workload whose one container is as level restricted wants it.
func pods(security, image string) string {
	return `spec: {template: {spec: {serviceAccountName: (unknown), securityContext: ` + security + `, containers: [{name: a, image: ` + image + `, env: [{name: X, value: (unknown)}],
		securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}}`
}
