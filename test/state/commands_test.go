package state

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	shownCommand = regexp.MustCompile(`\baws ([a-z0-9-]+) ([a-z][a-z0-9-]+)[^` + "`" + `\n]*`)
	shownOption  = regexp.MustCompile(`--[a-z][a-z-]+`)
	// globalOptions are options of every aws command.
	globalOptions = map[string]bool{"--region": true, "--query": true, "--output": true}
)

// The aws command must know every command that a page shows. It reports an unknown option only if the page also shows all
// options that the command requires.
func TestTheDocsShowOnlyAWSCommandsThatExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	check(t, err)
	s := newSession(t, "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_MAX_ATTEMPTS=1",
		"AWS_DEFAULT_REGION="+region, "AWS_REGION="+region)
	seen := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		check(t, err)
		// A backslash at the end of a line continues the command.
		for _, m := range shownCommand.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "), -1) {
			call := "aws " + m[1] + " " + m[2]
			for _, option := range shownOption.FindAllString(m[0], -1) {
				if !globalOptions[option] {
					call += " " + option + " x"
				}
			}
			if seen[call] {
				continue
			}
			seen[call] = true
			out, _ := s.try(call)
			for _, unknown := range []string{"nvalid choice", "Unknown options"} {
				if strings.Contains(out, unknown) {
					t.Errorf("%s shows %q, which aws does not accept:\n%s", filepath.Base(page), strings.TrimSpace(m[0]), out)
				}
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("found only %d commands", len(seen))
	}
	t.Logf("%d commands", len(seen))
}
