package program

import (
	"strings"
	"testing"

	"tfserving/internal/mockengine"
)

// atRest says of each type of AWS resource how what it holds is encrypted, or why it holds nothing. A type that is not in
// it has not been thought of.
var atRest = map[string]func(t *testing.T, g *graph, r *registered){
	"aws:ec2/launchTemplate:LaunchTemplate": func(t *testing.T, _ *graph, r *registered) {
		mappings, _ := r.input("blockDeviceMappings").([]any)
		if len(mappings) == 0 {
			t.Errorf("%s leaves the root volume to the image, which may not encrypt it", r)
		}
		for _, m := range mappings {
			if at(m, "ebs", "encrypted") != "true" {
				t.Errorf("%s makes volumes that are not encrypted: %v", r, m)
			}
		}
	},
	"aws:ecr/repository:Repository": func(t *testing.T, g *graph, r *registered) {
		if r.text("encryptionConfigurations", 0, "encryptionType") != "KMS" {
			t.Errorf("%s is not encrypted by KMS", r)
		}
		g.rotates(t, r, r.text("encryptionConfigurations", 0, "kmsKey"))
		if r.text("imageTagMutability") != "IMMUTABLE" || r.input("imageScanningConfiguration", "scanOnPush") != true {
			t.Errorf("%s has tags that move, or does not scan", r)
		}
	},
	"aws:kms/key:Key": func(t *testing.T, _ *graph, r *registered) {
		if r.input("enableKeyRotation") != true {
			t.Errorf("%s is not rotated", r)
		}
		if r.input("deletionWindowInDays") != 30.0 {
			t.Errorf("%s, deleted, can be brought back for %v days, want 30", r, r.input("deletionWindowInDays"))
		}
		if r.input("policy") != nil {
			t.Errorf("%s has a key policy, which no rule here looks at", r)
		}
	},
	// CloudWatch Logs encrypts every group by a key of its own; what this program logs is no secret.
	"aws:cloudwatch/logGroup:LogGroup": func(t *testing.T, _ *graph, r *registered) {
		if days, _ := r.input("retentionInDays").(float64); days < 1 {
			t.Errorf("%s keeps logs for ever", r)
		}
	},
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": nil,
	"aws:ec2/eip:Eip":                                           nil,
	"aws:ec2/flowLog:FlowLog":                                   nil, // writes to its log group
	"aws:ec2/internetGateway:InternetGateway":                   nil,
	"aws:ec2/natGateway:NatGateway":                             nil,
	"aws:ec2/route:Route":                                       nil,
	"aws:ec2/routeTable:RouteTable":                             nil,
	"aws:ec2/routeTableAssociation:RouteTableAssociation":       nil,
	"aws:ec2/securityGroup:SecurityGroup":                       nil,
	"aws:ec2/subnet:Subnet":                                     nil,
	"aws:ec2/vpc:Vpc":                                           nil,
	"aws:ec2/vpcEndpoint:VpcEndpoint":                           nil,
	"aws:ecr/lifecyclePolicy:LifecyclePolicy":                   nil,
	"aws:eks/addon:Addon":                                       nil,
	"aws:eks/nodeGroup:NodeGroup":                               nil, // by its launch template
	"aws:eks/podIdentityAssociation:PodIdentityAssociation":     nil,
	"aws:iam/role:Role":                                         nil,
	"aws:iam/rolePolicy:RolePolicy":                             nil,
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment":         nil,
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": nil,
}

// keyWith is the stack's own key of an ARN, or nil.
func (g *graph) keyWith(arn string) *registered {
	for _, k := range g.ofType("aws:kms/key:Key") {
		if strings.HasSuffix(arn, ":key/"+k.Name) {
			return k
		}
	}
	return nil
}

// rotates checks that something is encrypted by a key of the stack. That the key is rotated is the key's own rule.
func (g *graph) rotates(t *testing.T, what *registered, arn string) {
	t.Helper()
	key := g.keyWith(arn)
	if key == nil {
		t.Errorf("%s is encrypted by %q, want a key of the stack", what, arn)
		return
	}
	if !g.comesAfter(what, key) {
		t.Errorf("%s does not wait for its key", what)
	}
}

func TestWhateverHoldsDataIsEncrypted(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.onAWS() {
			check, known := atRest[r.TypeToken]
			if !known {
				t.Errorf("%s: is there data in it, and how is it encrypted? atRest does not say", r)
			} else if check != nil {
				check(t, g, r)
			}
		}
		eks := g.only(t, mockengine.Cluster)
		g.rotates(t, eks, eks.text("encryptionConfigKeyArn"))
	})
}

func TestNodesAnswerMetadataToThemselvesAlone(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		templates := map[string]bool{}
		for _, r := range g.ofType("aws:ec2/launchTemplate:LaunchTemplate") {
			templates[mockengine.ID(r.MockResourceArgs)] = true
			m := r.input("metadataOptions")
			if at(m, "httpTokens") != "required" || at(m, "httpPutResponseHopLimit") != 1.0 {
				t.Errorf("%s has metadata options %v, want IMDSv2 alone and one hop, which no pod is", r, m)
			}
		}
		for _, r := range g.ofType("aws:eks/nodeGroup:NodeGroup") {
			if !templates[r.text("launchTemplate", "id")] {
				t.Errorf("%s has no launch template of the program", r)
			}
			// A number: with $Latest a new version of the template would change no group.
			if v := r.text("launchTemplate", "version"); v != "1" {
				t.Errorf("%s has version %q of its launch template, want its number", r, v)
			}
		}
	})
}

func TestSecretsStaySecretOnEKS(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		if !g.secretKubeconfig {
			t.Errorf("the output kubeconfig is not a secret")
		}
		for _, r := range g.resources {
			if r.TypeToken == "pulumi:providers:kubernetes" && !r.Inputs["kubeconfig"].IsSecret() {
				t.Errorf("the provider's kubeconfig is not a secret: it would stand in the state in plain")
			}
			plain(propertyOf(r), "", func(name, text string) {
				if strings.Contains(text, mockengine.SentinelToken) || secretShaped.MatchString(text) {
					t.Errorf("%s holds a secret in plain at %q", r, name)
				}
			})
		}
	})
}
