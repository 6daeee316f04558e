package config

import (
	"reflect"
	"testing"

	"tfserving/internal/page"
)

const referenceFile = "../docs/settings.md"

func TestReferenceIsCurrent(t *testing.T) {
	page.Whole(t, referenceFile, "go test ./config -run Reference -update", Reference())
}

func TestEverySettingIsDescribed(t *testing.T) {
	for _, missing := range undescribed("Settings", reflect.TypeFor[Settings]()) {
		t.Error(missing)
	}
}

func TestUndescribedSettingsAreFound(t *testing.T) {
	type inner struct {
		NoDoc int `json:"noDoc"`
	}
	type settings struct {
		NoKey  string  `doc:"Has no key."`
		Groups []inner `json:"groups"`
	}
	got := undescribed("settings", reflect.TypeFor[settings]())
	want := []string{"settings.NoKey has no json tag", "settings.Groups.NoDoc has no doc tag"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// undescribed lists the fields that lack the tags of which the reference is made. An object is described by its fields.
func undescribed(at string, t reflect.Type) (missing []string) {
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
			missing = append(missing, undescribed(name, typ)...)
		} else if field.Tag.Get("doc") == "" {
			missing = append(missing, name+" has no doc tag")
		}
	}
	return missing
}
