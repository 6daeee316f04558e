package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	assignment = regexp.MustCompile(`^([A-Z]+)=`)
	// quoted is a word of a shell line, with what stands in quotes left together.
	quoted = regexp.MustCompile(`(?:[^\s"]|"[^"]*")+`)
)

// makefile are the targets and the variables of the Makefile.
type makefile struct {
	targets []string
	text    string
}

func readMakefile(t *testing.T) makefile {
	t.Helper()
	m := makefile{text: read(t, filepath.Join(root, "Makefile"))}
	for _, found := range makeTarget.FindAllStringSubmatch(m.text, -1) {
		m.targets = append(m.targets, found[1])
	}
	return m
}

// wrong says what is wrong with a call of make, if something is.
func (m makefile) wrong(words []string) string {
	for _, word := range words {
		if name := assignment.FindStringSubmatch(word); name != nil {
			if !strings.Contains(m.text, "$("+name[1]+")") && !strings.Contains(m.text, "$(call given,"+name[1]+")") && !strings.Contains(m.text, "$(call quoted,"+name[1]+")") && !strings.Contains(m.text, "export "+name[1]) {
				return "the Makefile knows no " + name[1]
			}
		} else if !slices.Contains(m.targets, word) {
			return "the Makefile has no target " + word
		}
	}
	return ""
}

// Every line that a workflow runs is one plain command that is there, and holds no value that GitHub pastes in: those come by
// the environment, where they are data.
func TestCommandsOfWorkflowsExist(t *testing.T) {
	m, seen := readMakefile(t), 0
	each(t, func(name string, _ *workflow, j *job) {
		for _, s := range j.Steps {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: a value is pasted into %q", name, s.Run)
			}
			for line := range strings.Lines(s.Run) {
				seen++
				command, _, _ := strings.Cut(strings.TrimSpace(line), " >")
				words := quoted.FindAllString(command, -1)
				if strings.ContainsAny(command, "|&;`(<\\") {
					t.Errorf("%s: %q is more than one command: make it one of the project's own", name, command)
					continue
				}
				switch {
				case command == `make "$TARGET"`:
					for _, target := range j.Strategy.Matrix["target"].([]any) {
						if wrong := m.wrong([]string{target.(string)}); wrong != "" {
							t.Errorf("%s: %s", name, wrong)
						}
					}
				case words[0] == "make":
					if wrong := m.wrong(words[1:]); wrong != "" {
						t.Errorf("%s: %q: %s", name, command, wrong)
					}
				case words[0] == "go" && words[1] == "run":
					if _, err := os.Stat(filepath.Join(root, words[2], "main.go")); err != nil {
						t.Errorf("%s: %q: %v", name, command, err)
					}
				case strings.HasPrefix(words[0], ".local/bin/"):
					if tool := filepath.Base(words[0]); !strings.Contains(read(t, filepath.Join(root, "tools/pins.go")), `name: "`+tool+`"`) {
						t.Errorf("%s: %q: make tools brings no %s", name, command, tool)
					}
				default:
					t.Errorf("%s: %q is no command of the project's", name, command)
				}
			}
		}
	})
	if seen < 12 {
		t.Errorf("only %d lines were looked at", seen)
	}
}

var (
	setting    = regexp.MustCompile(`\b(?:vars|secrets)\.([A-Z_]+)`)
	perStack   = regexp.MustCompile(`vars\[format\('([A-Z_]+)\{0\}', matrix\.stack\)\]`)
	documented = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|")
)

// docs/delivery.md names every variable and secret that the workflows read, and no other.
func TestSettingsOfWorkflowsAreDocumented(t *testing.T) {
	var used, told []string
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text := read(t, file)
		for _, m := range setting.FindAllStringSubmatch(text, -1) {
			used = append(used, m[1])
		}
		for _, m := range perStack.FindAllStringSubmatch(text, -1) {
			for _, stack := range eksStacks(t) {
				used = append(used, m[1]+strings.ToUpper(stack))
			}
		}
	}
	for _, m := range documented.FindAllStringSubmatch(read(t, filepath.Join(root, "docs/delivery.md")), -1) {
		told = append(told, m[1])
	}
	slices.Sort(used)
	used = slices.Compact(used)
	if slices.Sort(told); !slices.Equal(told, used) {
		t.Errorf("docs/delivery.md tells of\n%v\nand the workflows use\n%v", told, used)
	}
}

// Every `make` that a page of docs/ or the README shows is one that the Makefile has, with variables that it knows.
func TestMakeCommandsInDocsExist(t *testing.T) {
	m, seen := readMakefile(t), 0
	pages, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?m)(?:^|`|\\()make ([a-z][^`#\n|)]*)")
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		for _, found := range shown.FindAllStringSubmatch(read(t, page), -1) {
			words := strings.Fields(strings.NewReplacer(",", " ", "[", "", "]", "", "…", "").Replace(found[1]))
			var plain []string
			for _, word := range words {
				if assignment.MatchString(word) || regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word) {
					plain = append(plain, word)
				}
			}
			if len(plain) == 0 {
				continue
			}
			if seen++; m.wrong(plain) != "" {
				t.Errorf("%s shows make %q: %s", filepath.Base(page), found[1], m.wrong(plain))
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d calls of make were looked at", seen)
	}
}
