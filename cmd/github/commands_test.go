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
	// quoted matches a word of a shell line. A text in quotes is one word.
	quoted = regexp.MustCompile(`(?:[^\s"]|"[^"]*")+`)
)

// makefile has the targets and the text of the Makefile.
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

// mistake describes the mistake in a call of make. It is empty for a valid call.
func (m makefile) mistake(words []string) string {
	for _, word := range words {
		if name := assignment.FindStringSubmatch(word); name != nil {
			if !strings.Contains(m.text, "$("+name[1]+")") && !strings.Contains(m.text, "$(call given,"+name[1]+")") && !strings.Contains(m.text, "$(call quoted,"+name[1]+")") && !strings.Contains(m.text, "export "+name[1]) {
				return "the Makefile does not use " + name[1]
			}
		} else if !slices.Contains(m.targets, word) {
			return "the Makefile has no target " + word
		}
	}
	return ""
}

// Values of GitHub reach a command as environment variables. In the command's text they could be code.
func TestWorkflowsRunOnlyExistingCommandsOfTheProjectWithoutGitHubExpressions(t *testing.T) {
	m, seen := readMakefile(t), 0
	each(t, func(name string, _ *workflow, j *job) {
		for _, s := range j.Steps {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: %q has an expression of GitHub", name, s.Run)
			}
			for line := range strings.Lines(s.Run) {
				seen++
				command, _, _ := strings.Cut(strings.TrimSpace(line), " >")
				words := quoted.FindAllString(command, -1)
				if strings.ContainsAny(command, "|&;`(<\\") {
					t.Errorf("%s: %q is more than one command: write a command of the project", name, command)
					continue
				}
				switch {
				case command == `make "$TARGET"`:
					for _, target := range j.Strategy.Matrix["target"].([]any) {
						if mistake := m.mistake([]string{target.(string)}); mistake != "" {
							t.Errorf("%s: %s", name, mistake)
						}
					}
				case words[0] == "make":
					if mistake := m.mistake(words[1:]); mistake != "" {
						t.Errorf("%s: %q: %s", name, command, mistake)
					}
				case words[0] == "go" && words[1] == "run":
					if _, err := os.Stat(filepath.Join(root, words[2], "main.go")); err != nil {
						t.Errorf("%s: %q: %v", name, command, err)
					}
				case strings.HasPrefix(words[0], ".local/bin/"):
					if tool := filepath.Base(words[0]); !strings.Contains(read(t, filepath.Join(root, "tools/pins.go")), `name: "`+tool+`"`) {
						t.Errorf("%s: %q: make tools does not build %s", name, command, tool)
					}
				default:
					t.Errorf("%s: %q is not a command of the project", name, command)
				}
			}
		}
	})
	if seen < 12 {
		t.Errorf("only %d lines were checked", seen)
	}
}

var (
	setting    = regexp.MustCompile(`\b(?:vars|secrets)\.([A-Z_]+)`)
	perStack   = regexp.MustCompile(`vars\[format\('([A-Z_]+)\{0\}', matrix\.stack\)\]`)
	documented = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|")
)

func TestDeliveryDocsListTheVariablesAndSecretsOfWorkflows(t *testing.T) {
	var used, listed []string
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
		listed = append(listed, m[1])
	}
	slices.Sort(used)
	used = slices.Compact(used)
	if slices.Sort(listed); !slices.Equal(listed, used) {
		t.Errorf("docs/delivery.md lists\n%v\nand the workflows use\n%v", listed, used)
	}
}

func TestMakeCommandsInDocsHaveTargetsAndVariablesOfTheMakefile(t *testing.T) {
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
			if seen++; m.mistake(plain) != "" {
				t.Errorf("%s shows make %q: %s", filepath.Base(page), found[1], m.mistake(plain))
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d calls of make were checked", seen)
	}
}
