package resource

import (
	"fmt"
	"slices"
	"strings"
)

// At returns the value at a path of keys (string) and list indexes (int), or nil if there is none. Every part of an unknown
// value is Unknown, and every part of a secret is Secret.
func At(inputs any, path ...any) any {
	value, _ := Lookup(inputs, path...)
	return value
}

// Lookup is At, and tells a null from a value that does not exist.
func Lookup(inputs any, path ...any) (value any, exists bool) {
	value, steps := follow(inputs, path)
	if steps < len(path) && !hidden(value) {
		return nil, false
	}
	return value, true
}

// Text returns the string at a path, or "" if none is set. It fails if the value is unknown, secret or of another type.
func Text(inputs any, path ...any) (string, error) { return Value[string](inputs, path...) }

// List returns the list at a path, or nil if none is set. Its elements may be unknown. It fails as Text does.
func List(inputs any, path ...any) ([]any, error) { return Value[[]any](inputs, path...) }

// Texts returns the list of strings at a path, or nil if none is set. It fails as Text does, also for one element.
func Texts(inputs any, path ...any) (all []string, err error) {
	list, err := List(inputs, path...)
	for i := range list {
		text, err := Text(inputs, append(slices.Clone(path), i)...)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, err
}

// Number returns the whole number at a path, and whether one is set. It fails as Text does.
func Number(inputs any, path ...any) (n int, isSet bool, err error) {
	value, err := Value[any](inputs, path...)
	if err != nil || value == nil {
		return 0, false, err
	}
	switch n := value.(type) {
	case float64: // JSON has no other numbers
		return int(n), true, nil
	case int:
		return n, true, nil
	}
	return 0, false, typeError(path, value, "a number")
}

// Value returns the value at a path, or T's zero value if none is set. It fails as Text does.
func Value[T any](inputs any, path ...any) (T, error) {
	var zero T
	value, steps := follow(inputs, path)
	switch {
	case value == Unknown:
		return zero, fmt.Errorf("%s is not known yet", pathText(path[:steps]))
	case value == Secret:
		return zero, fmt.Errorf("%s is a secret", pathText(path[:steps]))
	case value == nil:
		return zero, nil
	case steps < len(path):
		if _, isIndex := path[steps].(int); isIndex {
			return zero, typeError(path[:steps], value, "a list with that element")
		}
		return zero, typeError(path[:steps], value, "an object")
	}
	typed, fits := value.(T)
	if !fits {
		return zero, typeError(path, value, typeName(zero))
	}
	return typed, nil
}

// follow takes the steps of a path until a step leads nowhere or the value hides its parts.
func follow(value any, path []any) (reached any, steps int) {
	for i, step := range path {
		if hidden(value) {
			return value, i
		}
		switch step := step.(type) {
		case string:
			object, isObject := value.(map[string]any)
			if !isObject {
				return value, i
			}
			inner, exists := object[step]
			if !exists {
				return nil, i
			}
			value = inner
		case int:
			list, _ := value.([]any)
			if step < 0 || step >= len(list) {
				return value, i
			}
			value = list[step]
		}
	}
	return value, len(path)
}

// hidden says whether a value stands for one that cannot be seen.
func hidden(value any) bool { return value == Unknown || value == Secret }

func typeError(path []any, value any, want string) error {
	return fmt.Errorf("%s is %s, not %s", pathText(path), typeName(value), want)
}

// typeName is a value's type in JSON's terms.
func typeName(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case float64, int:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("%T", value)
}

// pathText writes a path as spec.containers[0].image.
func pathText(path []any) string {
	var text strings.Builder
	for _, step := range path {
		if index, isIndex := step.(int); isIndex {
			fmt.Fprintf(&text, "[%d]", index)
			continue
		}
		if text.Len() > 0 {
			text.WriteByte('.')
		}
		fmt.Fprint(&text, step)
	}
	return text.String()
}
