// Package page keeps files of the checkout, or parts of them, equal to what they are made from. Its flag -update writes them
// instead: go test ./PACKAGE -run TEST -update.
package page

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files and the parts of docs that tests compare with")

// Keep fails the test if a part of a page, between the lines <!-- begin: NAME --> and <!-- end: NAME -->, differs from the
// text that parts has for NAME. The error names command, which writes the parts.
func Keep(t testing.TB, file, command string, parts map[string]string) {
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
	Whole(t, file, command, want)
}

// Whole fails the test if a file differs from want. The error names command, which writes the file.
func Whole(t testing.TB, file, command, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; `%s` writes it", err, command)
	}
	if string(data) != want {
		t.Errorf("%s is out of date (`%s` writes it):\n%s", file, command, differences(string(data), want))
	}
}

// Updating says whether the flag -update is set.
func Updating() bool { return *update }

// mostDifferences is how many lines of a difference are shown.
const mostDifferences = 12

// differences are the lines that are only in the file or only in what it is made from, each under its heading.
func differences(file, source string) string {
	count := map[string]int{}
	for _, line := range under(file) {
		count[line]--
	}
	for _, line := range under(source) {
		count[line]++
	}
	var all []string
	for line, n := range count {
		switch {
		case n < 0:
			all = append(all, line+"\n    file:    "+lineOf(line))
		case n > 0:
			all = append(all, line+"\n    source: "+lineOf(line))
		}
	}
	slices.Sort(all)
	for i, text := range all {
		heading, _, _ := strings.Cut(text, headingEnds)
		all[i] = "  " + heading + text[strings.Index(text, "\n"):]
	}
	if len(all) == 0 {
		return "  the same lines in another order"
	}
	if more := len(all) - mostDifferences; more > 0 {
		all = append(all[:mostDifferences], fmt.Sprintf("  and %d lines more", more))
	}
	return strings.Join(all, "\n")
}

const headingEnds = "\x00"

func lineOf(line string) string { _, text, _ := strings.Cut(line, headingEnds); return text }

// under are the lines of a text, each with the heading that it is under.
func under(text string) (all []string) {
	heading := ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		all = append(all, heading+headingEnds+line)
	}
	return all
}
