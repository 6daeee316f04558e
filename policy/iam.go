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

// document looks at the statements of a policy, which is a text or an object.
func (f *findings) document(what string, v any) {
	if v == nil || !f.seen(v, "what "+what+" allows") {
		return
	}
	document, isText := v.(string)
	if !isText {
		encoded, err := json.Marshal(v)
		if err != nil {
			panic(err) // it was decoded from JSON
		}
		document = string(encoded)
	}
	if strings.Contains(document, Unknown) {
		f.unknownf("what %s allows", what)
		return
	}
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		f.brokenf("%s is no JSON: %v", what, err)
		return
	}
	for i, s := range list(at(v, "Statement")) {
		actions, everywhere := wildActions(s), everyResource(s)
		if at(s, "Effect") == "Allow" && actions != "" && everywhere {
			f.brokenf("%s allows %s on every resource (statement %d)", what, actions, i+1)
		}
	}
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
