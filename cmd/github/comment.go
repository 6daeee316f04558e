package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// reportMarker is the first line of every report. It is a comment that GitHub does not show.
const reportMarker = "<!-- tfserving-report -->"

// comment writes the report as a comment on a pull request, or updates the existing comment.
func (g *client) comment(ctx context.Context, pull int, body string) error {
	if !strings.HasPrefix(body, reportMarker+"\n") {
		return fmt.Errorf("the report does not begin with the line %s, which later runs need to find it", reportMarker)
	}
	if err := checkLength(body); err != nil {
		return err
	}
	comments := fmt.Sprintf("/issues/%d/comments", pull)
	old, err := g.find(ctx, comments, reportMarker)
	if err != nil {
		return err
	}
	send := map[string]string{"body": body}
	if old == nil {
		return g.call(ctx, http.MethodPost, comments, send, nil)
	}
	return g.call(ctx, http.MethodPatch, fmt.Sprintf("/issues/comments/%d", old.ID), send, nil)
}

// checkLength refuses a text that is too long for GitHub.
func checkLength(body string) error {
	if n := utf8.RuneCountInString(body); n > maxBody {
		return fmt.Errorf("the text has %d characters, and GitHub accepts at most %d: make it shorter", n, maxBody)
	}
	return nil
}
