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
	// global are options that every command of aws takes.
	global = map[string]bool{"--region": true, "--query": true, "--output": true}
)

// TestAWSCommandsInDocsExist: every `aws` command that a page shows is one that the aws command has. Its options are looked
// at where none that it needs is left out on the page.
func TestAWSCommandsInDocsExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	check(t, err)
	s := newSession(t, "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_MAX_ATTEMPTS=1",
		"AWS_DEFAULT_REGION="+region, "AWS_REGION="+region)
	seen := map[string]bool{}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		check(t, err)
		// A line that goes on is one line.
		for _, m := range shownCommand.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "), -1) {
			call := "aws " + m[1] + " " + m[2]
			for _, option := range shownOption.FindAllString(m[0], -1) {
				if !global[option] {
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
					t.Errorf("%s shows %q, which aws does not take:\n%s", filepath.Base(page), strings.TrimSpace(m[0]), out)
				}
			}
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d commands were looked at", len(seen))
	}
	t.Logf("%d commands", len(seen))
}
