// Package page keeps parts of the documentation in step with what they are made from.
package page

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Keep fails where a part of a page, between the lines <!-- begin: NAME --> and <!-- end: NAME -->, is not as it is given
// by name. With update it writes the parts instead. how is the command that does.
func Keep(t testing.TB, file string, update bool, how string, parts map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(data)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->\n"
		before, rest, found := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s lacks the lines %q and %q", file, begin, end)
		}
		want = before + begin + "\n" + parts[name] + "\n" + end + after
	}
	Whole(t, file, update, how, want)
}

// Whole fails where a file is not as given, and with update writes it.
func Whole(t testing.TB, file string, update bool, how, want string) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; `%s` writes it", err, how)
	}
	if string(data) != want {
		t.Errorf("%s is out of date (`%s` writes it anew); first difference:\n%s", file, how, firstDifference(string(data), want))
	}
}

func firstDifference(is, want string) string {
	a, b := strings.Split(is, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "- " + a[i] + "\n+ " + b[i]
		}
	}
	return "one is longer than the other"
}
