package policy

import (
	"encoding/json"
	"fmt"
	"strings"

	"tfserving/resource"
)

// broadPolicies are AWS managed policies that allow everything or almost everything. Those that allow one whole service have
// names that end in FullAccess.
var broadPolicies = map[string]bool{"AdministratorAccess": true, "PowerUserAccess": true, "SystemAdministrator": true}

func starIAM(_ *Stack, r resource.Resource, f *findings) {
	switch r.Type {
	case resource.IAMPolicy, resource.IAMRolePolicy, "aws:iam/userPolicy:UserPolicy", "aws:iam/groupPolicy:GroupPolicy":
		f.document("the policy", resource.At(r.Inputs, "policy"))
	case resource.IAMRole:
		inline := resource.At(r.Inputs, "inlinePolicies")
		if f.visible(inline, "the role's inline policies") {
			for _, p := range list(inline) {
				f.document(fmt.Sprintf("inline policy %v", resource.At(p, "name")), resource.At(p, "policy"))
			}
		}
		f.managed(resource.At(r.Inputs, "managedPolicyArns"))
	case resource.IAMRolePolicyAttachment, "aws:iam/userPolicyAttachment:UserPolicyAttachment",
		"aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "aws:iam/policyAttachment:PolicyAttachment":
		f.managed(resource.At(r.Inputs, "policyArn"))
	}
}

// managed checks policies that are attached by ARN. The stack's own policies are resources, which are checked as such.
func (f *findings) managed(arns any) {
	for _, arn := range list(arns) {
		_, name, aws := strings.Cut(text(arn), ":iam::aws:policy/")
		if name = name[strings.LastIndex(name, "/")+1:]; aws && (broadPolicies[name] || strings.HasSuffix(name, "FullAccess")) {
			f.brokenf("AWS managed policy %s is attached, which allows whole services on every resource", name)
		}
	}
}

// document checks the statements of a policy document.
func (f *findings) document(what string, v any) {
	for i, s := range f.statements(what, v, "what "+what+" allows") {
		actions, everywhere := wildActions(s), everyResource(s)
		if resource.At(s, "Effect") == "Allow" && actions != "" && everywhere {
			f.brokenf("%s allows %s on every resource (statement %d)", what, actions, i+1)
		}
	}
}

// statements returns the statements of a policy, which is a text or an object. If they are not visible, it adds a finding and
// returns none.
func (f *findings) statements(what string, v any, decides string) []any {
	if v == nil || !f.visible(v, decides) {
		return nil
	}
	document, isText := v.(string)
	if !isText {
		encoded, err := json.Marshal(v)
		if err != nil {
			panic(err) // inputs are decoded from JSON
		}
		document = string(encoded)
	}
	if strings.Contains(document, resource.Unknown) {
		f.unknown(decides)
		return nil
	}
	var parsed any
	if err := json.Unmarshal([]byte(document), &parsed); err != nil {
		f.brokenf("%s is not JSON: %v", what, err)
		return nil
	}
	return list(resource.At(parsed, "Statement"))
}

// openTrust checks who may assume a role. A trust policy that names everybody must have a condition.
func openTrust(_ *Stack, r resource.Resource, f *findings) {
	const what = "the trust policy"
	for i, s := range f.statements(what, resource.At(r.Inputs, "assumeRolePolicy"), "who may assume the role") {
		if resource.At(s, "Effect") == "Allow" && !hasCondition(s) && trustsEverybody(s) {
			f.brokenf("%s lets everybody assume the role, from any AWS account (statement %d)", what, i+1)
		}
	}
}

func hasCondition(statement any) bool {
	conditions, _ := resource.At(statement, "Condition").(map[string]any)
	return len(conditions) > 0
}

// trustsEverybody says whether a statement's principal is everybody, or everybody except some.
func trustsEverybody(statement any) bool {
	if resource.At(statement, "NotPrincipal") != nil {
		return true
	}
	principal := resource.At(statement, "Principal")
	for _, p := range append(list(principal), list(resource.At(principal, "AWS"))...) {
		if p == "*" {
			return true
		}
	}
	return false
}

// wildActions lists the actions of a statement that have a wildcard. It is empty if there is none.
func wildActions(statement any) string {
	if resource.At(statement, "NotAction") != nil {
		return "all actions except some"
	}
	var wild []string
	for _, a := range list(resource.At(statement, "Action")) {
		if strings.ContainsAny(text(a), "*?") {
			wild = append(wild, text(a))
		}
	}
	return strings.Join(wild, ", ")
}

// arnParts is the number of parts of an ARN. The last is the resource.
const arnParts = 6

// everyResource says whether a statement applies to every resource, or to every resource of a service. Conditions do not
// count: the caller may control what they compare.
func everyResource(statement any) bool {
	if resource.At(statement, "NotResource") != nil {
		return true
	}
	for _, r := range list(resource.At(statement, "Resource")) {
		parts := strings.SplitN(text(r), ":", arnParts)
		if strings.Trim(parts[len(parts)-1], "*/:") == "" {
			return true
		}
	}
	return false
}
