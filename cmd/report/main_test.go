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

// The command writes the report, and fails if a change in it cannot be made. With wrong flags or no record, it writes nothing.
func TestTheCommandReportsOnRecords(t *testing.T) {
	none, failed, violation := recording("none"), recording("failed"), recording("violation")
	for name, test := range map[string]struct {
		args  []string
		err   string   // part of the error; empty for none
		parts []string // of the report; nil for no report
	}{
		"one, by its own name":         {[]string{"-file", none}, "", []string{"### Stack `dev`", "Nothing changes."}},
		"one, by another":              {[]string{"-file", "review-7=" + none}, "", []string{"### Stack `review-7`"}},
		"several":                      {[]string{"-file", none, "-file", "prod=" + recording("image")}, "", []string{"### Stack `dev`", "### Stack `prod`"}},
		"one that failed":              {[]string{"-file", "dev=" + failed}, "the report says why for stack dev", []string{"The preview failed", "push it first"}},
		"one that breaks a policy":     {[]string{"-file", violation, "-file", "prod=" + none}, "the report says why for stack dev", []string{"no-open-ingress", "### Stack `prod`"}},
		"two that fail":                {[]string{"-file", "dev=" + failed, "-file", "prod=" + violation}, "the report says why for stacks dev and prod", []string{"The preview failed"}},
		"several, one of them missing": {[]string{"-file", none, "-file", "prod=/nowhere"}, "the report says why for stack prod", []string{"### Stack `dev`", "There is no preview of this stack.", "the job of this stack wrote no record; its log says why"}},
		"one that is missing":          {[]string{"-file", "prod=/nowhere"}, "reading the record of a preview: open /nowhere", nil},
		"no record":                    {nil, "0 records given", nil},
		"an argument left over":        {[]string{"-file", none, "dev"}, `["dev"] left over`, nil},
		"a stack twice":                {[]string{"-file", none, "-file", "dev=" + none}, "two records have the stack name dev", nil},
		"an unknown format":            {[]string{"-format", "html", "-file", none}, "FORMAT=html is not a format", nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "report.md")
			err := run(append([]string{"-format", "markdown", "-out", file}, test.args...))
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("the error is %v; want %q", err, test.err)
			}
			text, err := os.ReadFile(file)
			if (err == nil) != (test.parts != nil) {
				t.Fatalf("the report is %q (%v)", text, err)
			}
			for _, want := range test.parts {
				if !strings.Contains(string(text), want) {
					t.Errorf("the report lacks %q:\n%s", want, text)
				}
			}
		})
	}
}
