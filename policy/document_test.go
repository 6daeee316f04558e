package policy

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/policies.md anew")

const page = "../docs/policies.md"

// TestTheRulesAreDocumented keeps the table of docs/policies.md as the rules are.
func TestTheRulesAreDocumented(t *testing.T) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- begin: rules -->\n", "<!-- end: rules -->\n"
	before, rest, found := strings.Cut(string(data), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the lines %q and %q", page, begin, end)
	}
	var rows strings.Builder
	rows.WriteString("| rule | what holds | why | what to do where it is broken | level |\n|---|---|---|---|---|\n")
	for _, r := range Rules {
		for i, cell := range []string{"`" + r.Name + "`", r.What, r.Reason, r.Fix, string(r.Level)} {
			if i == 0 {
				rows.WriteString("|")
			}
			rows.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
		rows.WriteString("\n")
	}
	want := before + begin + "\n" + rows.String() + "\n" + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Errorf("%s is not what the rules say. Write it anew: go test ./policy -run Documented -update", page)
	}
}
