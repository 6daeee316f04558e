package program

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"tfserving/internal/mockengine"
	"tfserving/resource"
)

// readActions matches actions that read the configuration of services: they change nothing and return none of the stored
// data.
var readActions = regexp.MustCompile(`^(acm|autoscaling|cognito-idp|ec2|eks|elasticloadbalancing|iam|logs|shield|waf-regional|wafv2):(Describe|Get|List)[A-Za-z]*$`)

// unrestrictedActions are the actions that a role may perform on any resource without a condition although they change
// something, each with the reason. All come from the policy that the maintainers of the load balancer controller publish;
// components/loadbalancer/policy_test.go compares the two.
var unrestrictedActions = map[string]map[string]string{
	"aws-load-balancer-controller": {
		"ec2:AuthorizeSecurityGroupIngress":               "for the nodes' security groups, which EKS creates without a tag of the controller",
		"ec2:RevokeSecurityGroupIngress":                  "same reason",
		"ec2:CreateSecurityGroup":                         "a group that does not exist yet has no tag to check; the controller may tag and delete only its own",
		"elasticloadbalancing:CreateListener":             "the published policy does not restrict listeners and rules",
		"elasticloadbalancing:DeleteListener":             "same reason",
		"elasticloadbalancing:ModifyListener":             "same reason",
		"elasticloadbalancing:CreateRule":                 "same reason",
		"elasticloadbalancing:DeleteRule":                 "same reason",
		"elasticloadbalancing:ModifyRule":                 "same reason",
		"elasticloadbalancing:SetRulePriorities":          "same reason",
		"elasticloadbalancing:AddListenerCertificates":    "same reason",
		"elasticloadbalancing:RemoveListenerCertificates": "same reason",
		"elasticloadbalancing:SetWebAcl":                  "in the published policy; the program disables WAF in the controller",
		"waf-regional:AssociateWebACL":                    "same reason",
		"waf-regional:DisassociateWebACL":                 "same reason",
		"wafv2:AssociateWebACL":                           "same reason",
		"wafv2:DisassociateWebACL":                        "same reason",
		"shield:CreateProtection":                         "in the published policy; the program disables Shield in the controller",
		"shield:DeleteProtection":                         "same reason",
	},
}

func TestRolesMayChangeOnlyTheResourcesTheyNeed(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		used := map[string]bool{} // actions
		for _, r := range g.roles(t) {
			for _, d := range r.inline {
				for _, s := range d.Statement {
					if s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 || len(s.Principal) > 0 {
						t.Errorf("role %s: statement %+v does not allow actions on resources", r.Name, s)
					}
					for _, action := range s.Action {
						if strings.Contains(action, "*") {
							t.Errorf("role %s may do %s: with a wildcard, AWS decides which actions those are", r.Name, action)
						}
						if !slices.Contains(s.Resource, "*") || len(s.Condition) > 0 || readActions.MatchString(action) {
							continue
						}
						if unrestrictedActions[r.shortName(g)][action] == "" {
							t.Errorf("role %s may do %s to any resource of the account: restrict it, or add the reason to unrestrictedActions", r.Name, action)
						}
						used[action] = true
					}
				}
			}
		}
		for name, actions := range unrestrictedActions {
			for action := range actions {
				if !used[action] {
					t.Errorf("unrestrictedActions lists %s for %s, but the role has it restricted or not at all", action, name)
				}
			}
		}
	})
}

// managedPolicies are the AWS managed policies that each role may have, with the reason.
var managedPolicies = map[string]map[string]string{
	"node": {
		"AmazonEKSWorkerNodePolicy":          "nodes join the cluster, and get roles for pods",
		"AmazonEC2ContainerRegistryPullOnly": "nodes pull images",
		"AmazonSSMManagedInstanceCore":       "with the setting cluster.ssmAccess, people open sessions on nodes",
	},
	"vpc-cni": {"AmazonEKS_CNI_Policy": "the CNI assigns addresses to pods"},
}

func TestRolesHaveOnlyTheManagedPoliciesTheyNeed(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.roles(t) {
			for _, policy := range r.managed {
				if managedPolicies[r.shortName(g)][policy] == "" {
					t.Errorf("role %s has policy %s: remove it, or add the reason to managedPolicies", r.Name, policy)
				}
				if policy == "AmazonSSMManagedInstanceCore" && !g.settings.Cluster.SSMAccess {
					t.Errorf("role %s gives access to Systems Manager, but cluster.ssmAccess is false", r.Name)
				}
			}
			if len(r.managed)+len(r.inline) == 0 {
				t.Errorf("role %s has no policy", r.Name)
			}
		}
	})
}

