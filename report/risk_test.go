package report

import (
	"slices"
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

type inputs = map[string]any

// stepOf is a step of a resource from one state to another; nil for none.
func stepOf(op preview.Op, typ string, before, after inputs, changes ...preview.Change) preview.Step {
	s := preview.Step{Op: op, URN: "urn:pulumi:dev::tfserving::" + typ + "::it", Type: typ, Name: "it", Changes: changes}
	if before != nil {
		s.Old = &preview.State{Inputs: before, Custom: true}
	}
	if after != nil {
		s.New = &preview.State{Inputs: after, Custom: true}
	}
	return s
}

func annotated(key string, v any) inputs {
	return inputs{"metadata": inputs{"namespace": "tfserving", "annotations": inputs{key: v}}}
}

func endpoint(public bool, cidrs ...any) inputs {
	return inputs{"vpcConfig": inputs{"endpointPublicAccess": public, "publicAccessCidrs": cidrs}}
}

const (
	clusterType    = "aws:eks/cluster:Cluster"
	templateType   = "aws:ec2/launchTemplate:LaunchTemplate"
	namespaceType  = "kubernetes:core/v1:Namespace"
	ingressType    = "kubernetes:networking.k8s.io/v1:Ingress"
	policyType     = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	budgetType     = "kubernetes:policy/v1:PodDisruptionBudget"
	ruleType       = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
	repositoryType = "aws:ecr/repository:Repository"
	logType        = "aws:cloudwatch/logGroup:LogGroup"
	serviceType    = "kubernetes:core/v1:Service"
)

func TestRisks(t *testing.T) {
	seen := map[string]bool{} // rule and type, and of protections the property
	tried := map[string]bool{}
	for _, cases := range []map[string]riskCase{changeCases(), doorCases(), accessCases()} {
		for name, test := range cases {
			if tried[name] {
				t.Errorf("there are two cases %q", name)
			}
			tried[name] = true
			t.Run(name, func(t *testing.T) {
				found := risks(&preview.Preview{Steps: []preview.Step{test.step}})
				switch {
				case test.rule == "" && len(found) == 0:
				case test.rule == "" || len(found) != 1:
					t.Errorf("it is %d risks: %v; want %q", len(found), found, test.rule)
				case found[0].Rule != test.rule || !strings.Contains(bare(found[0].What), test.says):
					t.Errorf("it is %q: %s; want %q: … %s …", found[0].Rule, bare(found[0].What), test.rule, test.says)
				default:
					property, _, _ := strings.Cut(bare(found[0].What), " ")
					seen[test.rule+" "+test.step.Type] = true
					seen[test.rule+" "+test.step.Type+" "+property] = true
				}
			})
		}
	}
	for _, want := range everyRisk() {
		if !seen[want] {
			t.Errorf("no case is a change of which %q is the risk", want)
		}
	}
	for _, r := range rules {
		if r.when == "" {
			t.Errorf("%s does not say when it applies", r.name)
		}
	}
}

// everyRisk is what docs/pull-requests.md says that a case is held against: each entry of the tables of risks.
func everyRisk() (all []string) {
	for rule, types := range map[string]map[string]kind{
		"state is lost": holdsState, "traffic is interrupted": carriesTraffic, "a protection is removed": guards, "access is taken away": givesAccess,
	} {
		for typ := range types {
			all = append(all, rule+" "+typ)
		}
	}
	for typ, properties := range protectedBy {
		for _, p := range properties {
			all = append(all, "a protection is removed "+typ+" "+strings.Join(p.path, "."))
		}
	}
	for typ, g := range grants {
		for _, property := range g.by {
			all = append(all, "access is given "+typ+" "+property)
		}
	}
	return all
}

// In a namespace that is new, a NetworkPolicy opens nothing that was closed; a load balancer on the internet does.
func TestNoPolicyOpensANamespaceThatIsNew(t *testing.T) {
	allowing := inputs{"metadata": inputs{"namespace": "tfserving"}, "spec": inputs{"ingress": []any{inputs{"from": []any{inputs{"ipBlock": inputs{"cidr": "10.0.0.0/16"}}}}}}}
	made := stepOf(preview.OpCreate, namespaceType, nil, inputs{"metadata": inputs{"name": "tfserving"}})
	policy := stepOf(preview.OpCreate, policyType, nil, allowing)
	if found := risks(&preview.Preview{Steps: []preview.Step{made, policy}}); len(found) > 0 {
		t.Errorf("in a new namespace it is %v", found)
	}
	public := stepOf(preview.OpCreate, ingressType, nil, annotated(albPrefix+"scheme", "internet-facing"))
	if found := risks(&preview.Preview{Steps: []preview.Step{made, public}}); len(found) != 1 {
		t.Errorf("a load balancer on the internet, in a new namespace, is %v", found)
	}
	unnamed := stepOf(preview.OpCreate, policyType, nil, inputs{"metadata": inputs{"namespace": resource.Unknown}, "spec": allowing["spec"]})
	if found := risks(&preview.Preview{Steps: []preview.Step{made, unnamed}}); len(found) > 0 {
		t.Errorf("in one whose name nobody knows yet it is %v", found)
	}
	if found := risks(&preview.Preview{Steps: []preview.Step{policy}}); len(found) != 1 {
		t.Errorf("in one that is there it is %v", found)
	}
}

// With the cluster goes all access to it, and what was guarded in it.
func TestWhatServedADeletedClusterIsNoRiskMore(t *testing.T) {
	gone := stepOf(preview.OpDelete, clusterType, inputs{}, nil)
	rest := []preview.Step{
		stepOf(preview.OpDelete, "aws:eks/podIdentityAssociation:PodIdentityAssociation", inputs{}, nil),
		stepOf(preview.OpDelete, budgetType, inputs{"metadata": inputs{"namespace": "kube-system"}}, nil),
	}
	if found := risks(&preview.Preview{Steps: append(rest, gone)}); len(found) != 1 {
		t.Errorf("with the cluster deleted it is %v", found)
	}
	if found := risks(&preview.Preview{Steps: rest}); len(found) != 2 {
		t.Errorf("with the cluster there it is %v", found)
	}
}

// What guarded a namespace goes with it: one line says so, not one for each.
func TestWhatGuardsADeletedNamespaceIsNoRiskMore(t *testing.T) {
	guard := inputs{"metadata": inputs{"name": "it", "namespace": "tfserving"}}
	found := risks(&preview.Preview{Steps: []preview.Step{
		stepOf(preview.OpDelete, namespaceType, inputs{"metadata": inputs{"name": "tfserving"}}, nil),
		stepOf(preview.OpDelete, budgetType, guard, nil),
		stepOf(preview.OpDelete, policyType, guard, nil),
		stepOf(preview.OpDelete, budgetType, inputs{"metadata": inputs{"namespace": "kube-system"}}, nil),
	}})
	got := []string{}
	for _, r := range found {
		got = append(got, r.Rule)
	}
	if want := []string{"state is lost", "a protection is removed"}; !slices.Equal(got, want) {
		t.Errorf("the risks are %v; want %v: of the namespace, and of the budget elsewhere", got, want)
	}
}
