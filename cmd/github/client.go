package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	// pageSize is the most that GitHub lists at once (REST API, "Using pagination").
	pageSize = 100
	// maxPages bounds a list: a pull request with 10,000 comments is none that a report is read in.
	maxPages = 100
	// maxAnswer bounds an answer, in bytes: a page of bodies at their limit is under 30 MB.
	maxAnswer = 32 << 20
	// maxBody is how many characters GitHub takes as the body of an issue or of a comment; it refuses longer ones.
	maxBody = 65536
	// bot is who writes with a workflow's own token.
	bot = "github-actions[bot]"
)

// client asks GitHub about one repository. The few calls that are made here need no library.
type client struct{ api, repository, token string }

func newClient(getenv func(string) string) (*client, error) {
	g := &client{api: strings.TrimSuffix(getenv("GITHUB_API_URL"), "/"), repository: getenv("GITHUB_REPOSITORY"), token: getenv("GH_TOKEN")}
	if g.api == "" || g.repository == "" || g.token == "" {
		return nil, fmt.Errorf("GITHUB_API_URL, GITHUB_REPOSITORY and GH_TOKEN must be set; a workflow has the first two, and gets the token by `env: GH_TOKEN: ${{ github.token }}`")
	}
	return g, nil
}

// call sends a JSON body, if there is one, to a path below the repository's, and reads the answer, if it is wanted.
func (g *client) call(ctx context.Context, method, path string, send, receive any) error {
	failed := func(err error) error { return fmt.Errorf("asking GitHub: %s %s: %w", method, path, err) }
	var body io.Reader
	if send != nil {
		data, err := json.Marshal(send)
		if err != nil {
			return failed(err)
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, g.api+"/repos/"+g.repository+path, body)
	if err != nil {
		return failed(err)
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return failed(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return failed(err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		var says struct{ Message string }
		_ = json.Unmarshal(data, &says) // whatever it is, the status is told
		return failed(errors.New(strings.TrimSuffix(answer.Status+": "+says.Message, ": ")))
	}
	if receive != nil {
		if err := json.Unmarshal(data, receive); err != nil {
			return failed(err)
		}
	}
	return nil
}

// post is an issue or a comment.
type post struct {
	ID     int64
	Number int
	Body   string
	User   struct{ Login string }
	// PullRequest is there if the issue is a pull request.
	PullRequest *struct{} `json:"pull_request"`
}

// find gives the first post of a list that the workflows wrote and that begins with a marker; nil if there is none. Who
// else quotes the marker has no say.
func (g *client) find(ctx context.Context, path, marker string) (*post, error) {
	between := "?"
	if strings.Contains(path, "?") {
		between = "&"
	}
	for page := 1; page <= maxPages; page++ {
		var posts []post
		err := g.call(ctx, http.MethodGet, fmt.Sprintf("%s%sper_page=%d&page=%d", path, between, pageSize, page), nil, &posts)
		if err != nil {
			return nil, err
		}
		for _, p := range posts {
			if p.User.Login == bot && strings.HasPrefix(p.Body, marker) && p.PullRequest == nil {
				return &p, nil
			}
		}
		if len(posts) < pageSize {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("asking GitHub: %s has more than %d entries", path, maxPages*pageSize)
}
