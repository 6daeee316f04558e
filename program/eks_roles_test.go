package program

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"tfserving/internal/mockengine"
)

// onlyReads matches actions that change nothing, of services of which what is read is how things are set up, and no data.
var onlyReads = regexp.MustCompile(`^(acm|autoscaling|cognito-idp|ec2|eks|elasticloadbalancing|iam|logs|shield|waf-regional|wafv2):(Describe|Get|List)[A-Za-z]*$`)

// boundless are the actions that a role may do to any resource without a condition, though they change something, and
// why. All are of the policy that the load balancer controller's maintainers publish, which
// components/loadbalancer/policy_test.go holds it to.
var boundless = map[string]map[string]string{
	"aws-load-balancer-controller": {
		"ec2:AuthorizeSecurityGroupIngress":               "on the nodes' groups, which are EKS's and carry no tag of the controller",
		"ec2:RevokeSecurityGroupIngress":                  "as above",
		"ec2:CreateSecurityGroup":                         "of what does not exist yet there is no tag to look at; it then may tag and delete its own alone",
		"elasticloadbalancing:CreateListener":             "the published policy does not bind listeners and rules",
		"elasticloadbalancing:DeleteListener":             "as above",
		"elasticloadbalancing:ModifyListener":             "as above",
		"elasticloadbalancing:CreateRule":                 "as above",
		"elasticloadbalancing:DeleteRule":                 "as above",
		"elasticloadbalancing:ModifyRule":                 "as above",
		"elasticloadbalancing:SetRulePriorities":          "as above",
		"elasticloadbalancing:AddListenerCertificates":    "as above",
		"elasticloadbalancing:RemoveListenerCertificates": "as above",
		"elasticloadbalancing:SetWebAcl":                  "published; the program switches WAF off in the controller",
		"waf-regional:AssociateWebACL":                    "as above",
		"waf-regional:DisassociateWebACL":                 "as above",
		"wafv2:AssociateWebACL":                           "as above",
		"wafv2:DisassociateWebACL":                        "as above",
		"shield:CreateProtection":                         "published; the program switches Shield off in the controller",
		"shield:DeleteProtection":                         "as above",
	},
}

func TestNoRoleMayDoAnythingToEverything(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		used := map[string]bool{}
		for _, r := range g.roles(t) {
			for _, d := range r.inline {
				for _, s := range d.Statement {
					if s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 || len(s.Principal) > 0 {
						t.Errorf("role %s: statement %+v is not one that allows actions on resources", r.Name, s)
					}
					for _, action := range s.Action {
						if strings.Contains(action, "*") {
							t.Errorf("role %s may do %s: which actions those are is for AWS to say", r.Name, action)
						}
						if !slices.Contains(s.Resource, "*") || len(s.Condition) > 0 || onlyReads.MatchString(action) {
							continue
						}
						if boundless[r.short(g)][action] == "" {
							t.Errorf("role %s may do %s to any resource of the account, and nothing here says why", r.Name, action)
						}
						used[action] = true
					}
				}
			}
		}
		for name, actions := range boundless {
			for action := range actions {
				if !used[action] {
					t.Errorf("%s is listed as boundless for %s, and it is not", action, name)
				}
			}
		}
	})
}

// managedPolicies are AWS's own policies that roles have, and why those roles need them.
var managedPolicies = map[string]map[string]string{
	"node": {
		"AmazonEKSWorkerNodePolicy":          "nodes join, and hand out roles to pods",
		"AmazonEC2ContainerRegistryPullOnly": "nodes pull images",
		"AmazonSSMManagedInstanceCore":       "a setting: Systems Manager opens sessions",
	},
	"vpc-cni": {"AmazonEKS_CNI_Policy": "the CNI gives addresses to pods"},
}

func TestRolesHaveOnlyTheManagedPoliciesTheyNeed(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.roles(t) {
			for _, policy := range r.managed {
				if managedPolicies[r.short(g)][policy] == "" {
					t.Errorf("role %s has policy %s, and nothing here says why", r.Name, policy)
				}
				if policy == "AmazonSSMManagedInstanceCore" && !g.settings.Cluster.SSMAccess {
					t.Errorf("role %s lets Systems Manager in, and cluster.ssmAccess is false", r.Name)
				}
			}
			if len(r.managed)+len(r.inline) == 0 {
				t.Errorf("role %s may do nothing", r.Name)
			}
		}
	})
}

