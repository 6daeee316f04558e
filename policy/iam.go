package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// broad are AWS's own policies that allow everything, or nearly; those of one whole service end in FullAccess.
var broad = map[string]bool{"AdministratorAccess": true, "PowerUserAccess": true, "SystemAdministrator": true}

func starIAM(_ *Stack, r Resource, f *findings) {
	switch r.Type {
	case "aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy", "aws:iam/userPolicy:UserPolicy", "aws:iam/groupPolicy:GroupPolicy":
		f.document("the policy", at(r.Inputs, "policy"))
	case "aws:iam/role:Role":
		inline := at(r.Inputs, "inlinePolicies")
		if f.seen(inline, "the role's inline policies") {
			for _, p := range list(inline) {
				f.document(fmt.Sprintf("inline policy %v", at(p, "name")), at(p, "policy"))
			}
		}
		f.managed(at(r.Inputs, "managedPolicyArns"))
	case "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/userPolicyAttachment:UserPolicyAttachment",
		"aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "aws:iam/policyAttachment:PolicyAttachment":
		f.managed(at(r.Inputs, "policyArn"))
	}
}

// managed looks at policies that are attached by ARN. One of the stack's own, whose ARN may be unknown, is a resource and
// looked at as such.
func (f *findings) managed(arns any) {
	for _, arn := range list(arns) {
		_, name, aws := strings.Cut(text(arn), ":iam::aws:policy/")
		if name = name[strings.LastIndex(name, "/")+1:]; aws && (broad[name] || strings.HasSuffix(name, "FullAccess")) {
			f.brokenf("AWS's policy %s is attached, which allows whole services on every resource", name)
		}
	}
}

// document looks at the statements of a policy that says what may be done.
func (f *findings) document(what string, v any) {
	for i, s := range f.statements(what, v, "what "+what+" allows") {
		actions, everywhere := wildActions(s), everyResource(s)
		if at(s, "Effect") == "Allow" && actions != "" && everywhere {
			f.brokenf("%s allows %s on every resource (statement %d)", what, actions, i+1)
		}
	}
}

// statements are those of a policy, which is a text or an object; none, with a finding, where they cannot be seen.
func (f *findings) statements(what string, v any, decides string) []any {
	if v == nil || !f.seen(v, decides) {
		return nil
	}
	document, isText := v.(string)
	if !isText {
		document = asText(v)
	}
	if strings.Contains(document, Unknown) {
		f.unknownf("%s", decides)
		return nil
	}
	var parsed any
	if err := json.Unmarshal([]byte(document), &parsed); err != nil {
		f.brokenf("%s is no JSON: %v", what, err)
		return nil
	}
	return list(at(parsed, "Statement"))
}

// asText is what was decoded from JSON, encoded.
func asText(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// openTrust: whom a role trusts is in its trust policy. An account is somebody, and so is a service; a condition may narrow
// the rest.
func openTrust(_ *Stack, r Resource, f *findings) {
	if r.Type != "aws:iam/role:Role" {
		return
	}
	const what = "the trust policy"
	for i, s := range f.statements(what, at(r.Inputs, "assumeRolePolicy"), "who may take the role") {
		if at(s, "Effect") == "Allow" && len(conditions(s)) == 0 && trustsEverybody(s) {
			f.brokenf("%s lets everybody take the role, of whatever account (statement %d)", what, i+1)
		}
	}
}

func conditions(statement any) map[string]any {
	all, _ := at(statement, "Condition").(map[string]any)
	return all
}

// trustsEverybody says whether a statement names everybody, or all but some.
func trustsEverybody(statement any) bool {
	if at(statement, "NotPrincipal") != nil {
		return true
	}
	principal := at(statement, "Principal")
	for _, p := range append(list(principal), list(at(principal, "AWS"))...) {
		if p == "*" {
			return true
		}
	}
	return false
}

// wildActions are the actions of a statement that stand for several, or empty.
func wildActions(statement any) string {
	if at(statement, "NotAction") != nil {
		return "all actions but some"
	}
	var wild []string
	for _, a := range list(at(statement, "Action")) {
		if strings.ContainsAny(text(a), "*?") {
			wild = append(wild, text(a))
		}
	}
	return strings.Join(wild, ", ")
}

// arnParts is how many parts an ARN has; the last names the resource.
const arnParts = 6

// everyResource says whether a statement is for every resource, or every one of a service. A condition does not change
// that: what it compares may be in the caller's hands.
func everyResource(statement any) bool {
	if at(statement, "NotResource") != nil {
		return true
	}
	for _, r := range list(at(statement, "Resource")) {
		parts := strings.SplitN(text(r), ":", arnParts)
		if strings.Trim(parts[len(parts)-1], "*/:") == "" {
			return true
		}
	}
	return false
}
