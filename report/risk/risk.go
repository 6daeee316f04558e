// Package risk finds what a person should check in a change before it is made. The table in rules.go lists the risks.
package risk

import (
	"cmp"
	"slices"

	"tfserving/preview"
	"tfserving/report/prose"
	"tfserving/resource"
)

// Risk is one risk of a change.
type Risk struct {
	Kind string       // the name of its kind
	Step preview.Step // the change
	What prose.Line   // what happens, and why it matters
	rule int          // the index of its rule
}

// Kind is a kind of risk.
type Kind struct {
	Name string
	When string // the conditions of its rules, for docs/pull-requests.md
}

// rule is a condition under which a change is a risk.
type rule struct {
	kind        string
	typ         string // Pulumi's type token; empty for every type
	noun        string // the resource in the kind's When; empty if When does not list it
	inputs      []path // the inputs that the condition compares
	condition   condition
	consequence string // the end of the sentence in the report
}

// path is a path of keys in a resource's inputs.
type path = []any

// condition returns a sentence for each risk of a step under a rule.
type condition func(rule, preview.Step, *stack) []prose.Line

// stack is what a condition may use besides its step.
type stack struct {
	newNamespaces     map[string]bool
	deletedNamespaces map[string]bool // also replaced ones
	newRoles          map[string]bool // IAM roles by name
	// A deleted cluster needs no access and no protection. In a new cluster nobody had access before. A replaced cluster gets
	// its objects again, with unknown names.
	clusterIsDeleted, clusterIsNew, clusterIsReplaced bool
	nodeVersionsChange                                bool // the Kubernetes version of a node group changes
	newestNodes                                       int  // the newest minor version that a node group has before the change
	deployments                                       []deployment
}

// protectsNothing says whether what a resource protects is deleted with it.
func (s *stack) protectsNothing(step preview.Step) bool {
	return s.clusterIsDeleted || s.deletedNamespaces[textOf(step.Old, "metadata", "namespace")]
}

// Of returns the risks of a preview, sorted by kind, type, sentence and name.
func Of(p *preview.Preview) (all []Risk) {
	stack := stackOf(p)
	for _, kind := range Kinds() {
		var found []Risk
		for i, r := range rules {
			if r.kind != kind.Name {
				continue
			}
			for _, s := range p.Steps {
				if r.typ != "" && r.typ != s.Type {
					continue
				}
				for _, what := range r.condition(r, s, stack) {
					found = append(found, Risk{Kind: r.kind, Step: s, What: what, rule: i})
				}
			}
		}
		slices.SortStableFunc(found, func(a, b Risk) int {
			return cmp.Or(cmp.Compare(a.Step.Type, b.Step.Type), cmp.Compare(a.What.String(), b.What.String()), cmp.Compare(a.Step.Name, b.Step.Name))
		})
		all = append(all, found...)
	}
	return all
}

func stackOf(p *preview.Preview) *stack {
	all := &stack{newNamespaces: map[string]bool{}, deletedNamespaces: map[string]bool{}, newRoles: map[string]bool{}, deployments: deploymentsOf(p)}
	for _, s := range p.Steps {
		switch {
		case s.Type == resource.EKSCluster:
			all.clusterIsDeleted = all.clusterIsDeleted || s.Op == preview.OpDelete
			all.clusterIsNew = all.clusterIsNew || s.Op == preview.OpCreate
			all.clusterIsReplaced = all.clusterIsReplaced || s.Op == preview.OpReplace
		case s.Type == resource.NodeGroup && s.Old != nil:
			if before := textOf(s.Old, "version"); before != "" {
				all.newestNodes = max(all.newestNodes, minor(before))
				all.nodeVersionsChange = all.nodeVersionsChange || s.New != nil && textOf(s.New, "version") != before
			}
		case s.Type == resource.IAMRole && s.Op == preview.OpCreate:
			all.newRoles[textOf(s.New, "name")] = true
		case s.Type == resource.Namespace && (s.Op == preview.OpDelete || s.Op == preview.OpReplace):
			all.deletedNamespaces[textOf(s.Old, "metadata", "name")] = true
		case s.Type == resource.Namespace && s.Op == preview.OpCreate:
			all.newNamespaces[textOf(s.New, "metadata", "name")] = true
		}
	}
	// A resource without a role or a namespace is in none of them.
	delete(all.newRoles, "")
	delete(all.newNamespaces, "")
	return all
}

// textOf is a text among the inputs of a state, or "" if there is none. It may be resource.Unknown.
func textOf(s *preview.State, path ...any) string {
	if s == nil {
		return ""
	}
	text, _ := resource.At(s.Inputs, path...).(string)
	return text
}

// Important says whether a report lists changes of this type first: its deletion is a risk in itself.
func Important(typ string) bool {
	return slices.ContainsFunc(rules, func(r rule) bool {
		return r.typ == typ && r.noun != "" && r.kind != accessIsGiven && r.kind != accessIsTakenAway
	})
}

// nouns lists the resources of a kind's rules.
func nouns(kind string) string {
	var all []string
	for _, r := range rules {
		if r.kind == kind && r.noun != "" {
			all = append(all, r.noun)
		}
	}
	slices.Sort(all)
	return prose.Joined(all, "or")
}
