package risk

import (
	"slices"
	"strings"
	"testing"

	"tfserving/preview"
	"tfserving/resource"
)

type object = map[string]any

// stepOf is a step of a resource from one state to another. nil is no state.
func stepOf(op preview.Op, typ string, before, after object, changes ...preview.Change) preview.Step {
	s := preview.Step{Op: op, URN: "urn:pulumi:dev::tfserving::" + typ + "::it", Type: typ, Name: "it", Changes: changes}
	if before != nil {
		s.Old = &preview.State{Inputs: before, Custom: true}
	}
	if after != nil {
		s.New = &preview.State{Inputs: after, Custom: true}
	}
	return s
}

func annotated(key string, v any) object {
	return object{"metadata": object{"namespace": "tfserving", "annotations": object{key: v}}}
}

func endpoint(public bool, cidrs ...any) object {
	return object{"vpcConfig": object{"endpointPublicAccess": public, "publicAccessCidrs": cidrs}}
}

// Each rule needs a change that is its risk, and one for each input if it compares several.
func TestChangesHaveTheirRisks(t *testing.T) {
	type tested struct {
		rule  int
		input string // the one that the sentence begins with; empty for any
	}
	covered, names := map[tested]bool{}, map[string]bool{}
	for _, cases := range []map[string]riskCase{changeCases(), networkCases(), accessCases()} {
		for name, test := range cases {
			if names[name] {
				t.Errorf("there are two cases %q", name)
			}
			names[name] = true
			t.Run(name, func(t *testing.T) {
				found := Of(&preview.Preview{Steps: []preview.Step{test.step}})
				switch {
				case test.kind == "" && len(found) == 0:
				case test.kind == "" || len(found) != 1:
					t.Errorf("the change has %d risks: %v; want %q", len(found), found, test.kind)
				case found[0].Kind != test.kind || !strings.Contains(found[0].What.String(), test.text):
					t.Errorf("the risk is %q: %s; want %q: … %s …", found[0].Kind, found[0].What, test.kind, test.text)
				default:
					input, _, _ := strings.Cut(found[0].What.String(), " ")
					covered[tested{found[0].rule, ""}], covered[tested{found[0].rule, input}] = true, true
				}
			})
		}
	}
	for i, r := range rules {
		if !covered[tested{i, ""}] {
			t.Errorf("no case has the risk %q of %s: … %s", r.kind, r.typ, r.consequence)
		}
		for _, input := range r.inputs {
			if text := pathText(input); len(r.inputs) > 1 && !covered[tested{i, text}] {
				t.Errorf("no case has the risk %q of %s by a change of %s", r.kind, r.typ, text)
			}
		}
		if !slices.ContainsFunc(Kinds(), func(k Kind) bool { return k.Name == r.kind }) {
			t.Errorf("kind %q of a rule is not in Kinds", r.kind)
		}
	}
}

// wantRisks fails the test unless steps together have a number of risks.
func wantRisks(t *testing.T, name string, want int, steps ...preview.Step) {
	t.Helper()
	if found := Of(&preview.Preview{Steps: steps}); len(found) != want {
		t.Errorf("%s, the risks are %v; want %d", name, found, want)
	}
}

// Pods of a new namespace had no NetworkPolicy before, so a new one opens nothing. A load balancer on the internet does.
func TestANetworkPolicyInANewNamespaceOpensNothing(t *testing.T) {
	allowing := object{"metadata": object{"namespace": "tfserving"}, "spec": object{"ingress": []any{object{"from": []any{object{"ipBlock": object{"cidr": "10.0.0.0/16"}}}}}}}
	namespace := stepOf(preview.OpCreate, resource.Namespace, nil, object{"metadata": object{"name": "tfserving"}})
	policy := stepOf(preview.OpCreate, resource.NetworkPolicy, nil, allowing)
	wantRisks(t, "in a new namespace", 0, namespace, policy)
	public := stepOf(preview.OpCreate, resource.Ingress, nil, annotated(resource.ALBAnnotation+"scheme", "internet-facing"))
	wantRisks(t, "a load balancer on the internet in a new namespace", 1, namespace, public)
	unnamed := stepOf(preview.OpCreate, resource.NetworkPolicy, nil, object{"metadata": object{"namespace": resource.Unknown}, "spec": allowing["spec"]})
	wantRisks(t, "in a namespace whose name is not known yet", 0, namespace, unnamed)
	wantRisks(t, "in an existing namespace", 1, policy)
}

// Access to a deleted cluster and protection in it are not needed.
func TestADeletedClusterIsOneRisk(t *testing.T) {
	gone := stepOf(preview.OpDelete, resource.EKSCluster, object{}, nil)
	rest := []preview.Step{
		stepOf(preview.OpDelete, resource.PodIdentityAssociation, object{}, nil),
		stepOf(preview.OpDelete, disruptionBudget, object{"metadata": object{"namespace": "kube-system"}}, nil),
	}
	wantRisks(t, "with a deleted cluster", 1, append(rest, gone)...)
	wantRisks(t, "with an existing cluster", 2, rest...)
}

// Protection in a deleted namespace is not needed.
func TestADeletedNamespaceIsOneRisk(t *testing.T) {
	protection := object{"metadata": object{"name": "it", "namespace": "tfserving"}}
	found := Of(&preview.Preview{Steps: []preview.Step{
		stepOf(preview.OpDelete, resource.Namespace, object{"metadata": object{"name": "tfserving"}}, nil),
		stepOf(preview.OpDelete, disruptionBudget, protection, nil),
		stepOf(preview.OpDelete, resource.NetworkPolicy, protection, nil),
		stepOf(preview.OpDelete, disruptionBudget, object{"metadata": object{"namespace": "kube-system"}}, nil),
	}})
	got := []string{}
	for _, r := range found {
		got = append(got, r.Kind)
	}
	if want := []string{"state is lost", "a protection is removed"}; !slices.Equal(got, want) {
		t.Errorf("the risks are %v; want %v: of the namespace, and of the budget in another namespace", got, want)
	}
}
