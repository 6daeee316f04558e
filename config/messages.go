package config

import (
	"reflect"
	"sort"
	"strings"
	"time"
)

// describe says what a setting of this type must be.
func describe(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 30s or 5m"
	case t == reflect.TypeFor[Quantity]():
		return "a quantity such as 500m or 1Gi"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "a list of objects with " + strings.Join(keys(t.Elem()), ", ")
		}
		return "a list of " + describe(t.Elem())
	case reflect.Map:
		return "an object whose values are text"
	default:
		return "an object with " + strings.Join(keys(t), ", ")
	}
}

// keys are the settings in a struct type.
func keys(t reflect.Type) (all []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, field := range reflect.VisibleFields(t) {
		if key := field.Tag.Get("json"); key != notOurs {
			all = append(all, key)
		}
	}
	return all
}

// notOurs is the json tag of what another namespace's setting fills.
const notOurs = "-"

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct || key == notOurs {
		return reflect.StructField{}, false
	}
	for _, field := range reflect.VisibleFields(t) {
		if field.Tag.Get("json") == key {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// suggest lists the known keys, the likeliest meant first.
func suggest(wrong string, known []string) string {
	sort.SliceStable(known, func(i, j int) bool { return shared(wrong, known[i]) > shared(wrong, known[j]) })
	return strings.Join(known, ", ")
}

// shared counts the letter pairs that two words have in common, less those they have not.
func shared(a, b string) (n int) {
	for i := 0; i+1 < len(b); i++ {
		if strings.Contains(strings.ToLower(a), strings.ToLower(b[i:i+2])) {
			n += 2
		}
	}
	return n - len(b)
}
