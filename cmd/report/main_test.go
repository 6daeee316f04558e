package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func recording(name string) string {
	return filepath.Join("..", "..", "report", "testdata", name+".jsonl.gz")
}

// The command writes the report, whatever it says, and fails if a change in it cannot be made; what is no call, or no
// report at all, it refuses without writing.
func TestTheCommandReportsOnRecords(t *testing.T) {
	none, failed, violation := recording("none"), recording("failed"), recording("violation")
	for name, test := range map[string]struct {
		args  []string
		fails string // what its error says; empty for none
		says  []string
	}{
		"one, by its own name":          {[]string{"-file", none}, "", []string{"### Stack `dev`", "Nothing changes."}},
		"one, by another":               {[]string{"-file", "review-7=" + none}, "", []string{"### Stack `review-7`"}},
		"several":                       {[]string{"-file", none, "-file", "prod=" + recording("image")}, "", []string{"### Stack `dev`", "### Stack `prod`"}},
		"one that failed":               {[]string{"-file", "dev=" + failed}, "the report says why for stack dev", []string{"The preview failed", "push it first"}},
		"one that breaks a policy":      {[]string{"-file", violation, "-file", "prod=" + none}, "the report says why for stack dev", []string{"no-open-ingress", "### Stack `prod`"}},
		"two that fail":                 {[]string{"-file", "dev=" + failed, "-file", "prod=" + violation}, "the report says why for stacks dev and prod", []string{"The preview failed"}},
		"several, of which one is none": {[]string{"-file", none, "-file", "prod=/nowhere"}, "the report says why for stack prod", []string{"### Stack `dev`", "There is no preview of this stack.", "the job of this stack left no record; its log says why"}},
		"none at all":                   {[]string{"-file", "prod=/nowhere"}, "reading the record of a preview: open /nowhere", nil},
		"no record":                     {nil, "name the records", nil},
		"words left over":               {[]string{"-file", none, "dev"}, `["dev"] left over`, nil},
		"a stack twice":                 {[]string{"-file", none, "-file", "dev=" + none}, "there are two records of stack dev", nil},
		"a format that there is not":    {[]string{"-format", "html", "-file", none}, "FORMAT=html is no format", nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "report.md")
			err := run(append([]string{"-format", "markdown", "-out", file}, test.args...))
			if (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("its error is %v; want %q", err, test.fails)
			}
			text, err := os.ReadFile(file)
			if (err == nil) != (test.says != nil) {
				t.Fatalf("it has written %q (%v)", text, err)
			}
			for _, want := range test.says {
				if !strings.Contains(string(text), want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
		})
	}
}
