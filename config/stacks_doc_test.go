package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tfserving/internal/page"
)

// readEKSStacks returns the checked-in stacks on EKS, in the order of EKSStacks.
func readEKSStacks(t *testing.T) (names []string, all []*Settings) {
	t.Helper()
	names, err := EKSStacks("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		s, err := ReadStackFile("../" + StackFile(name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return names, all
}

func TestStacksPageShowsEverySettingThatDiffers(t *testing.T) {
	names, all := readEKSStacks(t)
	page.Keep(t, "../docs/stacks.md", "go test ./config -run Stacks -update", map[string]string{"differences": differences(names, all)})
}

// differences returns a table of the settings that differ between stacks.
func differences(names []string, stacks []*Settings) string {
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
	table := "| setting | " + strings.Join(names, " | ") + " |\n|---" + strings.Repeat("|---", len(names)) + "|\n"
	for _, key := range keys {
		cells, same := []string{}, true
		for i := range stacks {
			cells, same = append(cells, cmp.Or(values[i][key], none)), same && values[i][key] == values[0][key]
		}
		if !same {
			table += "| `" + key + "` | " + strings.Join(cells, " | ") + " |\n"
		}
	}
	return table
}

// eachSetting calls a function with the key and value of every setting. The key is as in docs/settings.md without
// tfserving:. A setting without a value has empty text.
func eachSetting(at string, v reflect.Value, call func(key, value string)) {
	for i := range v.NumField() {
		key := at + v.Type().Field(i).Tag.Get("json")
		switch value := v.Field(i).Interface().(type) {
		case []NodeGroup:
			var groups []string
			for _, g := range value {
				groups = append(groups, fmt.Sprintf("%s: %d to %d nodes, %s, %d GiB, %s", g.Name, g.Min, g.Max, g.Capacity, g.DiskGiB, strings.Join(g.InstanceTypes, " or ")))
			}
			call(key, strings.Join(groups, "<br>"))
		case Headroom:
			text := ""
			if value.Pods > 0 {
				text = fmt.Sprintf("%d pod of cpu %s and memory %s", value.Pods, value.Resources.CPU, value.Resources.Memory)
			}
			call(key, text)
		case []string:
			call(key, strings.Join(value, ", "))
		default:
			switch {
			case v.Field(i).Kind() == reflect.Struct:
				eachSetting(key+".", v.Field(i), call)
			case v.Field(i).IsZero():
				call(key, "")
			default:
				call(key, fmt.Sprint(value))
			}
		}
	}
}
