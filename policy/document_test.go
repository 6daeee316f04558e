package policy

import (
	"strings"
	"testing"

	"tfserving/internal/page"
)

func TestTheRulesAreDocumented(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("| rule | condition | why | what to do if it is broken | level |\n|---|---|---|---|---|\n")
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
