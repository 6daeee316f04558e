package config

import (
	"reflect"
	"testing"

	"tfserving/internal/page"
)

func TestReferenceDescribesTheSettings(t *testing.T) {
	page.Whole(t, "../docs/settings.md", "go test ./config -run Reference -update", Reference())
}

func TestEverySettingIsDescribed(t *testing.T) {
	for _, missing := range missingTags("Settings", reflect.TypeFor[Settings]()) {
		t.Error(missing)
	}
	// The search itself must find what is missing.

	type inner struct {
		NoDoc int `json:"noDoc"`
	}
	type settings struct {
		NoKey  string  `doc:"Has no key."`
		Groups []inner `json:"groups"`
	}
	got := missingTags("settings", reflect.TypeFor[settings]())
	want := []string{"settings.NoKey has no json tag", "settings.Groups.NoDoc has no doc tag"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// missingTags lists the fields that lack a tag that the reference needs. An object needs no description of its own: its
// fields have one.
func missingTags(at string, t reflect.Type) (missing []string) {
	for i := range t.NumField() {
		field, typ := t.Field(i), t.Field(i).Type
		name := at + "." + field.Name
		if field.Tag.Get("json") == "" {
			missing = append(missing, name+" has no json tag")
		}
		if typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() == reflect.Struct {
			missing = append(missing, missingTags(name, typ)...)
		} else if field.Tag.Get("doc") == "" {
			missing = append(missing, name+" has no doc tag")
		}
	}
	return missing
}
