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
	// pageSize is the maximum number of entries in a page of GitHub's lists (REST API, "Using pagination").
	pageSize = 100
	// maxPages bounds a list to 10,000 entries. People do not read a report among so many comments.
	maxPages = 100
	// maxAnswer is the maximum size of an answer in bytes. A page of 100 bodies with maxBody characters has less than 30 MB.
	maxAnswer = 32 << 20
	// maxBody is GitHub's limit for the body of an issue or a comment, in characters.
	maxBody = 65536
	// bot is the user of a workflow's token.
	bot = "github-actions[bot]"
)

// client calls GitHub's API for one repository. It makes so few calls that it uses no library.
type client struct{ api, repository, token string }

func newClient(getenv func(string) string) (*client, error) {
	g := &client{api: strings.TrimSuffix(getenv("GITHUB_API_URL"), "/"), repository: getenv("GITHUB_REPOSITORY"), token: getenv("GH_TOKEN")}
	if g.api == "" || g.repository == "" || g.token == "" {
		return nil, fmt.Errorf("GITHUB_API_URL, GITHUB_REPOSITORY and GH_TOKEN must be set; a workflow has the first two, and sets the token with `env: GH_TOKEN: ${{ github.token }}`")
	}
	return g, nil
}

// call calls a path of the repository. It sends a body as JSON unless send is nil, and decodes the answer unless receive is nil.
func (g *client) call(ctx context.Context, method, path string, send, receive any) error {
	failed := func(err error) error { return fmt.Errorf("calling GitHub: %s %s: %w", method, path, err) }
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
		var failure struct{ Message string }
		_ = json.Unmarshal(data, &failure) // an answer that is not JSON has no message
		return failed(errors.New(strings.TrimSuffix(answer.Status+": "+failure.Message, ": ")))
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
	// PullRequest is not nil if the issue is a pull request.
	PullRequest *struct{} `json:"pull_request"`
}

// find returns the first post of a list that the workflows wrote and that begins with a marker, or nil. Posts of other users with
// the marker do not count.
func (g *client) find(ctx context.Context, path, marker string) (*post, error) {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	for page := 1; page <= maxPages; page++ {
		var posts []post
		err := g.call(ctx, http.MethodGet, fmt.Sprintf("%s%sper_page=%d&page=%d", path, separator, pageSize, page), nil, &posts)
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
	return nil, fmt.Errorf("calling GitHub: %s has more than %d entries", path, maxPages*pageSize)
}
