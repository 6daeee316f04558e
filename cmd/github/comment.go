package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// reportMarker is the first line of every report, which no reader sees.
const reportMarker = "<!-- tfserving-report -->"

// comment keeps one comment of a pull request: the first time it is written, later it is renewed in place.
func (g *client) comment(ctx context.Context, pull int, body string) error {
	if !strings.HasPrefix(body, reportMarker+"\n") {
		return fmt.Errorf("the report does not begin with the line %s, by which it is found again", reportMarker)
	}
	if err := fits(body); err != nil {
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

// fits refuses what GitHub would. Nothing is cut here: whoever made the text knows what may be folded.
func fits(body string) error {
	if n := utf8.RuneCountInString(body); n > maxBody {
		return fmt.Errorf("the text has %d characters, and GitHub takes %d: make it shorter", n, maxBody)
	}
	return nil
}
