package resource

import (
	"reflect"
	"strings"
	"testing"
)

var inputs = map[string]any{
	"name": "a", "size": 3.0, "whole": 4, "on": true, "empty": nil, "later": Unknown, "token": Secret,
	"object": map[string]any{"key": "b", "example.com/key": "c"},
	"list":   []any{"x", map[string]any{"key": "y"}, Unknown},
	"texts":  []any{"x", "y"},
}

func TestAValueIsFoundByItsPath(t *testing.T) {
	for name, test := range map[string]struct {
		path   []any
		want   any
		exists bool
	}{
		"everything":                 {nil, inputs, true},
		"a property":                 {[]any{"name"}, "a", true},
		"a property of an object":    {[]any{"object", "key"}, "b", true},
		"a key with dots":            {[]any{"object", "example.com/key"}, "c", true},
		"an element":                 {[]any{"list", 0}, "x", true},
		"a property of an element":   {[]any{"list", 1, "key"}, "y", true},
		"null":                       {[]any{"empty"}, nil, true},
		"below null":                 {[]any{"empty", "key"}, nil, false},
		"missing":                    {[]any{"other"}, nil, false},
		"below a missing property":   {[]any{"other", "key"}, nil, false},
		"past the end of a list":     {[]any{"list", 3}, nil, false},
		"before the start of a list": {[]any{"list", -1}, nil, false},
		"a key of a text":            {[]any{"name", "key"}, nil, false},
		"a key of a list":            {[]any{"list", "key"}, nil, false},
		"an element of an object":    {[]any{"object", 0}, nil, false},
		"unknown":                    {[]any{"later"}, Unknown, true},
		"a part of an unknown value": {[]any{"later", 0, "key"}, Unknown, true},
		"an unknown element":         {[]any{"list", 2, "key"}, Unknown, true},
		"a secret":                   {[]any{"token"}, Secret, true},
		"a part of a secret":         {[]any{"token", "key"}, Secret, true},
	} {
		if got, exists := Lookup(inputs, test.path...); !reflect.DeepEqual(got, test.want) || exists != test.exists {
			t.Errorf("%s: Lookup returns %v, %v; want %v, %v", name, got, exists, test.want, test.exists)
		}
		if got := At(inputs, test.path...); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: At returns %v; want %v", name, got, test.want)
		}
	}
}

func TestATypedValueIsReturnedOrItsErrorNamesThePath(t *testing.T) {
	text := func(path ...any) (any, error) { return Text(inputs, path...) }
	list := func(path ...any) (any, error) { return List(inputs, path...) }
	texts := func(path ...any) (any, error) { return Texts(inputs, path...) }
	boolean := func(path ...any) (any, error) { return Value[bool](inputs, path...) }
	number := func(path ...any) (any, error) {
		n, isSet, err := Number(inputs, path...)
		if !isSet && n == 0 {
			return nil, err
		}
		return n, err
	}
	for name, test := range map[string]struct {
		read func(path ...any) (any, error)
		path []any
		want any
		err  string
	}{
		"a text":                 {text, []any{"name"}, "a", ""},
		"a text of an element":   {text, []any{"list", 1, "key"}, "y", ""},
		"no text":                {text, []any{"other"}, "", ""},
		"null as a text":         {text, []any{"empty"}, "", ""},
		"an unknown text":        {text, []any{"later"}, "", "later is not known yet"},
		"a part of unknown":      {text, []any{"later", "key"}, "", "later is not known yet"},
		"a secret text":          {text, []any{"token"}, "", "token is a secret"},
		"a number as a text":     {text, []any{"size"}, "", "size is a number, not a text"},
		"a text as an object":    {text, []any{"name", "key"}, "", "name is a text, not an object"},
		"an index of an object":  {text, []any{"object", 0}, "", "object is an object, not a list with that element"},
		"an index past the end":  {text, []any{"list", 7}, "", "list is a list, not a list with that element"},
		"a list":                 {list, []any{"list"}, inputs["list"], ""},
		"no list":                {list, []any{"other"}, []any(nil), ""},
		"a text as a list":       {list, []any{"name"}, []any(nil), "name is a text, not a list"},
		"an unknown list":        {list, []any{"later"}, []any(nil), "later is not known yet"},
		"texts":                  {texts, []any{"texts"}, []string{"x", "y"}, ""},
		"no texts":               {texts, []any{"other"}, []string(nil), ""},
		"an object among texts":  {texts, []any{"list"}, []string(nil), "list[1] is an object, not a text"},
		"texts that are unknown": {texts, []any{"later"}, []string(nil), "later is not known yet"},
		"a number":               {number, []any{"size"}, 3, ""},
		"a whole number":         {number, []any{"whole"}, 4, ""},
		"no number":              {number, []any{"other"}, nil, ""},
		"a text as a number":     {number, []any{"name"}, nil, "name is a text, not a number"},
		"an unknown number":      {number, []any{"later"}, nil, "later is not known yet"},
		"a truth value":          {boolean, []any{"on"}, true, ""},
		"a text as truth value":  {boolean, []any{"name"}, false, "name is a text, not true or false"},
	} {
		got, err := test.read(test.path...)
		if !reflect.DeepEqual(got, test.want) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: returns %v, %v; want %v, %q", name, got, err, test.want, test.err)
		}
	}
}
