package preview

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// protection and retention are the paths by which changes of these resource options go: they are no properties.
const (
	Protection = "(option) protect"
	Retention  = "(option) retainOnDelete"
)

func newStep(op Op, m apitype.StepEventMetadata) Step {
	s := Step{Op: op, URN: m.URN, Type: m.Type, Name: nameOf(m.URN), Provider: m.Provider, Old: newState(m.Type, m.Old), New: newState(m.Type, m.New)}
	switch op {
	case OpCreate, OpImport:
		s.Old = nil
	case OpDelete:
		if s.New = nil; s.Old != nil && s.Old.Retain {
			s.Op = OpForget
		}
	case OpUpdate, OpReplace:
		s.Changes = changes(s, m)
	}
	if s.Old != nil && s.New != nil {
		s.Changes = append(s.Changes, option(Protection, s.Old.Protect, s.New.Protect)...)
		s.Changes = append(s.Changes, option(Retention, s.Old.Retain, s.New.Retain)...)
		if s.Op == OpSame && len(s.Changes) > 0 {
			s.Op = OpUpdate
		}
	}
	return s
}

func option(path string, before, after bool) []Change {
	if before == after {
		return nil
	}
	return []Change{{Path: path, Kind: Changed, Old: before, New: after}}
}

// nameOf is the last part of a URN.
func nameOf(urn string) string { return urn[strings.LastIndex(urn, "::")+len("::"):] }

func newState(typ string, m *apitype.StepEventStateMetadata) *State {
	if m == nil {
		return nil
	}
	return &State{Inputs: properties(typ, m.Inputs), Outputs: properties(typ, m.Outputs), Custom: m.Custom, Protect: m.Protect, Retain: m.RetainOnDelete}
}

// changes are what a provider says of an update, or, where it names properties alone or none, what differs in them.
func changes(s Step, m apitype.StepEventMetadata) (all []Change) {
	if s.Old == nil || s.New == nil {
		return nil
	}
	for _, text := range slices.Sorted(maps.Keys(m.DetailedDiff)) {
		diff := m.DetailedDiff[text]
		kind, forces := strings.CutSuffix(string(diff.Kind), "-replace")
		path, err := resource.ParsePropertyPath(text)
		if err != nil {
			path = resource.PropertyPath{text}
		}
		c := Change{Path: text, Kind: Kind(kind), Forces: forces}
		if c.Kind != Added {
			c.Old = first(path, diff.InputDiff, s.Old)
		}
		if c.Kind != Removed {
			c.New = first(path, true, s.New)
		}
		all = append(all, c)
	}
	named := append(slices.Clone(m.Diffs), m.Keys...)
	keys := named
	if len(all) == 0 && len(named) == 0 {
		keys = append(slices.Collect(maps.Keys(s.Old.Inputs)), slices.Collect(maps.Keys(s.New.Inputs))...)
	}
	for _, key := range sorted(keys) {
		forces := slices.Contains(m.Keys, key)
		if known := within(all, key); len(known) > 0 {
			// A provider that names the property alone as forcing means each change in it.
			if forces && !slices.ContainsFunc(known, func(c *Change) bool { return c.Forces }) {
				for _, c := range known {
					c.Forces = true
				}
			}
			continue
		}
		before, had := s.Old.Inputs[key]
		after, has := s.New.Inputs[key]
		found := compared(key, before, after, had, has)
		if len(found) == 0 && slices.Contains(named, key) {
			// It differs in what cannot be seen: in a secret, or in what the provider made of the same.
			found = []Change{{Path: key, Kind: Changed, Old: before, New: after}}
		}
		for _, c := range found {
			c.Forces = forces
			all = append(all, c)
		}
	}
	return all
}

func sorted(keys []string) []string { return slices.Compact(slices.Sorted(slices.Values(keys))) }

// plainKey is a key that stands in a path as it is.
var plainKey = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// compared finds what differs in a property of which a provider says only that it does. Lists are compared whole.
func compared(path string, before, after any, had, has bool) (all []Change) {
	old, wasObject := before.(map[string]any)
	now, isObject := after.(map[string]any)
	switch {
	case had && !has:
		return []Change{{Path: path, Kind: Removed, Old: before}}
	case has && !had:
		return []Change{{Path: path, Kind: Added, New: after}}
	case wasObject && isObject:
		for _, key := range sorted(append(slices.Collect(maps.Keys(old)), slices.Collect(maps.Keys(now))...)) {
			a, inOld := old[key]
			b, inNew := now[key]
			below := path + "." + key
			if !plainKey.MatchString(key) {
				below = path + "[" + strconv.Quote(key) + "]"
			}
			all = append(all, compared(below, a, b, inOld, inNew)...)
		}
		return all
	case reflect.DeepEqual(before, after):
		return nil
	}
	return []Change{{Path: path, Kind: Changed, Old: before, New: after}}
}

// within are the changes at or below a top-level property.
func within(all []Change, key string) (found []*Change) {
	for i := range all {
		if rest, ok := strings.CutPrefix(all[i].Path, key); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			found = append(found, &all[i])
		}
	}
	return found
}

// first looks a path up in a resource's inputs and in its outputs, in the one order or the other.
func first(path resource.PropertyPath, inputsFirst bool, s *State) any {
	in, hasIn := at(s.Inputs, path)
	out, hasOut := at(s.Outputs, path)
	if hasIn && (inputsFirst || !hasOut) {
		return in
	}
	if hasOut {
		return out
	}
	return nil
}
