package config

import (
	"fmt"
	"maps"
	"reflect"
	"sort"
	"strings"
)

// otherNamespace is the json tag of a field whose key is in another namespace.
const otherNamespace = "-"

// keys lists the settings of a struct type.
func keys(t reflect.Type) (all []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, field := range reflect.VisibleFields(t) {
		if key := field.Tag.Get("json"); key != otherNamespace {
			all = append(all, key)
		}
	}
	return all
}

// fieldOf returns the field of a setting, if the type has it.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct || key == otherNamespace {
		return reflect.StructField{}, false
	}
	for _, field := range reflect.VisibleFields(t) {
		if field.Tag.Get("json") == key {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// keyProblems lists the unknown keys and the keys without a value, which the decoder ignores.
func keyProblems(at string, value any, t reflect.Type) (problems []problem) {
	switch v := value.(type) {
	case nil:
		return []problem{{at, "has no value; give it one or remove the key"}}
	case []any:
		if t.Kind() == reflect.Slice {
			for i, element := range v {
				problems = append(problems, keyProblems(fmt.Sprintf("%s[%d]", at, i), element, t.Elem())...)
			}
		}
	case map[string]any:
		for name, inner := range v {
			field, known := fieldOf(t, name)
			switch {
			case t.Kind() == reflect.Map:
				problems = append(problems, keyProblems(fmt.Sprintf("%s[%s]", at, name), inner, t.Elem())...)
			case known:
				problems = append(problems, keyProblems(join(at, name), inner, field.Type)...)
			case t.Kind() == reflect.Struct:
				problems = append(problems, problem{join(at, name), unknownKey(name, t)})
			}
		}
	}
	return problems
}

func join(at, name string) string { return strings.TrimPrefix(at+"."+name, ".") }

// unknownKey returns the problem with a key that a type does not have.
func unknownKey(name string, t reflect.Type) string {
	if object, _, dotted := strings.Cut(name, "."); dotted {
		if _, known := fieldOf(t, object); known {
			return fmt.Sprintf("is not a setting; set a key inside %s with `pulumi config set --path`, or indent it below %[1]s in the stack's file", object)
		}
	}
	return "is not a setting; the settings here are " + suggest(name, keys(t))
}

// addNamespaces lists the keys without a namespace. It also gives each of them the only namespace in which it is a setting,
// so that decode checks its value.
func (in *input) addNamespaces() (problems []string) {
	raw := maps.Clone(in.raw)
	for key, value := range in.raw {
		if strings.Contains(key, ":") {
			continue
		}
		full := Project + ":" + key
		if "aws:"+key == regionKey {
			full = regionKey
		} else if _, known := fieldOf(reflect.TypeFor[Settings](), key); !known {
			problems = append(problems, fmt.Sprintf("%s is not a setting; every setting's name begins with %s:, except %s", key, Project, regionKey))
			continue
		}
		problems = append(problems, fmt.Sprintf("%s is not a setting; did you mean %s?", key, full))
		if _, set := raw[full]; !set {
			raw[full] = value
		}
	}
	in.raw = raw
	return problems
}

// suggest lists the known keys, the most similar to a wrong one first.
func suggest(wrong string, known []string) string {
	sort.SliceStable(known, func(i, j int) bool { return similarity(wrong, known[i]) > similarity(wrong, known[j]) })
	return strings.Join(known, ", ")
}

// similarity counts the letter pairs of b that a has, too, less those that it lacks.
func similarity(a, b string) (n int) {
	for i := 0; i+1 < len(b); i++ {
		if strings.Contains(strings.ToLower(a), strings.ToLower(b[i:i+2])) {
			n += 2
		}
	}
	return n - len(b)
}
