package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// github is a fake of GitHub with the issues, comments and pull requests of one repository.
type github struct {
	t        *testing.T
	issues   []*issue
	pulls    map[int]string // answer by number
	requests []string
	broken   bool
}

type issue struct {
	post
	State    string
	Labels   []string
	comments []*post
}

const (
	repository = "example/tfserving"
	token      = "a-token"
)

func start(t *testing.T) (*github, func(string) string) {
	hub := &github{t: t, pulls: map[int]string{}}
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	env := map[string]string{"GITHUB_API_URL": server.URL, "GITHUB_REPOSITORY": repository, "GH_TOKEN": token}
	return hub, func(name string) string { return env[name] }
}

func (h *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ours := strings.CutPrefix(r.URL.Path, "/repos/"+repository)
	if !ours || r.Header.Get("Authorization") != "Bearer "+token || h.broken {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"Resource not accessible by integration"}`)
		return
	}
	h.requests = append(h.requests, r.Method+" "+path)
	var sent struct {
		Title, Body, State string
		Labels             []string
	}
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			h.t.Error(err)
		}
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	number := func(i int) int {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			h.t.Errorf("%s: %v", path, err)
		}
		return n
	}
	switch route := r.Method + " " + parts[0]; {
	case route == "GET pulls":
		pull, there := h.pulls[number(1)]
		if !there {
			w.WriteHeader(http.StatusNotFound)
			pull = `{"message":"Not Found"}`
		}
		fmt.Fprint(w, pull)
	case r.Method == "PATCH" && len(parts) == 3: // issues/comments/<id>
		for _, i := range h.issues {
			for _, c := range i.comments {
				if c.ID == int64(number(2)) {
					c.Body = sent.Body
				}
			}
		}
	case len(parts) == 3 && r.Method == "POST":
		i := h.issues[number(1)-1]
		i.comments = append(i.comments, h.written(len(i.comments)+1, sent.Body))
	case len(parts) == 3:
		answer(w, r, h.issues[number(1)-1].comments)
	case r.Method == "PATCH":
		i := h.issues[number(1)-1]
		if sent.Body != "" {
			i.Body = sent.Body
		}
		if sent.State != "" {
			i.State = sent.State
		}
	case r.Method == "POST":
		h.issues = append(h.issues, &issue{post: *h.written(len(h.issues)+1, sent.Body), State: "open", Labels: sent.Labels})
	default:
		var open []*post
		for _, i := range h.issues {
			if i.State == r.URL.Query().Get("state") && strings.Join(i.Labels, ",") == r.URL.Query().Get("labels") {
				open = append(open, &i.post)
			}
		}
		answer(w, r, open)
	}
}

func (h *github) written(n int, body string) *post {
	p := &post{ID: int64(1000 + n), Number: n, Body: body}
	p.User.Login = bot
	return p
}

// answer writes one page of a list.
func answer(w http.ResponseWriter, r *http.Request, all []*post) {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min((page-1)*size, len(all))
	_ = json.NewEncoder(w).Encode(append([]*post{}, all[from:min(from+size, len(all))]...))
}

func file(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func report(text string) string { return reportMarker + "\n" + text }

func TestAPullRequestHasOneReportThatIsUpdatedInPlace(t *testing.T) {
	hub, env := start(t)
	pull := &issue{}
	hub.issues = []*issue{pull}
	stranger := &post{ID: 1, Body: report("quoted by a person")}
	stranger.User.Login = "someone"
	pull.comments = append(pull.comments, stranger)
	for i := range pageSize { // the report is on the second page
		pull.comments = append(pull.comments, &post{ID: int64(2 + i), Body: "talk"})
	}
	for _, text := range []string{"first", "second"} {
		if err := run(t.Context(), []string{"comment", "-pull", "1", "-body", file(t, report(text))}, env, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(pull.comments); n != pageSize+2 {
		t.Fatalf("the pull request has %d comments, want %d and one report", n, pageSize+1)
	}
	if got := pull.comments[pageSize+1].Body; got != report("second") {
		t.Errorf("the report is %q", got)
	}
	if stranger.Body != report("quoted by a person") {
		t.Error("a person's comment was changed")
	}
}

func TestAnInvalidReportIsRefusedBeforeAnyCall(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"without its marker": {"hello", "does not begin with the line " + reportMarker},
		"over the limit":     {report(strings.Repeat("ä", maxBody)), "make it shorter"},
	} {
		t.Run(name, func(t *testing.T) {
			hub, env := start(t)
			hub.issues = []*issue{{}}
			err := run(t.Context(), []string{"comment", "-pull", "1", "-body", file(t, c.body)}, env, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(hub.requests) > 0 {
				t.Errorf("the error is %v after the requests %v", err, hub.requests)
			}
		})
	}
	hub, env := start(t)
	hub.issues = []*issue{{}}
	atLimit := report("")
	atLimit += strings.Repeat("ä", maxBody-len(atLimit))
	if err := run(t.Context(), []string{"comment", "-pull", "1", "-body", file(t, atLimit)}, env, nil); err != nil {
		t.Errorf("a report of exactly %d characters: %v", maxBody, err)
	}
}

const stacksList = `[
	{"name":"dev","lastUpdate":"2026-01-01T00:00:00.000Z"},
	{"name":"review-1","lastUpdate":"2026-11-24T12:00:00.000Z"},
	{"name":"review-2","lastUpdate":"2026-11-24T12:00:00.000Z"},
	{"name":"review-3","lastUpdate":"2026-11-24T12:00:00.000Z"},
	{"name":"review-4","lastUpdate":"2020-01-01T00:00:00.000Z"},
	{"name":"review-5"},
	{"name":"review-04"},
	{"name":"reviewers"}]`

// Stacks that belong to no pull request are not listed.
func TestAReviewStackIsOverWithoutItsLabelOrAfterItsTimeToLive(t *testing.T) {
	hub, env := start(t)
	hub.pulls = map[int]string{
		1: `{"state":"open","labels":[{"name":"bug"},{"name":"review"}]}`,
		2: `{"state":"closed","labels":[{"name":"review"}]}`,
		3: `{"state":"open","labels":[{"name":"bug"}]}`,
		4: `{"state":"open","labels":[{"name":"review"}]}`,
		5: `{"state":"open","labels":[{"name":"review"}]}`,
	}
	args := []string{"reviews", "-stacks", file(t, stacksList), "-ttl", "999999h"}
	var out bytes.Buffer
	if err := run(t.Context(), args, env, &out); err != nil || out.String() != `over=["review-2","review-3"]`+"\n" {
		t.Errorf("listed are %s (%v)", &out, err)
	}
	out.Reset()
	args[len(args)-1] = "1ns"
	if err := run(t.Context(), args, env, &out); err != nil || out.String() != `over=["review-1","review-2","review-3","review-4"]`+"\n" {
		t.Errorf("with a time to live of 1 ns, listed are %s (%v)", &out, err)
	}
}

// The command lists the other stacks and then fails.
func TestAReviewStackWithAnUnknownPullRequestOrAgeIsKept(t *testing.T) {
	closed := `{"state":"closed","labels":[]}`
	stacks := `[{"name":"review-1"},{"name":"review-2"},{"name":"review-3","lastUpdate":"yesterday"},{"name":"review-4"}]`
	for name, c := range map[string]struct {
		pulls  map[int]string
		broken bool
		over   string
		left   []string
	}{
		"one pull request is unknown": {pulls: map[int]string{1: closed, 3: closed, 4: closed}, over: `["review-1","review-4"]`, left: []string{"review-2", "review-3"}},
		"one answer is not JSON":      {pulls: map[int]string{1: closed, 2: "<html>", 3: closed, 4: closed}, over: `["review-1","review-4"]`, left: []string{"review-2", "review-3"}},
		"GitHub refuses the calls":    {broken: true, over: `[]`, left: []string{"review-1", "review-2", "review-3", "review-4"}},
		"all are unknown":             {over: `[]`, left: []string{"review-1", "review-2", "review-3", "review-4"}},
	} {
		t.Run(name, func(t *testing.T) {
			hub, env := start(t)
			hub.pulls, hub.broken = c.pulls, c.broken
			var out bytes.Buffer
			err := run(t.Context(), []string{"reviews", "-stacks", file(t, stacks), "-ttl", "48h"}, env, &out)
			if out.String() != "over="+c.over+"\n" {
				t.Errorf("listed are %s, want %s", &out, c.over)
			}
			var kept []string
			for line := range strings.Lines(fmt.Sprint(err)) {
				stack, _, _ := strings.Cut(strings.TrimPrefix(line, "stack "), " is left as it is: ")
				kept = append(kept, stack)
			}
			if !slices.Equal(kept, c.left) {
				t.Errorf("the error is %v, want a line for each of %v", err, c.left)
			}
		})
	}
}

func TestInvalidCallsAreRefused(t *testing.T) {
	_, env := start(t)
	for _, args := range [][]string{
		{}, {"comment"}, {"comment", "-pull", "x", "-body", "f"}, {"comment", "-pull", "1"}, {"drift", "-stack", "dev", "-body", "f"},
		{"reviews", "-stacks", "f"}, {"reviews", "-stacks", "f", "-ttl", "1h", "more"}, {"other"},
	} {
		if err := run(t.Context(), args, env, nil); err != errUsage {
			t.Errorf("%v: %v", args, err)
		}
	}
	for name, args := range map[string][]string{
		"reading the report":                       {"comment", "-pull", "1", "-body", "nowhere"},
		"reading the list of stacks (pulumi stack": {"reviews", "-ttl", "1h", "-stacks", file(t, "[{")},
	} {
		if err := run(t.Context(), args, env, nil); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"drift", "-stack", "dev", "-record", "f", "-body", "f"}, func(string) string { return "" }, nil); err == nil || !strings.Contains(err.Error(), "GH_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
}