// takers are the services that take the stack's roles, and which conditions tell whose role it is.
var takers = map[string][]string{
	"pods.eks.amazonaws.com":      {"aws:RequestTag/eks-cluster-arn", "aws:RequestTag/kubernetes-namespace", "aws:RequestTag/kubernetes-service-account"},
	"vpc-flow-logs.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
	// EC2 takes a role for an instance that was started with it, which takes iam:PassRole; there is nothing to add.
	"ec2.amazonaws.com": {},
}

func TestEveryRoleIsTakenByOneServiceForWhatItIsMeantFor(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		for _, r := range g.roles(t) {
			service := r.taker()
			needs, known := takers[service]
			if !known {
				t.Errorf("role %s can be taken by %+v, want one AWS service that is known here", r.Name, r.trust.Statement)
				continue
			}
			s := r.trust.Statement[0]
			has := map[string]texts{}
			for _, conditions := range s.Condition {
				maps.Copy(has, conditions)
			}
			for _, key := range needs {
				if len(has[key]) != 1 || has[key][0] == "" || has[key][0] == "*" {
					t.Errorf("role %s can be taken by %s with any %s", r.Name, service, key)
				}
			}
			for _, action := range s.Action {
				if s.Effect != "Allow" || action != "sts:AssumeRole" && action != "sts:TagSession" {
					t.Errorf("the trust policy of %s says %s %s", r.Name, s.Effect, action)
				}
			}
		}
	})
}

// The pod gets the role by the association; the role says by its conditions whom it is for. They must agree.
func TestEveryRoleForPodsIsHandedToThoseItTrusts(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
		byARN := map[string]*role{}
		for _, r := range g.roles(t) {
			byARN["arn:aws:iam::"+mockengine.Account+":role/"+r.Name] = r
		}
		handed := map[*role]int{}
		for _, a := range g.ofType("aws:eks/podIdentityAssociation:PodIdentityAssociation") {
			r := byARN[a.text("roleArn")]
			if r == nil {
				t.Fatalf("%s hands out %s, which the program does not make", a, a.text("roleArn"))
			}
			handed[r]++
			var got map[string]texts
			if len(r.trust.Statement) > 0 {
				got = r.trust.Statement[0].Condition["StringEquals"]
			}
			for key, want := range map[string]string{
				"eks-cluster-arn":            "arn:aws:eks:" + g.settings.Region + ":" + mockengine.Account + ":cluster/" + a.text("clusterName"),
				"kubernetes-namespace":       a.text("namespace"),
				"kubernetes-service-account": a.text("serviceAccount"),
			} {
				if values := got["aws:RequestTag/"+key]; len(values) != 1 || values[0] != want {
					t.Errorf("role %s is for %s %v, and is handed to %s", r.Name, key, values, want)
				}
			}
		}
		for _, r := range byARN {
			if forPods := r.taker() == "pods.eks.amazonaws.com"; forPods != (handed[r] == 1) {
				t.Errorf("role %s is handed out %d times, and is for pods: %t", r.Name, handed[r], forPods)
			}
		}
	})
}

func TestNobodyInTheClusterMayDoAnythingOrReadSecrets(t *testing.T) {
	onEveryEKSStack(t, func(t *testing.T, g *graph) {
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
		for _, r := range objects[*rbacv1.ClusterRole](g) {
			check("ClusterRole "+r.Name, r.Rules)
		}
		for _, r := range objects[*rbacv1.Role](g) {
			check("Role "+r.Name, r.Rules)
		}
		own := map[string]bool{}
		for _, r := range objects[*rbacv1.ClusterRole](g) {
			own[r.Name] = true
		}
		for _, b := range objects[*rbacv1.ClusterRoleBinding](g) {
			if !own[b.RoleRef.Name] {
				t.Errorf("ClusterRoleBinding %s gives %s, which the program does not make", b.Name, b.RoleRef.Name)
			}
			for _, s := range b.Subjects {
				if s.Kind != "ServiceAccount" {
					t.Errorf("ClusterRoleBinding %s gives rights to %s %s", b.Name, s.Kind, s.Name)
				}
			}
		}
	})
}
