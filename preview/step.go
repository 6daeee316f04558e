package preview

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	presource "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"tfserving/resource"
)

// Protection and Retention are the paths of changes of resource options, which are not properties.
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

// nameOf is the name in a URN, its last part.
func nameOf(urn string) string { return urn[strings.LastIndex(urn, "::")+len("::"):] }

func newState(typ string, m *apitype.StepEventStateMetadata) *State {
	if m == nil {
		return nil
	}
	return &State{Inputs: properties(typ, m.Inputs), Outputs: properties(typ, m.Outputs), Custom: m.Custom, Protect: m.Protect, Retain: m.RetainOnDelete}
}

// changes returns the changed properties of an update. They are the provider's detailed diff. If the provider only names
// properties, or nothing, changes compares the values.
func changes(s Step, m apitype.StepEventMetadata) (all []Change) {
	if s.Old == nil || s.New == nil {
		return nil
	}
	for _, text := range slices.Sorted(maps.Keys(m.DetailedDiff)) {
		diff := m.DetailedDiff[text]
		kind, forces := strings.CutSuffix(string(diff.Kind), "-replace")
		path, err := presource.ParsePropertyPath(text)
		if err != nil {
			path = presource.PropertyPath{text}
		}
		c := Change{Path: text, Kind: Kind(kind), Forces: forces}
		if c.Kind != Added {
			c.Old = lookup(path, diff.InputDiff, s.Old)
		}
		if c.Kind != Removed {
			c.New = lookup(path, true, s.New)
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
			// If the provider says that the whole property forces the replacement, every change in it does.
			if forces && !slices.ContainsFunc(known, func(c *Change) bool { return c.Forces }) {
				for _, c := range known {
					c.Forces = true
				}
			}
			continue
		}
		before, had := s.Old.Inputs[key]
		after, has := s.New.Inputs[key]
		found := compare(key, before, after, had, has)
		if len(found) == 0 && slices.Contains(named, key) {
			// The difference is not visible: it is in a secret, or in a value that the provider normalizes.
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

// plainKey matches a key that needs no quotes in a path.
var plainKey = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// compare returns the differences of a property, one for each changed value in objects. A changed list is one difference.
func compare(path string, before, after any, had, has bool) (all []Change) {
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
			all = append(all, compare(below, a, b, inOld, inNew)...)
		}
		return all
	case reflect.DeepEqual(before, after):
		return nil
	}
	return []Change{{Path: path, Kind: Changed, Old: before, New: after}}
}

// within returns the changes at or below a top-level property.
func within(all []Change, key string) (found []*Change) {
	for i := range all {
		if rest, ok := strings.CutPrefix(all[i].Path, key); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			found = append(found, &all[i])
		}
	}
	return found
}

// lookup returns the value at a path of a resource's inputs, or of its outputs if the inputs have none. If inputsFirst is
// false, outputs come first.
func lookup(path presource.PropertyPath, inputsFirst bool, s *State) any {
	in, hasIn := resource.Lookup(s.Inputs, path...)
	out, hasOut := resource.Lookup(s.Outputs, path...)
	if hasIn && (inputsFirst || !hasOut) {
		return in
	}
	if hasOut {
		return out
	}
	return nil
}
