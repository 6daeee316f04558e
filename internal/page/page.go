// Package page compares files of the checkout, or parts of them, with the text that code generates for them. With its flag
// -update, tests write the files instead: go test ./PACKAGE -run TEST -update.
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

var update = flag.Bool("update", false, "write the files that tests compare with generated text")

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

// mostDifferences is how many different lines an error shows. More would hide the other errors of a run.
const mostDifferences = 12

// differences returns the lines that only the file or only the source has, each under its heading.
func differences(file, source string) string {
	count := map[string]int{}
	for _, line := range linesUnderHeadings(file) {
		count[line]--
	}
	for _, line := range linesUnderHeadings(source) {
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
		all = append(all[:mostDifferences], fmt.Sprintf("  and %d more lines", more))
	}
	return strings.Join(all, "\n")
}

// headingEnds separates a heading from a line below it. No page contains it.
const headingEnds = "\x00"

func lineOf(line string) string {
	_, text, _ := strings.Cut(line, headingEnds)
	return text
}

// linesUnderHeadings returns the lines of a text, each after the heading above it.
func linesUnderHeadings(text string) (all []string) {
	heading := ""
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimLeft(line, "# ")
		}
		all = append(all, heading+headingEnds+line)
	}
	return all
}
