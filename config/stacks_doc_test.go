package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/page"
)

const stacksFile = "../docs/stacks.md"

// eksStacks are the stacks that docs/stacks.md compares, in its order.
var eksStacks = []string{"dev", "staging", "prod"}

func readStacks(t *testing.T) (all []*Settings) {
	t.Helper()
	for _, name := range eksStacks {
		s, err := ReadStackFile("../Pulumi." + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// TestStacksAreDocumented keeps the table of docs/stacks.md in step with the stack files.
func TestStacksAreDocumented(t *testing.T) {
	page.Keep(t, stacksFile, "go test ./config -run Stacks -update", map[string]string{"differences": differences(readStacks(t))})
}

func header(first ...string) string {
	cells := append(first, eksStacks...)
	return "| " + strings.Join(cells, " | ") + " |\n" + strings.Repeat("|---", len(cells)) + "|\n"
}

// differences is a table of the settings that are not the same in all stacks.
func differences(stacks []*Settings) string {
	var keys []string
	values := make([]map[string]string, len(stacks))
	for i, s := range stacks {
		values[i] = map[string]string{}
		eachSetting("", reflect.ValueOf(*s), func(key, value string) {
			if values[i][key] = value; !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		})
	}
	table := header("setting")
	for _, key := range keys {
		cells, same := []string{}, true
		for i := range stacks {
			value := values[i][key]
			if value == "" {
				value = none
			}
			cells, same = append(cells, value), same && values[i][key] == values[0][key]
		}
		if !same {
			table += "| `" + key + "` | " + strings.Join(cells, " | ") + " |\n"
		}
	}
	return table
}

// eachSetting gives every setting with its key, as docs/settings.md names it, and its value; without one, empty text.
func eachSetting(at string, v reflect.Value, give func(key, value string)) {
	for i := range v.NumField() {
		key := at + v.Type().Field(i).Tag.Get("json")
		switch value := v.Field(i).Interface().(type) {
		case []NodeGroup:
			var groups []string
			for _, g := range value {
				groups = append(groups, fmt.Sprintf("%s: %d to %d nodes, %s, %d GiB, %s", g.Name, g.Min, g.Max, g.Capacity, g.DiskGiB, strings.Join(g.InstanceTypes, " or ")))
			}
			give(key, strings.Join(groups, "<br>"))
		case Headroom:
			text := ""
			if value.Pods > 0 {
				text = fmt.Sprintf("%d pod of cpu %s and memory %s", value.Pods, value.Resources.CPU, value.Resources.Memory)
			}
			give(key, text)
		case []string:
			give(key, strings.Join(value, ", "))
		default:
			switch {
			case v.Field(i).Kind() == reflect.Struct:
				eachSetting(key+".", v.Field(i), give)
			case v.Field(i).IsZero():
				give(key, "")
			default:
				give(key, fmt.Sprint(value))
			}
		}
	}
}
