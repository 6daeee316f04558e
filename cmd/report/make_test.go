package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// makeRuns returns the commands that make would run, on one line. It removes make's variables and STACK from the environment.
func makeRuns(t *testing.T, env, args []string) string {
	t.Helper()
	cmd := exec.Command("make", append([]string{"-n", "-C", "../..", "--no-print-directory"}, args...)...)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "MAKE") && name != "MFLAGS" && name != "STACK" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// Arguments of make reach the command unchanged. Variables of the environment other than STACK do not.
func TestMakePassesItsArgumentsToTheCommand(t *testing.T) {
	if _, err := os.ReadFile("../../Makefile"); err != nil { // so that go runs the test again after a change of the Makefile
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env, args []string
		command   string // the end of the command that make would run
	}{
		"a stack, by the environment": {[]string{"STACK=dev"}, nil, "-stack 'dev' report"},
		"other variables":             {[]string{"FORMAT=x", "OUT=y", "WHOLE=z", "DIFF=1", "FILE=f", "OF=destroy"}, nil, "-stack 'local' report"},
		"all arguments":               {nil, []string{"FORMAT=markdown", "OUT=a b.md", "WHOLE=https://x", "DIFF=1", "OF=refresh"}, "-stack 'local' report -format 'markdown' -out 'a b.md' -whole 'https://x' -diff -of 'refresh'"},
		"quotes and dollars":          {nil, []string{"OUT=it's $HOME"}, `report -out 'it'\''s $HOME'`},
		"no diff":                     {nil, []string{"DIFF=0"}, "-stack 'local' report"},
		"empty arguments":             {nil, []string{"OUT=", "DIFF="}, "-stack 'local' report"},
		"records":                     {nil, []string{"FILE=dev=a.jsonl prod=b.jsonl", "STACK=it's"}, "go run ./cmd/report -file 'dev=a.jsonl' -file 'prod=b.jsonl'"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := makeRuns(t, test.env, append([]string{"report"}, test.args...)); !strings.HasSuffix(got, test.command) {
				t.Errorf("make would run\n%s\nwant at its end\n%s", got, test.command)
			}
		})
	}
}

// make down deletes a stack without asking only if YES is an argument, not a variable of the environment.
func TestMakeTakesYesOnlyFromItsArguments(t *testing.T) {
	for name, test := range map[string]struct {
		env, args []string
		yes       bool
	}{
		"1":                  {nil, []string{"YES=1"}, true},
		"yes":                {nil, []string{"YES=yes"}, true},
		"0":                  {nil, []string{"YES=0"}, false},
		"no":                 {nil, []string{"YES=no"}, false},
		"false":              {nil, []string{"YES=false"}, false},
		"nothing":            {nil, []string{"YES="}, false},
		"no argument":        {nil, nil, false},
		"in the environment": {[]string{"YES=1"}, nil, false},
	} {
		want := "-stack 'prod' down"
		if test.yes {
			want = "-stack 'prod' -yes down"
		}
		if got := makeRuns(t, test.env, append([]string{"down", "STACK=prod"}, test.args...)); !strings.HasSuffix(got, want) {
			t.Errorf("%s: make would run\n%s\nwant at its end\n%s", name, got, want)
		}
	}
}
