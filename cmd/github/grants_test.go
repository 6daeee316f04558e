package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// grant are the permissions and secrets of a job. An empty field means none. A job without a runner runs on GitHub's.
type grant struct {
	code        string   // the source of the code that it runs
	permissions []string // of its token, in addition to reading the code; id-token is needed for AWS credentials
	environment string   // of GitHub
	role        string   // the variable with its role in AWS
	secret      string   // Pulumi's token
	runner      string   // the variable with the label of its runners
}

const (
	fromPullRequest = "the pull request"
	fromTarget      = "the branch that it is to be merged into"
	fromMain        = "main"

	idToken      = "id-token: write"
	readingRole  = "vars[format('AWS_PREVIEW_ROLE_{0}', matrix.stack)]"
	deployRole   = "vars.AWS_DEPLOY_ROLE" // of an environment
	previewToken = "PULUMI_PREVIEW_TOKEN"
	updateToken  = "PULUMI_ACCESS_TOKEN" // of an environment
	ofStack      = "${{ inputs.stack }}"
)

// grants has every job. docs/delivery.md shows the same.
var grants = map[string]grant{
	"ci/check":        {code: fromPullRequest},
	"preview/preview": {code: fromPullRequest, permissions: []string{idToken}, role: readingRole, secret: previewToken, runner: "PREVIEW_RUNNER"},
	"preview/report":  {code: fromPullRequest},
	"preview/comment": {code: fromTarget, permissions: []string{"pull-requests: write"}},
	"deploy/dev":      {code: fromMain, permissions: []string{idToken}},
	"deploy/staging":  {code: fromMain, permissions: []string{idToken}},
	"deploy/prod":     {code: fromMain, permissions: []string{idToken}},
	"deploy-stack/up": {code: fromMain, permissions: []string{idToken}, environment: ofStack, role: deployRole, secret: updateToken, runner: "DEPLOY_RUNNER"},
	"drift/compare":   {code: fromMain, permissions: []string{idToken, "issues: write"}, role: readingRole, secret: previewToken, runner: "DEPLOY_RUNNER"},
	"review/up":       {code: fromPullRequest, permissions: []string{idToken}, environment: "review", role: deployRole, secret: updateToken, runner: "REVIEW_RUNNER"},
	"review-end/find": {code: fromMain, permissions: []string{idToken, "pull-requests: read"}, environment: "review-end", role: deployRole, secret: updateToken},
	"review-end/down": {code: fromMain, permissions: []string{idToken}, environment: "review-end", role: deployRole, secret: updateToken, runner: "DEPLOY_RUNNER"},
}

const (
	credentialsAction = "aws-actions/configure-aws-credentials@"
	checkoutAction    = "actions/checkout@"
	// sameRepository is true for pull requests from this repository. Those from forks get no credentials.
	sameRepository = "github.event.pull_request.head.repo.full_name == github.repository"
	// byPerson is true unless Dependabot started the run. GitHub gives Dependabot no secrets.
	byPerson = "github.actor != 'dependabot[bot]'"
	onMain   = "github.ref == 'refs/heads/main'"
	isSetUp  = "vars.AWS_REGION != ''"
)

var (
	runnerLabel    = regexp.MustCompile(`^\$\{\{ vars\.([A-Z_]+) \|\| 'ubuntu-24\.04' \}\}$`)
	secretUse      = regexp.MustCompile(`\bsecrets\b(?:\.([A-Z_]+))?`)
	statusFunction = regexp.MustCompile(`\b(always|cancelled|failure)\(\)`)
)

// onPullRequest says whether pull requests start the workflow.
func (w *workflow) onPullRequest() bool { return strings.Contains(fmt.Sprint(w.On), "pull_request") }

