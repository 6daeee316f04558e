package program

import (
	"slices"
	"strings"
	"testing"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// keyRestoreDays is how long KMS can restore a deleted key: the longest time that KMS allows.
const keyRestoreDays = 30

// encryptionChecks holds a check of the encryption for each type of AWS resource that stores data. The test fails for a type
// that is missing here and in storesNoData.
var encryptionChecks = map[string]func(t *testing.T, g *graph, r *registration){
	resource.LaunchTemplate: func(t *testing.T, _ *graph, r *registration) {
		mappings, _ := r.input("blockDeviceMappings").([]any)
		if len(mappings) == 0 {
			t.Errorf("%s takes the root volume from the machine image, which may not encrypt it", r)
		}
		for _, m := range mappings {
			if resource.At(m, "ebs", "encrypted") != "true" {
				t.Errorf("%s has a volume that is not encrypted: %v", r, m)
			}
		}
	},
	resource.Repository: func(t *testing.T, g *graph, r *registration) {
		if r.text("encryptionConfigurations", 0, "encryptionType") != "KMS" {
			t.Errorf("%s is not encrypted by KMS", r)
		}
		g.checkStackKey(t, r, r.text("encryptionConfigurations", 0, "kmsKey"))
		if r.text("imageTagMutability") != "IMMUTABLE" || r.input("imageScanningConfiguration", "scanOnPush") != true {
			t.Errorf("%s has mutable tags, or does not scan images", r)
		}
	},
	resource.KMSKey: func(t *testing.T, _ *graph, r *registration) {
		if r.input("enableKeyRotation") != true {
			t.Errorf("%s does not rotate", r)
		}
		if r.input("deletionWindowInDays") != float64(keyRestoreDays) {
			t.Errorf("%s can be restored for %v days after its deletion, want %d", r, r.input("deletionWindowInDays"), keyRestoreDays)
		}
		if policy := r.text("policy"); policy != "" {
			checkKeyPolicy(t, r, policy)
		}
	},
	resource.Topic: func(t *testing.T, g *graph, r *registration) { g.checkStackKey(t, r, r.text("kmsMasterKeyId")) },
	// Without a key of the stack, AWS encrypts a workspace with one of its own. That is enough: numbers of pods are no secrets.
	resource.PrometheusWorkspace: func(*testing.T, *graph, *registration) {},
	// CloudWatch Logs encrypts every group with its own key. That is enough: the logs hold no secrets.
	resource.LogGroup: func(t *testing.T, _ *graph, r *registration) {
		if days, _ := r.input("retentionInDays").(float64); days < 1 {
			t.Errorf("%s keeps logs forever", r)
		}
	},
}

// storesNoData are the types of AWS resources that store no data. A flow log's data is in its log group, and a node group's
// volumes are set by its launch template.
var storesNoData = []string{
	resource.ScalingSchedule, resource.MetricAlarm, resource.PrometheusCollector, "aws:amp/ruleGroupNamespace:RuleGroupNamespace",
	"aws:amp/alertManagerDefinition:AlertManagerDefinition", "aws:sns/topicPolicy:TopicPolicy", resource.TopicSubscription,
	resource.DefaultSecurityGroup, resource.ElasticIP, resource.FlowLog, resource.InternetGateway, resource.NATGateway, resource.Route,
	"aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation", resource.SecurityGroup,
	resource.SecurityGroupIngressRule, resource.Subnet, resource.VPC, resource.VPCEndpoint, "aws:ecr/lifecyclePolicy:LifecyclePolicy",
	typeAddon, resource.NodeGroup, resource.PodIdentityAssociation, resource.IAMRole, resource.IAMRolePolicy, resource.IAMRolePolicyAttachment,
}

// checkKeyPolicy checks that a key's policy admits the account's own administrators, and services of AWS for this account's resources
// only.
func checkKeyPolicy(t *testing.T, r *registration, text string) {
	t.Helper()
	administered := false
	for _, s := range parsePolicy(t, "of "+r.Name, text).Statement {
		if slices.Equal(s.Principal["AWS"], stringList{"arn:aws:iam::" + mockengine.Account + ":root"}) {
			administered = administered || slices.Equal(s.Action, stringList{"kms:*"})
			continue
		}
		if len(s.Principal["Service"]) != 1 || !slices.Equal(s.Condition["StringEquals"]["aws:SourceAccount"], stringList{mockengine.Account}) {
			t.Errorf("%s admits %v under %v; want a service of AWS, for this account", r, s.Principal, s.Condition)
		}
		if !slices.Equal(s.Action, stringList{"kms:Decrypt", "kms:GenerateDataKey*"}) {
			t.Errorf("%s lets %v do %v", r, s.Principal, s.Action)
		}
	}
	if !administered {
		t.Errorf("nobody may administer %s", r)
	}
}

// keyWithARN returns the stack's key that has an ARN, or nil.
func (g *graph) keyWithARN(arn string) *registration {
	for _, k := range g.ofType(resource.KMSKey) {
		if strings.HasSuffix(arn, ":key/"+k.Name) {
			return k
		}
	}
	return nil
}

// checkStackKey checks that a resource is encrypted with a key of the stack. encryptionChecks checks the key itself.
func (g *graph) checkStackKey(t *testing.T, r *registration, arn string) {
	t.Helper()
	key := g.keyWithARN(arn)
	if key == nil {
		t.Errorf("%s is encrypted with key %q, want a key of the stack", r, arn)
		return
	}
	if !g.dependsOn(r, key) {
		t.Errorf("%s does not wait for its key", r)
	}
}

func TestDataIsEncryptedAtRest(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.awsResources() {
			if check, known := encryptionChecks[r.TypeToken]; known {
				check(t, g, r)
			} else if !slices.Contains(storesNoData, r.TypeToken) {
				t.Errorf("%s: its type is missing in encryptionChecks: add how it encrypts data, or add the type to storesNoData", r)
			}
		}
		eksCluster := g.single(t, mockengine.Cluster)
		g.checkStackKey(t, eksCluster, eksCluster.text("encryptionConfigKeyArn"))
	})
}
