package cost

import (
	"fmt"
	"slices"
	"strings"
)

// unknowns are what the engine writes for values that it does not know before an update, by the kind of value
// (pulumi/sdk/v3/go/common/resource/plugin, rpc.go), and what stands for a secret.
var unknowns = []string{
	Unknown, // of text
	"1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "3eeb2bf0-c639-47a8-9e75-3b44932eb421", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
	"030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
	Secret,
}

// at follows a path of keys into a resource's inputs. A value that is not set is nil; one that nobody knows yet, or that
// is of another kind than the path says, is an error.
func (r Resource) at(path ...string) (any, error) { return valueAt(r.Inputs, path...) }

func valueAt(inputs map[string]any, path ...string) (any, error) {
	var value any = inputs
	for i, key := range path {
		object, isObject := value.(map[string]any)
		if !isObject {
			return nil, fmt.Errorf("%s is %T, not an object", strings.Join(path[:i], "."), value)
		}
		if value = object[key]; value == nil {
			return nil, nil
		}
		if text, isText := value.(string); isText && slices.Contains(unknowns, text) {
			return nil, fmt.Errorf("%s is not known yet", strings.Join(path[:i+1], "."))
		}
	}
	return value, nil
}

// text reads a string; empty where it is not set.
func (r Resource) text(path ...string) (string, error) { return as[string](r.at(path...)) }

// list reads a list; the values in it may be unknown.
func (r Resource) list(path ...string) ([]any, error) { return as[[]any](r.at(path...)) }

// count reads a whole number, and says whether it is set.
func (r Resource) count(path ...string) (int, bool, error) {
	value, err := r.at(path...)
	if err != nil || value == nil {
		return 0, false, err
	}
	switch n := value.(type) {
	case float64:
		return int(n), true, nil
	case int:
		return n, true, nil
	}
	return 0, false, fmt.Errorf("%s is %T, not a number", strings.Join(path, "."), value)
}

// as gives a value its type; nil is the type's zero value.
func as[T any](value any, err error) (T, error) {
	var zero T
	if err != nil || value == nil {
		return zero, err
	}
	typed, fits := value.(T)
	if !fits {
		return zero, fmt.Errorf("a value is %T, not %T", value, zero)
	}
	return typed, nil
}

// texts reads a list of strings, each of which must be known.
func (r Resource) texts(path ...string) ([]string, error) {
	values, err := r.list(path...)
	if err != nil {
		return nil, err
	}
	var all []string
	for i, value := range values {
		text, isText := value.(string)
		if !isText || slices.Contains(unknowns, text) {
			return nil, fmt.Errorf("%s[%d] is not known yet", strings.Join(path, "."), i)
		}
		all = append(all, text)
	}
	return all, nil
}

// objectName is the name and namespace of a Kubernetes object; empty where they are not known yet.
func (r Resource) objectName() (name, namespace string) {
	name, _ = r.text("metadata", "name")
	namespace, _ = r.text("metadata", "namespace")
	return name, namespace
}
