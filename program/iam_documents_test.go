package program

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tfserving/resource"
)

// stringList is a list of strings, which IAM also writes as one string.
type stringList []string

func (t *stringList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = stringList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// policyDocument is an IAM policy. It has only the fields that the program uses.
type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid, Effect string
	Principal   map[string]stringList
	Action      stringList
	Resource    stringList
	Condition   map[string]map[string]stringList
}

// parsePolicy reads an IAM policy. The test fails if the policy has an unknown field.
func parsePolicy(t *testing.T, what, text string) policyDocument {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var d policyDocument
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("reading the policy %s: %v\n%s", what, err, text)
	}
	if d.Version != "2012-10-17" {
		t.Errorf("policy %s has language version %q, want 2012-10-17", what, d.Version)
	}
	return d
}

// role is an IAM role with its policies.
type role struct {
	*registration
	trust   policyDocument
	inline  []policyDocument
	managed []string // names of AWS managed policies
}

// roles returns the stack's IAM roles. The test fails if a policy of the stack belongs to no role of the stack.
func (g *graph) roles(t *testing.T) []*role {
	t.Helper()
	var all []*role
	byName := map[string]*role{}
	for _, r := range g.ofType(resource.IAMRole) {
		current := &role{registration: r, trust: parsePolicy(t, "the trust policy of "+r.Name, r.text("assumeRolePolicy"))}
		all, byName[r.Name] = append(all, current), current
	}
	roleOf := func(r *registration) *role {
		of := byName[r.text("role")]
		if of == nil {
			t.Fatalf("%s belongs to role %q, which the program does not create", r, r.text("role"))
		}
		return of
	}
	for _, r := range g.awsResources() {
		switch r.TypeToken {
		case resource.IAMRole:
		case resource.IAMRolePolicy:
			of := roleOf(r)
			of.inline = append(of.inline, parsePolicy(t, r.String(), r.text("policy")))
		case resource.IAMRolePolicyAttachment:
			name, ofAWS := strings.CutPrefix(r.text("policyArn"), "arn:aws:iam::aws:policy/")
			if !ofAWS {
				t.Errorf("%s attaches %s, which is not an AWS managed policy", r, r.text("policyArn"))
			}
			of := roleOf(r)
			of.managed = append(of.managed, name)
			slices.Sort(of.managed)
		default:
			if strings.HasPrefix(r.TypeToken, "aws:iam/") {
				t.Errorf("%s has a type that this test does not check", r)
			}
		}
	}
	return all
}

// shortName returns the role's name without the cluster's name before it.
func (r *role) shortName(g *graph) string {
	return strings.TrimPrefix(r.Name, g.clusterName()+"-")
}

// trustedService returns the AWS service that may assume the role, or "" if the trust policy allows anything else.
func (r *role) trustedService() string {
	if len(r.trust.Statement) != 1 || len(r.trust.Statement[0].Principal) != 1 || len(r.trust.Statement[0].Principal["Service"]) != 1 {
		return ""
	}
	return r.trust.Statement[0].Principal["Service"][0]
}
