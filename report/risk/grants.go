package risk

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/resource"
)

// given applies if someone may do more than before. It does not apply if nobody could have access before: with a new cluster,
// role or namespace. A new resource is one risk, whatever it allows.
func given(r rule, s preview.Step, stack *stack) (found []prose.Line) {
	if s.New == nil || stack.clusterIsNew || s.Op == preview.OpSame || s.Op == preview.OpRead {
		return nil
	}
	if s.Old == nil {
		// An unknown reference is to a new resource.
		role, namespace := textOf(s.New, "role"), textOf(s.New, "metadata", "namespace")
		if stack.newRoles[role] || role == resource.Unknown || stack.newNamespaces[namespace] || namespace == resource.Unknown {
			return nil
		}
		l := prose.Say("new")
		for _, input := range r.inputs {
			if v := resource.At(s.New.Inputs, input...); v != nil {
				l = append(l, prose.Say(", ", prose.Value(pathText(input)), " ", prose.Value(prose.Brief(v)))...)
			}
		}
		return []prose.Line{l}
	}
	for _, input := range r.inputs {
		before, after := resource.At(s.Old.Inputs, input...), resource.At(s.New.Inputs, input...)
		followsCluster := stack.clusterIsReplaced && strings.Contains(prose.Shown(after), prose.KnownAfterUp)
		if allowsMore(before, after) && !followsCluster {
			was, is := prose.Differing(before, after)
			found = append(found, prose.Say(prose.Value(pathText(input)), " from ", prose.Value(was), " to ", prose.Value(is), ": it may allow more than it did"))
		}
	}
	return found
}

// allowsMore says whether an input may allow more than before. A list that only loses elements does not, and a policy that
// only loses statements does not unless one of them denies.
func allowsMore(before, after any) bool {
	if after == nil || reflect.DeepEqual(before, after) {
		return false
	}
	was, is := statements(before), statements(after)
	if was == nil || is == nil {
		return true
	}
	denied := slices.DeleteFunc(slices.Clone(was), func(s any) bool { return resource.At(s, "Effect") != "Deny" })
	return !isSubset(is, was) || !isSubset(denied, is)
}

// statements are the statements of a policy document, or the elements of a list. Any other value has none.
func statements(v any) []any {
	document, isText := v.(string)
	if !isText {
		return elements(v)
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

func isSubset(some, all []any) bool {
	return !slices.ContainsFunc(some, func(one any) bool {
		return !slices.ContainsFunc(all, func(other any) bool { return reflect.DeepEqual(one, other) })
	})
}
