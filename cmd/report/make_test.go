package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What is given to make reaches the command as it is, and what happens to be in the environment does not.
func TestMakePassesItsWordsOn(t *testing.T) {
	if _, err := os.ReadFile("../../Makefile"); err != nil { // so that go knows what the result hangs on
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env, args []string
		is        string // the end of the command that make would run
	}{
		"a stack, by the environment": {[]string{"STACK=dev"}, nil, "-stack 'dev' report"},
		"other variables of somebody": {[]string{"FORMAT=x", "OUT=y", "WHOLE=z", "DIFF=1", "FILE=f", "OF=destroy"}, nil, "-stack 'local' report"},
		"all of them":                 {nil, []string{"FORMAT=markdown", "OUT=a b.md", "WHOLE=https://x", "DIFF=1", "OF=refresh"}, "-stack 'local' report -format 'markdown' -out 'a b.md' -whole 'https://x' -diff -of 'refresh'"},
		"quotes and dollars":          {nil, []string{"OUT=it's $HOME"}, `report -out 'it'\''s $HOME'`},
		"no diff":                     {nil, []string{"DIFF=0"}, "-stack 'local' report"},
		"nothing said":                {nil, []string{"OUT=", "DIFF="}, "-stack 'local' report"},
		"records":                     {nil, []string{"FILE=dev=a.jsonl prod=b.jsonl", "STACK=it's"}, "go run ./cmd/report -file 'dev=a.jsonl' -file 'prod=b.jsonl'"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("make", append([]string{"-n", "-C", "../..", "--no-print-directory", "report"}, test.args...)...)
			for _, v := range os.Environ() {
				if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "MAKE") && name != "MFLAGS" && name != "STACK" {
					cmd.Env = append(cmd.Env, v)
				}
			}
			cmd.Env = append(cmd.Env, test.env...)
			out, err := cmd.CombinedOutput()
			if got := strings.Join(strings.Fields(string(out)), " "); err != nil || !strings.HasSuffix(got, test.is) {
				t.Errorf("make would run (%v)\n%s\nwant at its end\n%s", err, got, test.is)
			}
		})
	}
}
