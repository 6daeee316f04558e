package main

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tfserving/config"
)

// root is the checkout's top folder.
const root = "../.."

// workflow has the parts of a file in .github/workflows that the tests check. actionlint checks the rest (make lint).
type workflow struct {
	On          any `json:"true"` // YAML 1.1 reads the key "on" as true
	Permissions *map[string]string
	Env         map[string]string
	Jobs        map[string]*job
}

type job struct {
	Uses        string
	Secrets     any
	If          string
	Needs       string
	RunsOn      string `json:"runs-on"`
	Environment string
	Permissions *map[string]string
	Timeout     int `json:"timeout-minutes"`
	Strategy    struct{ Matrix map[string]any }
	Steps       []step

	text string // the whole job as JSON
}

type step struct {
	If, Uses, Run string
	With, Env     map[string]any
}

// workflows are all workflows by the name of their file.
func workflows(t *testing.T) map[string]*workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("found only %v (%v)", files, err)
	}
	all := map[string]*workflow{}
	for _, file := range files {
		w, whole := &workflow{}, struct{ Jobs map[string]json.RawMessage }{}
		if err := errors.Join(yaml.Unmarshal([]byte(read(t, file)), w), yaml.Unmarshal([]byte(read(t, file)), &whole)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, j := range w.Jobs {
			j.text = string(whole.Jobs[name])
		}
		if w.On == nil || len(w.Jobs) == 0 {
			t.Fatalf("%s cannot be read: %+v", file, w)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = w
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// each calls do for every job. The name is workflow/job.
func each(t *testing.T, do func(name string, w *workflow, j *job)) {
	t.Helper()
	all := workflows(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		for _, name := range slices.Sorted(maps.Keys(all[file].Jobs)) {
			do(file+"/"+name, all[file], all[file].Jobs[name])
		}
	}
}

// pinned matches an action at a commit with its version as a comment.
var pinned = regexp.MustCompile(`^([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # v(\d+\.\d+\.\d+)$`)

func TestActionsArePinnedToOneCommit(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, ".github/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	nested, err := filepath.Glob(filepath.Join(root, ".github/*/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	commits, seen := map[string]string{}, 0
	for _, file := range append(files, nested...) {
		if filepath.Ext(file) != ".yaml" {
			continue
		}
		for line := range strings.Lines(read(t, file)) {
			_, uses, found := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), "uses: ")
			if !found {
				continue
			}
			seen++
			if local, ours := strings.CutPrefix(uses, "./"); ours {
				if _, err := os.Stat(filepath.Join(root, local)); err != nil {
					t.Errorf("%s: %v", file, err)
				}
				continue
			}
			m := pinned.FindStringSubmatch(uses)
			if m == nil {
				t.Errorf("%s uses %s, want owner/action@<commit> # v<version>", file, uses)
				continue
			}
			repository := strings.Join(strings.SplitN(m[1], "/", 3)[:2], "/") // a repository may have several actions
			if at := m[2] + " " + m[3]; commits[repository] != "" && commits[repository] != at {
				t.Errorf("%s uses %s at %s, and elsewhere at %s", file, m[1], at, commits[repository])
			} else {
				commits[repository] = at
			}
		}
	}
	if seen < 20 || len(commits) < 5 {
		t.Errorf("only %d uses of %d actions were checked", seen, len(commits))
	}
}

// eksStacks are the checked-in stacks on EKS, in the order in which a change reaches them.
func eksStacks(t *testing.T) []string {
	t.Helper()
	names, err := config.EKSStacks(root)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestEveryEKSStackIsPreviewedDeployedAndCheckedForDrift(t *testing.T) {
	want, all := eksStacks(t), workflows(t)
	for name, j := range map[string]*job{"preview": all["preview"].Jobs["preview"], "drift": all["drift"].Jobs["compare"]} {
		var got []string
		for _, stack := range j.Strategy.Matrix["stack"].([]any) {
			got = append(got, stack.(string))
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s has the stacks %v; the stacks on EKS are %v", name, got, want)
		}
	}
	var deployed []string
	for next := ""; len(deployed) < len(want); {
		i := len(deployed)
		for stack, j := range all["deploy"].Jobs {
			if j.Needs == next {
				deployed = append(deployed, stack)
			}
		}
		if len(deployed) != i+1 {
			t.Fatalf("after %q there is not exactly one stack: %v", next, deployed)
		}
		next = deployed[i]
	}
	if !slices.Equal(deployed, want) || len(all["deploy"].Jobs) != len(want) {
		t.Errorf("deployed are %v, in this order", deployed)
	}
	for _, s := range all["preview"].Jobs["report"].Steps {
		if !strings.HasPrefix(s.Run, "make report ") {
			continue
		}
		for _, stack := range want {
			if !strings.Contains(s.Run, stack+"=.local/report/"+stack+".jsonl") {
				t.Errorf("the comment lacks stack %s: %s", stack, s.Run)
			}
		}
	}
}

// Without `secrets: inherit`, the secrets of a called workflow's environment are empty.
func TestCalledWorkflowsInheritSecrets(t *testing.T) {
	all, seen := workflows(t), 0
	each(t, func(name string, w *workflow, j *job) {
		path, ours := strings.CutPrefix(j.Uses, "./.github/workflows/")
		if !ours {
			return
		}
		seen++
		file := strings.TrimSuffix(path, ".yaml")
		for inner, called := range all[file].Jobs {
			if by := grants[name].code; grants[file+"/"+inner].code != by {
				t.Errorf("%s runs %s/%s with the code of %s", name, file, inner, by)
			}
			if strings.Contains(called.text, "secrets.") && j.Secrets != "inherit" {
				t.Errorf("%s calls %s, whose job %s reads secrets, without secrets: inherit", name, path, inner)
			}
		}
	})
	if seen == 0 {
		t.Error("no workflow calls another")
	}
}

// The job that lists them then fails, but has an output. Without an output, no stack is taken down.
func TestReviewStacksAreTakenDownEvenIfTheStateOfOneIsUnknown(t *testing.T) {
	down := workflows(t)["review-end"].Jobs["down"]
	if want := "${{ !cancelled() && needs.find.outputs.over != '' && needs.find.outputs.over != '[]' }}"; down.If != want {
		t.Errorf("review stacks are taken down if %s, want %s", down.If, want)
	}
}

// Another role made the cluster, so the role that takes it down needs access first.
func TestTheRoleThatTakesAReviewStackDownGetsAccessToItsCluster(t *testing.T) {
	var runs []string
	for _, s := range workflows(t)["review-end"].Jobs["down"].Steps {
		if s.Run != "" {
			runs = append(runs, s.Run)
		}
		if s.Run == "make admit" && s.Env["ROLE"] != "${{ vars.AWS_DEPLOY_ROLE }}" {
			t.Errorf("it gives access to %v", s.Env["ROLE"])
		}
	}
	settings, admit, down := slices.Index(runs, `make review ACCOUNT="$ACCOUNT"`), slices.Index(runs, "make admit"), slices.Index(runs, "make down YES=1")
	if settings < 0 || admit < settings || down < admit {
		t.Errorf("it runs %q", runs)
	}
}

// compilesTheProgram matches calls of make that compile the program, and a report of records, which does not.
var compilesTheProgram = regexp.MustCompile(`^make (up|down|preview|report)\b`)

// actions/cache never replaces an entry, so the first job that writes one must have compiled the program. Other jobs only read.
func TestOnlyJobsThatCompileTheProgramWriteTheBuildCache(t *testing.T) {
	checked := 0
	each(t, func(name string, _ *workflow, j *job) {
		compiles := slices.ContainsFunc(j.Steps, func(s step) bool {
			return compilesTheProgram.MatchString(s.Run) && !strings.Contains(s.Run, " FILE=")
		})
		for _, s := range j.Steps {
			if strings.HasPrefix(s.Uses, "actions/cache") {
				t.Errorf("%s has a cache outside the action prepare", name)
			}
			if s.Uses != "./.github/actions/prepare" || s.With["for"] != "stacks" {
				continue
			}
			checked++
			if _, set := s.With["keep"]; set && s.With["keep"] != false {
				t.Errorf("%s: keep is %v", name, s.With["keep"])
			} else if set == compiles {
				t.Errorf("%s: it compiles the program: %v; it writes the cache: %v", name, compiles, !set)
			}
		}
	})
	if checked < 5 {
		t.Errorf("only %d jobs were checked", checked)
	}
	var action struct{ Runs struct{ Steps []step } }
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, ".github/actions/prepare/action.yaml"))), &action); err != nil {
		t.Fatal(err)
	}
	steps := action.Runs.Steps
	if len(steps) != 3 || !strings.HasPrefix(steps[1].Uses, "actions/cache@") || steps[1].If != "inputs.keep == 'true'" ||
		!strings.HasPrefix(steps[2].Uses, "actions/cache/restore@") || steps[2].If != "inputs.keep != 'true'" ||
		!reflect.DeepEqual(steps[1].With, steps[2].With) {
		t.Errorf("want a step that writes the cache and a step that reads it, with the same folders and key: %+v", steps[1:])
	}
}