// requires says whether a job runs only if a clause holds. The clause must be in its condition, joined by && only, or in the
// condition of the job that it needs.
func (w *workflow) requires(j *job, clause string) bool {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(j.If), "${{"), "}}"), "&&")
	onlyAnd := true
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
		onlyAnd = onlyAnd && (!strings.Contains(part, "||") || strings.HasPrefix(parts[i], "(") && strings.HasSuffix(parts[i], ")"))
	}
	if onlyAnd && slices.Contains(parts, clause) {
		return true
	}
	needed := w.Jobs[j.Needs]
	// With a status function, a job runs even if the job that it needs failed, unless its condition checks that job.
	ignoresFailure := statusFunction.MatchString(j.If) && !strings.Contains(j.If, "needs."+j.Needs+".")
	return needed != nil && !ignoresFailure && w.requires(needed, clause)
}

// defaultCheckout is a checkout without a ref and a repository.
const defaultCheckout = "<nil> of <nil>"

// grantOf reads the grant of a job.
func (w *workflow) grantOf(j *job) grant {
	g := grant{environment: j.Environment, runner: j.RunsOn}
	for scope, level := range *j.Permissions {
		if permission := scope + ": " + level; permission != "contents: read" {
			g.permissions = append(g.permissions, permission)
		}
	}
	slices.Sort(g.permissions)
	if m := runnerLabel.FindStringSubmatch(j.RunsOn); m != nil {
		g.runner = m[1]
	} else if j.RunsOn == "ubuntu-24.04" {
		g.runner = ""
	}
	refs, roles, secrets := []string{}, []string{}, []string{}
	for _, s := range j.Steps {
		if strings.HasPrefix(s.Uses, credentialsAction) {
			roles = append(roles, strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(s.With["role-to-assume"]), "${{"), "}}")))
		}
		if strings.HasPrefix(s.Uses, checkoutAction) {
			refs = append(refs, fmt.Sprintf("%v of %v", s.With["ref"], s.With["repository"]))
		}
	}
	if j.Uses == "" {
		for _, m := range secretUse.FindAllStringSubmatch(j.text, -1) {
			secrets = append(secrets, m[1])
		}
	}
	g.role, g.secret = strings.Join(roles, " "), strings.Join(secrets, " ")
	on, _ := w.On.(map[string]any)
	called := on["workflow_call"] != nil && len(on) == 1
	switch code := strings.Join(refs, " "); {
	case w.onPullRequest() && code == defaultCheckout:
		g.code = fromPullRequest
	case w.onPullRequest() && code == "${{ github.event.pull_request.base.sha }} of <nil>":
		g.code = fromTarget
	case !w.onPullRequest() && (code == defaultCheckout || j.Uses != "") && (called || w.requires(j, onMain)):
		g.code = fromMain // a called workflow runs the code of its callers, which are in grants
	default:
		g.code = "of its trigger: " + code
	}
	return g
}

func TestEveryJobHasExactlyItsGrantAndATimeout(t *testing.T) {
	seen := map[string]bool{}
	each(t, func(name string, w *workflow, j *job) {
		seen[name] = true
		if w.Permissions == nil || len(*w.Permissions) > 0 || w.Env != nil {
			t.Errorf("%s: the workflow as a whole has permissions or an environment", name)
		}
		if j.Permissions == nil {
			t.Errorf("%s has no permissions of its own", name)
			return
		}
		if got, want := fmt.Sprintf("%+v", w.grantOf(j)), fmt.Sprintf("%+v", grants[name]); got != want {
			t.Errorf("the grant of %s is\n%s, want\n%s", name, got, want)
		}
		if j.Uses == "" && j.Timeout == 0 {
			t.Errorf("%s has no timeout-minutes", name)
		}
		for _, s := range j.Steps {
			if strings.HasPrefix(s.Uses, checkoutAction) && s.With["persist-credentials"] != false {
				t.Errorf("%s leaves its token in the checkout: persist-credentials must be false", name)
			}
		}
	})
	for name := range grants {
		if !seen[name] {
			t.Errorf("there is no job %s", name)
		}
	}
}

