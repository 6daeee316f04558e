package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// keyValues are the condition keys of a request. The emulator knows the values of the keys with covered prefixes. A condition
// on another key is an error.
type keyValues struct {
	values  map[string][]string // by key in lower case
	covered []string            // prefixes, in lower case
}

func (k *keyValues) set(name string, values ...string) {
	if k.values == nil {
		k.values = map[string][]string{}
	}
	name = strings.ToLower(name)
	k.values[name] = values
	k.covered = append(k.covered, name)
}

// cover says that the emulator sets all keys with this prefix that the request has.
func (k *keyValues) cover(prefix string) { k.covered = append(k.covered, strings.ToLower(prefix)) }

func (k *keyValues) setTags(prefix string, tags map[string]string) {
	k.cover(prefix)
	for name, value := range tags {
		k.set(prefix+name, value)
	}
}

func (k *keyValues) get(name string) ([]string, error) {
	name = strings.ToLower(name)
	if !slices.ContainsFunc(k.covered, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return nil, fmt.Errorf("condition key %s is not covered for this action", name)
	}
	return k.values[name], nil
}

// hold says whether all conditions of a statement hold.
func (k *keyValues) hold(conditions map[string]map[string]texts) (bool, error) {
	all := true
	for operator, keys := range conditions {
		for name, wanted := range keys {
			holds, err := k.holds(operator, name, wanted)
			if err != nil {
				return false, fmt.Errorf("%s of %s: %w", operator, name, err)
			}
			all = all && holds
		}
	}
	return all, nil
}

func (k *keyValues) holds(operator, name string, wanted texts) (bool, error) {
	for _, w := range wanted {
		if strings.Contains(w, "${") {
			return false, fmt.Errorf("the policy variable in %q is not covered", w)
		}
	}
	values, err := k.get(name)
	if err != nil {
		return false, err
	}
	if strings.EqualFold(operator, "Null") {
		if len(wanted) != 1 {
			return false, fmt.Errorf("%d values are not covered", len(wanted))
		}
		return (len(values) == 0) == strings.EqualFold(wanted[0], "true"), nil
	}
	set, base := "", operator
	if before, after, found := strings.Cut(operator, ":"); found {
		set, base = before, after
	}
	base, ifExists := strings.CutSuffix(base, "IfExists")
	compare, negated, err := comparison(base)
	if err != nil {
		return false, err
	}
	one := func(value string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return compare(w, value) }) != negated
	}
	switch set {
	case "ForAllValues":
		return !slices.ContainsFunc(values, func(v string) bool { return !one(v) }), nil
	case "ForAnyValue":
		return slices.ContainsFunc(values, one), nil
	case "":
	default:
		return false, fmt.Errorf("%s is not covered", set)
	}
	switch len(values) {
	case 0:
		return negated || ifExists, nil
	case 1:
		return one(values[0]), nil
	default:
		return false, fmt.Errorf("a key with %d values, without ForAllValues or ForAnyValue, is not covered", len(values))
	}
}

// comparison is the function by which an operator compares a policy's value with a request's value. negated means that the
// condition holds without a match.
func comparison(operator string) (compare func(wanted, value string) bool, negated bool, err error) {
	equal := func(wanted, value string) bool { return wanted == value }
	switch operator {
	case "StringEquals":
		return equal, false, nil
	case "StringNotEquals":
		return equal, true, nil
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold, false, nil
	case "StringNotEqualsIgnoreCase":
		return strings.EqualFold, true, nil
	case "StringLike":
		return matches, false, nil
	case "StringNotLike":
		return matches, true, nil
	case "ArnEquals", "ArnLike":
		return matchesARN, false, nil
	case "ArnNotEquals", "ArnNotLike":
		return matchesARN, true, nil
	default:
		return nil, false, fmt.Errorf("operator %s is not covered", operator)
	}
}

// matchesARN compares ARNs part by part: a wildcard does not match a colon.
func matchesARN(pattern, arn string) bool {
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(patterns) != len(parts) {
		return false
	}
	for i := range parts {
		if !matches(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}
