package program

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// texts are what IAM takes as one text or as a list of them.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// policyDocument is an IAM policy, with the fields that the program uses. One that it does not know is an error.
type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid, Effect string
	Principal   map[string]texts
	Action      texts
	Resource    texts
	Condition   map[string]map[string]texts
}

func policyIn(t *testing.T, what, text string) policyDocument {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var d policyDocument
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%s is no policy that the tests can read: %v\n%s", what, err, text)
	}
	if d.Version != "2012-10-17" {
		t.Errorf("%s is of policy language %q, and so read as one of 2008", what, d.Version)
	}
	return d
}

// role is an IAM role with all that was given to it.
type role struct {
	*registered
	trust   policyDocument
	inline  []policyDocument
	managed []string // names of AWS's policies
}

// roles are the stack's IAM roles, and every policy of the stack is in one of them.
func (g *graph) roles(t *testing.T) []*role {
	t.Helper()
	var all []*role
	byName := map[string]*role{}
	for _, r := range g.ofType("aws:iam/role:Role") {
		made := &role{registered: r, trust: policyIn(t, "the trust policy of "+r.Name, r.text("assumeRolePolicy"))}
		all, byName[r.Name] = append(all, made), made
	}
	owner := func(r *registered) *role {
		of := byName[r.text("role")]
		if of == nil {
			t.Fatalf("%s is of role %q, which the program does not make", r, r.text("role"))
		}
		return of
	}
	for _, r := range g.onAWS() {
		switch r.TypeToken {
		case "aws:iam/role:Role":
		case "aws:iam/rolePolicy:RolePolicy":
			of := owner(r)
			of.inline = append(of.inline, policyIn(t, r.String(), r.text("policy")))
		case "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
			name, ofAWS := strings.CutPrefix(r.text("policyArn"), "arn:aws:iam::aws:policy/")
			if !ofAWS {
				t.Errorf("%s is %s, which is not AWS's own", r, r.text("policyArn"))
			}
			of := owner(r)
			of.managed = append(of.managed, name)
			slices.Sort(of.managed)
		default:
			if strings.HasPrefix(r.TypeToken, "aws:iam/") {
				t.Errorf("%s gives rights in a way that no rule here looks at", r)
			}
		}
	}
	return all
}

// short is the role's name without the cluster's.
func (r *role) short(g *graph) string { return strings.TrimPrefix(r.Name, "tfserving-"+g.stack+"-") }

// taker is the AWS service that takes the role, or nothing if its trust policy is no such thing.
func (r *role) taker() string {
	if len(r.trust.Statement) != 1 || len(r.trust.Statement[0].Principal) != 1 || len(r.trust.Statement[0].Principal["Service"]) != 1 {
		return ""
	}
	return r.trust.Statement[0].Principal["Service"][0]
}
