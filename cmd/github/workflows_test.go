package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tfserving/config"
)

// root is the checkout's top folder.
const root = "../.."

// workflow is as much of a file in .github/workflows as the rules below are about. actionlint holds the rest (make lint).
type workflow struct {
	On          any `json:"true"` // as YAML 1.1 reads a plain on
	Permissions *map[string]string
	Jobs        map[string]*job
}

type job struct {
	Uses        string
	If          string
	Needs       string
	Environment string
	Permissions *map[string]string
	Timeout     int `json:"timeout-minutes"`
	Strategy    struct{ Matrix map[string]any }
	Steps       []step
}

type step struct {
	Uses, Run string
	With      map[string]any
}

// workflows are all of them, by the name of their file.
func workflows(t *testing.T) map[string]*workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("there are only %v (%v)", files, err)
	}
	all := map[string]*workflow{}
	for _, file := range files {
		w := &workflow{}
		if err := yaml.Unmarshal([]byte(read(t, file)), w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if w.On == nil || len(w.Jobs) == 0 {
			t.Fatalf("%s is not understood: %+v", file, w)
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

// each calls for every job, as workflow/job.
func each(t *testing.T, do func(name string, w *workflow, j *job)) {
	t.Helper()
	all := workflows(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		for _, name := range slices.Sorted(maps.Keys(all[file].Jobs)) {
			do(file+"/"+name, all[file], all[file].Jobs[name])
		}
	}
}

// grants are the permissions of every job beside reading the code. id-token is what AWS's credentials are had for.
var grants = map[string][]string{
	"ci/check":        nil,
	"preview/preview": {"id-token: write"},
	"preview/report":  nil,
	"preview/comment": {"pull-requests: write"},
	"deploy/dev":      {"id-token: write"}, "deploy/staging": {"id-token: write"}, "deploy/prod": {"id-token: write"},
	"deploy-stack/up": {"id-token: write"},
	"drift/compare":   {"id-token: write", "issues: write"},
	"review/up":       {"id-token: write"},
	"review-end/find": {"id-token: write", "pull-requests: read"},
	"review-end/down": {"id-token: write"},
}

func TestEveryJobMayDoWhatIsListedAndEndsInTime(t *testing.T) {
	seen := map[string]bool{}
	each(t, func(name string, w *workflow, j *job) {
		seen[name] = true
		if w.Permissions == nil || len(*w.Permissions) > 0 {
			t.Errorf("%s: the workflow as a whole has permissions", name)
		}
		if j.Permissions == nil {
			t.Errorf("%s has no permissions of its own", name)
			return
		}
		got := []string{}
		for scope, level := range *j.Permissions {
			got = append(got, scope+": "+level)
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(append([]string{"contents: read"}, grants[name]...))); !slices.Equal(got, want) {
			t.Errorf("%s may %v, want %v", name, got, want)
		}
		if j.Uses == "" && j.Timeout == 0 {
			t.Errorf("%s has no timeout-minutes", name)
		}
	})
	for name := range grants {
		if !seen[name] {
			t.Errorf("there is no job %s", name)
		}
	}
}

// sameRepository is the condition that a pull request is of this repository: a fork's gets no credentials.
const sameRepository = "github.event.pull_request.head.repo.full_name == github.repository"

// Code of a pull request never runs where a job may write to GitHub, and gets credentials only if it is of this repository.
func TestCodeOfPullRequestsWritesNothing(t *testing.T) {
	each(t, func(name string, w *workflow, j *job) {
		on := fmt.Sprint(w.On)
		if strings.Contains(on, "pull_request_target") || strings.Contains(on, "workflow_run") {
			t.Errorf("%s: a pull request starts it with the rights of the main branch", name)
		}
		if !strings.Contains(on, "pull_request") {
			return
		}
		for _, grant := range grants[name] {
			if grant == "id-token: write" && !strings.Contains(j.If, sameRepository) {
				t.Errorf("%s: a fork gets credentials", name)
			}
			if grant == "id-token: write" || !strings.HasSuffix(grant, ": write") {
				continue
			}
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["ref"] != "${{ github.event.pull_request.base.sha }}" {
					t.Errorf("%s may write, and runs what the pull request brings", name)
				}
				if strings.HasPrefix(s.Uses, "actions/cache@") || strings.HasPrefix(s.Uses, "./") {
					t.Errorf("%s may write, and runs what a pull request may have left in a cache", name)
				}
			}
		}
	})
}

// A repository that is not set up has no red runs, and what deploys without a pull request deploys main.
func TestWhatNeedsAWSWaitsForTheSetUp(t *testing.T) {
	each(t, func(name string, w *workflow, j *job) {
		// A job that needs another is not run where that one is not; deploy-stack is called by jobs that are asked here.
		if !slices.Contains(grants[name], "id-token: write") || j.Needs != "" || strings.HasPrefix(name, "deploy-stack/") {
			return
		}
		if !strings.Contains(j.If, "vars.AWS_REGION != ''") {
			t.Errorf("%s runs before anything is set up", name)
		}
		on := fmt.Sprint(w.On)
		if (name == "deploy/dev" || j.Environment != "") && !strings.Contains(on, "pull_request") && !strings.Contains(j.If, "github.ref == 'refs/heads/main'") {
			t.Errorf("%s deploys whatever branch it is started on", name)
		}
	})
}

// pinned is an action at a commit, with its version as a comment.
var pinned = regexp.MustCompile(`^([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # v(\d+\.\d+\.\d+)$`)

func TestActionsArePinned(t *testing.T) {
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
			if at := m[2] + " " + m[3]; commits[m[1]] != "" && commits[m[1]] != at {
				t.Errorf("%s uses %s at %s; elsewhere it is %s", file, m[1], at, commits[m[1]])
			} else {
				commits[m[1]] = at
			}
		}
	}
	if seen < 20 || len(commits) < 5 {
		t.Errorf("only %d uses of %d actions were looked at", seen, len(commits))
	}
}

// eksStacks are the stacks with a file in the tree that are on EKS.
func eksStacks(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "Pulumi.*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml")
		if reviewStack.MatchString(name) {
			continue
		}
		s, err := config.ReadStackFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if s.Platform == config.PlatformEKS {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryStackIsPreviewedDeployedAndCompared(t *testing.T) {
	want, all := eksStacks(t), workflows(t)
	for name, j := range map[string]*job{"preview": all["preview"].Jobs["preview"], "drift": all["drift"].Jobs["compare"]} {
		var got []string
		for _, stack := range j.Strategy.Matrix["stack"].([]any) {
			got = append(got, stack.(string))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s is of %v; the stacks on EKS are %v", name, got, want)
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
			t.Fatalf("after %q comes not one stack: %v", next, deployed)
		}
		next = deployed[i]
	}
	if !slices.Equal(deployed, []string{"dev", "staging", "prod"}) || len(all["deploy"].Jobs) != len(want) {
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
