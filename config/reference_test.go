package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tfserving/internal/page"
)

func TestReferenceDescribesTheSettings(t *testing.T) {
	page.Whole(t, "../docs/settings.md", "go test ./config -run Reference -update", settingsPage())
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

const referenceIntro = `# Settings

<!-- Written by ` + "`go test ./config -run Reference -update`" + ` from config/settings.go. Edit that file, not this one. -->

The file ` + "`Pulumi.<stack>.yaml`" + ` at the root of the checkout holds a stack's settings, below ` + "`config:`" + `. Stack
` + "`local`" + ` is the embedded cluster, which needs no account. The other checked-in stacks are on EKS.
Edit the file, or set one key from the command line:

    pulumi config set --path 'tfserving:model.replicas.max' 8 --stack dev

A setting that the file leaves out has the default below; — means none. Unknown keys, values of another type and values
out of range are mistakes. One error reports all of them, before anything is deployed.

No setting is a secret. A value that ` + "`pulumi config set --secret`" + ` has encrypted is a mistake.

A duration is a number with its unit, such as ` + "`30s`, `5m` or `1h`" + `. A quantity is a Kubernetes quantity: ` + "`500m`" + ` is half a
core, ` + "`512Mi`" + ` half a gibibyte. Write text that looks like a number in quotes: ` + "`\"1.36\"`" + `.
`

// settingsPage is the text of docs/settings.md: every setting with its type, default, unit and meaning.
func settingsPage() string {
	var page strings.Builder
	page.WriteString(referenceIntro)
	defaults := reflect.ValueOf(Default())
	table(&page, "The stack", "", scalars(defaults))
	for i := range defaults.NumField() {
		field, value := defaults.Type().Field(i), defaults.Field(i)
		key := Project + ":" + field.Tag.Get("json")
		switch field.Type.Kind() {
		case reflect.Struct:
			table(&page, "`"+key+"`", field.Tag.Get("doc"), rows(key+".", value))
		case reflect.Slice:
			table(&page, "`"+key+"`", field.Tag.Get("doc"), rows(key+"[0].", reflect.ValueOf(defaultNodeGroup())))
		}
	}
	return page.String()
}

func table(page *strings.Builder, title, intro string, rows []string) {
	fmt.Fprintf(page, "\n## %s\n\n", title)
	if intro != "" {
		fmt.Fprintf(page, "%s\n\n", intro)
	}
	page.WriteString("| key | type | default | unit | meaning |\n|---|---|---|---|---|\n")
	for _, row := range rows {
		page.WriteString(row)
	}
}

// scalars returns the rows of the settings outside any object.
func scalars(v reflect.Value) (all []string) {
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.Type.Kind() != reflect.Struct && field.Type.Kind() != reflect.Slice {
			all = append(all, row(Project+":"+field.Tag.Get("json"), field, v.Field(i)))
		}
	}
	return all
}

// rows returns the rows of the settings in an object and in the objects inside it.
func rows(at string, v reflect.Value) (all []string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := at + field.Tag.Get("json")
		if field.Type.Kind() == reflect.Struct {
			all = append(all, rows(key+".", v.Field(i))...)
			continue
		}
		all = append(all, row(key, field, v.Field(i)))
		if field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct {
			all = append(all, rows(key+"[0].", reflect.Zero(field.Type.Elem()))...)
		}
	}
	return all
}

// row returns the row of a setting. The tag key replaces the key of a setting in another namespace.
func row(key string, field reflect.StructField, value reflect.Value) string {
	if full := field.Tag.Get("key"); full != "" {
		key = full
	}
	meaning := field.Tag.Get("doc")
	if least := field.Tag.Get("min"); least != "" {
		meaning += " From " + least + " to " + field.Tag.Get("max") + "."
	}
	if choices := field.Tag.Get("oneof"); choices != "" {
		meaning += " One of `" + strings.ReplaceAll(choices, "|", "`, `") + "`."
	}
	unit := field.Tag.Get("unit")
	if field.Type == reflect.TypeFor[time.Duration]() {
		unit = "in the value"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", key, typeName(field.Type), shownDefault(value), cmp.Or(unit, none), strings.ReplaceAll(meaning, "|", `\|`))
}

// none means that a setting has no default, or no unit.
const none = "—"

func shownDefault(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return "`" + short(x) + "`"
	case int, bool:
		return fmt.Sprintf("`%v`", x)
	}
	if v.Len() == 0 {
		return none
	}
	return fmt.Sprintf("`%v`", v.Interface())
}

// typeName returns the name of a type in docs/settings.md.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Quantity]():
		return "quantity"
	}
	switch t.Kind() {
	case reflect.Int:
		return "whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "list of " + typeName(t.Elem())
	case reflect.Map:
		return "map"
	case reflect.Struct:
		return "objects"
	default:
		return "text"
	}
}