// trustConditions are the services that may assume the stack's roles, each with the condition keys that its roles need.
var trustConditions = map[string][]string{
	"pods.eks.amazonaws.com":      {"aws:RequestTag/eks-cluster-arn", "aws:RequestTag/kubernetes-namespace", "aws:RequestTag/kubernetes-service-account"},
	"vpc-flow-logs.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
	// EC2 assumes a role only for an instance that was started with it, which requires iam:PassRole.
	"ec2.amazonaws.com": {},
}

func TestEveryRoleTrustsOneServiceUnderConditions(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.roles(t) {
			service := r.trustedService()
			needs, known := trustConditions[service]
			if !known {
				t.Errorf("role %s trusts %+v, want one of the services in trustConditions", r.Name, r.trust.Statement)
				continue
			}
			s := r.trust.Statement[0]
			has := map[string]stringList{}
			for _, conditions := range s.Condition {
				maps.Copy(has, conditions)
			}
			for _, key := range needs {
				if len(has[key]) != 1 || has[key][0] == "" || has[key][0] == "*" {
					t.Errorf("role %s can be assumed by %s with any %s", r.Name, service, key)
				}
			}
			for _, action := range s.Action {
				if s.Effect != "Allow" || action != "sts:AssumeRole" && action != "sts:TagSession" {
					t.Errorf("the trust policy of %s has %s %s", r.Name, s.Effect, action)
				}
			}
		}
	})
}

// The association gives the role to a service account, and the role's conditions name one. The two must be the same.
func TestPodRolesTrustTheServiceAccountsTheyAreAssociatedWith(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		byARN := map[string]*role{}
		for _, r := range g.roles(t) {
			byARN["arn:aws:iam::"+mockengine.Account+":role/"+r.Name] = r
		}
		associations := map[*role]int{}
		for _, a := range g.ofType(resource.PodIdentityAssociation) {
			r := byARN[a.text("roleArn")]
			if r == nil {
				t.Fatalf("%s associates %s, which the program does not create", a, a.text("roleArn"))
			}
			associations[r]++
			var got map[string]stringList
			if len(r.trust.Statement) > 0 {
				got = r.trust.Statement[0].Condition["StringEquals"]
			}
			for key, want := range map[string]string{
				"eks-cluster-arn":            "arn:aws:eks:" + g.settings.Region + ":" + mockengine.Account + ":cluster/" + a.text("clusterName"),
				"kubernetes-namespace":       a.text("namespace"),
				"kubernetes-service-account": a.text("serviceAccount"),
			} {
				if values := got["aws:RequestTag/"+key]; len(values) != 1 || values[0] != want {
					t.Errorf("role %s trusts %s %v, but is associated with %s", r.Name, key, values, want)
				}
			}
		}
		for _, r := range byARN {
			if forPods := r.trustedService() == "pods.eks.amazonaws.com"; forPods != (associations[r] == 1) {
				t.Errorf("role %s has %d associations and trusts pods: %t", r.Name, associations[r], forPods)
			}
		}
	})
}

func TestClusterRolesHaveNoWildcardsAndCannotReadSecrets(t *testing.T) {
	forEachEKSStack(t, func(t *testing.T, g *graph) {
		check := func(name string, rules []rbacv1.PolicyRule) {
			for _, rule := range rules {
				for _, what := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs} {
					if slices.Contains(what, "*") {
						t.Errorf("%s allows %s of %s in %s", name, rule.Verbs, rule.Resources, rule.APIGroups)
					}
				}
				if slices.Contains(rule.Resources, "secrets") {
					t.Errorf("%s allows %s of secrets", name, rule.Verbs)
				}
			}
		}
		own := map[string]bool{} // ClusterRoles
		for _, r := range objects[*rbacv1.ClusterRole](g) {
			check("ClusterRole "+r.Name, r.Rules)
			own[r.Name] = true
		}
		for _, r := range objects[*rbacv1.Role](g) {
			check("Role "+r.Name, r.Rules)
		}
		for _, b := range objects[*rbacv1.ClusterRoleBinding](g) {
			if !own[b.RoleRef.Name] {
				t.Errorf("ClusterRoleBinding %s gives %s, which the program does not create", b.Name, b.RoleRef.Name)
			}
			for _, s := range b.Subjects {
				if s.Kind != "ServiceAccount" {
					t.Errorf("ClusterRoleBinding %s gives rights to %s %s", b.Name, s.Kind, s.Name)
				}
			}
		}
	})
}
