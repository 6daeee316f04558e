package report

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/resource"
)

const (
	roleType = "aws:iam/role:Role"
	rbac     = "kubernetes:rbac.authorization.k8s.io/v1:"
)

var givesAccess = map[string]kind{
	"aws:eks/accessEntry:AccessEntry":                            {"access entry", "its role or user is locked out of the cluster"},
	"aws:eks/accessPolicyAssociation:AccessPolicyAssociation":    {"access policy", "its role or user may do less in the cluster"},
	"aws:eks/podIdentityAssociation:PodIdentityAssociation":      {"Pod Identity association", "new pods of its service account have no AWS role"},
	"aws:iam/role:Role":                                          {"role", "whoever takes it can call AWS no more"},
	"aws:iam/rolePolicy:RolePolicy":                              {"role policy", "its role may do less"},
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment":          {"attached policy", "its role may do less"},
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": {"cluster role binding", "its service account may do less"},
	"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":        {"role binding", "its service account may do less"},
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole":        {"cluster role", "whoever is bound to it may do less"},
	"kubernetes:rbac.authorization.k8s.io/v1:Role":               {"Kubernetes role", "whoever is bound to it may do less"},
}

// access finds who can do less.
func access(s preview.Step, about *plan) []line {
	if about.clusterGone {
		return nil
	}
	return goes(givesAccess)(s, about)
}

// grant is what gives access to somebody.
type grant struct {
	name string
	by   []string // the properties that say who may do what
}

var grants = map[string]grant{
	"aws:eks/accessEntry:AccessEntry":                         {"access entry", []string{"principalArn", "kubernetesGroups", "type", "userName"}},
	"aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {"access policy", []string{"principalArn", "policyArn", "accessScope"}},
	"aws:eks/podIdentityAssociation:PodIdentityAssociation":   {"Pod Identity association", []string{"roleArn", "targetRoleArn", "namespace", "serviceAccount"}},
	roleType:                        {"role", []string{"assumeRolePolicy", "inlinePolicies", "managedPolicyArns"}},
	"aws:iam/policy:Policy":         {"policy", []string{"policy"}},
	"aws:iam/rolePolicy:RolePolicy": {"role policy", []string{"policy"}},
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"attached policy", []string{"policyArn"}},
	rbac + "ClusterRole":        {"cluster role", []string{"rules", "aggregationRule"}},
	rbac + "Role":               {"Kubernetes role", []string{"rules"}},
	rbac + "ClusterRoleBinding": {"cluster role binding", []string{"roleRef", "subjects"}},
	rbac + "RoleBinding":        {"role binding", []string{"roleRef", "subjects"}},
}

func grantNames() string {
	kinds := map[string]kind{}
	for typ, g := range grants {
		kinds[typ] = kind{name: g.name}
	}
	return names(kinds)
}

// gives finds who may do what they might not. What is new is one risk by itself, and none where nobody could have had access
// before: with a new cluster, role or namespace.
func gives(s preview.Step, about *plan) (found []line) {
	g, is := grants[s.Type]
	if !is || s.New == nil || about.young || s.Op == preview.OpSame || s.Op == preview.OpRead {
		return nil
	}
	if s.Old == nil {
		// A reference that nobody knows yet is to something new.
		role, namespace := text(s.New, "role"), text(s.New, "metadata", "namespace")
		if about.roles[role] || role == resource.Unknown || about.made[namespace] || namespace == resource.Unknown {
			return nil
		}
		l := say("new")
		for _, key := range g.by {
			if v := s.New.Inputs[key]; v != nil {
				l = append(l, say(", ", value(key), " ", value(brief(v)))...)
			}
		}
		return []line{l}
	}
	for _, key := range g.by {
		before, after := s.Old.Inputs[key], s.New.Inputs[key]
		if anew := about.renewed && strings.Contains(shown(after), unknownText); allowsMore(before, after) && !anew {
			was, is := differing(before, after)
			found = append(found, say(value(key), " from ", value(was), " to ", value(is), ": it may allow more than it did"))
		}
	}
	return found
}

// allowsMore says whether a property may allow what it did not. A list that has only lost elements does not, nor does a
// policy that has only lost statements, but for those that deny.
func allowsMore(before, after any) bool {
	if after == nil || reflect.DeepEqual(before, after) {
		return false
	}
	was, is := statements(before), statements(after)
	if was == nil || is == nil {
		return true
	}
	denied := slices.DeleteFunc(slices.Clone(was), func(s any) bool { return get(s, "Effect") != "Deny" })
	return !subset(is, was) || !subset(denied, is)
}

// statements are those of a policy, or the elements of a list; nil for anything else.
func statements(v any) []any {
	document, isText := v.(string)
	if !isText {
		list, _ := v.([]any)
		return list
	}
	var policy struct{ Statement any }
	if strings.Contains(document, resource.Unknown) || json.Unmarshal([]byte(document), &policy) != nil {
		return nil
	}
	if list, several := policy.Statement.([]any); several {
		return list
	}
	return []any{policy.Statement}
}

func subset(some, all []any) bool {
	return !slices.ContainsFunc(some, func(one any) bool {
		return !slices.ContainsFunc(all, func(other any) bool { return reflect.DeepEqual(one, other) })
	})
}
