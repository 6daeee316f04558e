package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// describe names the values of a setting's type, as errors do.
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

// maxShown is the length, in bytes of JSON, to which errors cut a wrong value.
const maxShown = 60

// show returns a wrong value as errors repeat it.
func show(v any) string {
	text := new(strings.Builder)
	enc := json.NewEncoder(text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	shown := strings.TrimSpace(text.String())
	if len(shown) > maxShown {
		shown = strings.ToValidUTF8(shown[:maxShown], "") + "…"
	}
	return shown
}

// short writes 5m0s as 5m and 1h0m0s as 1h.
func short(d time.Duration) string {
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
}