// This is a rule for grants itself.
func TestJobsAndRunnersOfPullRequestsCannotDeploy(t *testing.T) {
	all, codeOn := workflows(t), map[string]string{}
	for name, g := range grants {
		file, job, _ := strings.Cut(name, "/")
		if calls := all[file].Jobs[job].Uses; calls == "" && slices.Contains(g.permissions, idToken) != (g.role != "") {
			t.Errorf("%s has a token for AWS without a role there, or a role without a token", name)
		}
		if (g.role == deployRole || g.secret == updateToken) && g.environment == "" {
			t.Errorf("%s deploys without an environment, whose rules protect deployments", name)
		}
		if g.code == fromPullRequest && g.role == deployRole && g.environment != "review" {
			t.Errorf("%s deploys code of a pull request", name)
		}
		// A runner may keep files of an earlier job.
		if before := codeOn[g.runner]; g.runner != "" && before != "" && before != g.code {
			t.Errorf("the runners %s run %s and %s", g.runner, before, g.code)
		}
		codeOn[g.runner] = g.code
	}
	if preview, review := grants["preview/preview"], grants["review/up"]; preview.runner == review.runner {
		t.Errorf("unreviewed code and code that deploys share the runners %s", review.runner)
	}
}

// It gets credentials only in pull requests of this repository that a person started.
func TestCodeOfPullRequestsMayNotWriteToGitHub(t *testing.T) {
	each(t, func(name string, w *workflow, j *job) {
		on, g := fmt.Sprint(w.On), grants[name]
		if strings.Contains(on, "pull_request_target") || strings.Contains(on, "workflow_run") {
			t.Errorf("%s: a pull request starts it with the permissions of the main branch", name)
		}
		if !w.onPullRequest() {
			return
		}
		for _, clause := range []string{sameRepository, byPerson} {
			if g.role != "" && !w.requires(j, clause) {
				t.Errorf("%s gets credentials without the condition %s", name, clause)
			}
		}
		for _, permission := range g.permissions {
			if permission == idToken || !strings.HasSuffix(permission, ": write") {
				continue
			}
			if g.code == fromPullRequest {
				t.Errorf("%s may write, and runs code of the pull request", name)
			}
			for _, s := range j.Steps {
				if strings.HasPrefix(s.Uses, "actions/cache") || strings.HasPrefix(s.Uses, "./") {
					t.Errorf("%s may write, and runs files of a cache that a pull request may have changed", name)
				}
			}
		}
	})
}

// Otherwise runs would fail in a repository without AWS.
func TestJobsThatNeedAWSRunOnlyIfItIsSetUp(t *testing.T) {
	each(t, func(name string, w *workflow, j *job) {
		// The callers of deploy-stack are checked here.
		if slices.Contains(grants[name].permissions, idToken) && name != "deploy-stack/up" && !w.requires(j, isSetUp) {
			t.Errorf("%s runs without AWS being set up", name)
		}
	})
}

// The table has a row for every job with steps.
func TestDeliveryDocsShowTheGrantsOfJobs(t *testing.T) {
	all, want := workflows(t), []string{}
	for name, g := range grants {
		file, job, _ := strings.Cut(name, "/")
		if all[file].Jobs[job].Uses != "" {
			continue
		}
		writes := []string{}
		for _, permission := range g.permissions {
			if scope, may := strings.CutSuffix(permission, ": write"); may && permission != idToken {
				writes = append(writes, scope)
			}
		}
		cells := []string{
			strings.Replace(g.environment, ofStack, "<stack>", 1),
			strings.NewReplacer(readingRole, "AWS_PREVIEW_ROLE_<STACK>", "vars.", "").Replace(g.role),
			g.secret, g.runner, strings.Join(writes, ", "),
		}
		row := "| `" + name + "` | " + g.code + " |"
		for _, cell := range cells {
			if cell != "" {
				row += " `" + cell + "`"
			}
			row += " |"
		}
		want = append(want, row)
	}
	var shown []string
	for line := range strings.Lines(read(t, filepath.Join(root, "docs/delivery.md"))) {
		if regexp.MustCompile("^\\| `[a-z-]+/[a-z]+` ").MatchString(line) {
			shown = append(shown, strings.TrimSpace(line))
		}
	}
	slices.Sort(want)
	if slices.Sort(shown); !slices.Equal(shown, want) {
		t.Errorf("docs/delivery.md shows\n%s\nwant\n%s", strings.Join(shown, "\n"), strings.Join(want, "\n"))
	}
}
