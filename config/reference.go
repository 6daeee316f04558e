package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

const referenceIntro = `# Settings

<!-- Written by ` + "`go test ./config -run Reference -update`" + ` from config/settings.go. Edit that file, not this one. -->

A stack's settings stand in ` + "`Pulumi.<stack>.yaml`" + ` at the root of the checkout, below ` + "`config:`" + `. The checked-in files are
the stacks themselves: ` + "`Pulumi.local.yaml`" + ` is the embedded cluster, which needs no account; the others are
on EKS, or on a cluster that you have.
Edit the file, or set one key from the command line:

    pulumi config set --path 'tfserving:model.replicas.max' 8 --stack dev

What a stack does not set has the default below; — is none. A key that is not listed here, a value of another type and
a value out of range are mistakes. All of them are reported at once, before anything is deployed.

No setting is a secret: a value that ` + "`pulumi config set --secret`" + ` has encrypted is a mistake.

A duration is a number with its unit, such as ` + "`30s`, `5m` or `1h`" + `. A quantity is Kubernetes' own: ` + "`500m`" + ` is half a core,
` + "`512Mi`" + ` half a gibibyte. Text that looks like a number goes in quotes: ` + "`\"1.35\"`" + `.
`

// Reference returns docs/settings.md: every setting with its type, default, unit and meaning, from the tags of the types
// and Default.
func Reference() string {
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

// scalars are the rows of the settings that stand in no object.
func scalars(v reflect.Value) (all []string) {
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.Type.Kind() == reflect.String || field.Type.Kind() == reflect.Int {
			all = append(all, row(Project+":"+field.Tag.Get("json"), field, v.Field(i)))
		}
	}
	return all
}

// rows are the settings in an object and in the objects inside it.
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

// row is a setting; one of another namespace has its whole key in a tag.
func row(key string, field reflect.StructField, value reflect.Value) string {
	if elsewhere := field.Tag.Get("key"); elsewhere != "" {
		key = elsewhere
	}
	meaning := field.Tag.Get("doc")
	if choices := field.Tag.Get("oneof"); choices != "" {
		meaning += " One of `" + strings.ReplaceAll(choices, "|", "`, `") + "`."
	}
	unit := field.Tag.Get("unit")
	if field.Type == reflect.TypeFor[time.Duration]() {
		unit = "in the value"
	}
	if unit == "" {
		unit = none
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", key, typeName(field.Type), shownDefault(value), unit, strings.ReplaceAll(meaning, "|", `\|`))
}

// none stands where a setting has no default or no unit.
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

// typeName is the word for a type in the reference.
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
