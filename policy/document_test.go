package policy

import (
	"strings"
	"testing"

	"tfserving/internal/page"
)

// TestTheRulesAreDocumented keeps the table of docs/policies.md as the rules are.
func TestTheRulesAreDocumented(t *testing.T) {
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
	page.Keep(t, "../docs/policies.md", "go test ./policy -run Documented -update", map[string]string{"rules": rows.String()})
}
