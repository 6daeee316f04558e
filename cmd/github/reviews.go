package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tfserving/catalog"
)

// reviewLabel is the label of pull requests that want a review stack.
const reviewLabel = "review"

// pullRequest has the properties of a pull request that decide about its review stack.
type pullRequest struct {
	State  string
	Labels []struct{ Name string }
}

// reviewsOver returns the review stacks to take down among those that `pulumi stack ls --json` lists: the pull request is closed,
// it no longer has the label, or the stack's last change is older than ttl. A stack whose pull request or age is unknown is not
// among them, and the error has a line for it. If the list cannot be read, the result is nil.
func (g *client) reviewsOver(ctx context.Context, list []byte, now time.Time, ttl time.Duration) ([]string, error) {
	var stacks []struct {
		Name       string
		LastUpdate string
	}
	if err := json.Unmarshal(list, &stacks); err != nil {
		return nil, fmt.Errorf("reading the list of stacks (pulumi stack ls --json): %w", err)
	}
	over, unknown := []string{}, []error{}
	for _, s := range stacks {
		parts := catalog.ReviewStack.FindStringSubmatch(s.Name)
		if parts == nil {
			continue
		}
		wanted, err := g.wantsReview(ctx, parts[1])
		if err != nil {
			unknown = append(unknown, fmt.Errorf("stack %s is left as it is: %w", s.Name, err))
			continue
		}
		// The first update of a stack without a time has not ended. It may be running.
		last, err := time.Parse(time.RFC3339, s.LastUpdate)
		if s.LastUpdate != "" && err != nil {
			unknown = append(unknown, fmt.Errorf("stack %s is left as it is: reading the time of its last change: %w", s.Name, err))
			continue
		}
		if !wanted || !last.IsZero() && now.Sub(last) > ttl {
			over = append(over, s.Name)
		}
	}
	return over, errors.Join(unknown...)
}

// wantsReview says whether a pull request is open and has the label for a review stack.
func (g *client) wantsReview(ctx context.Context, number string) (bool, error) {
	var pull pullRequest
	// GitHub never deletes a pull request. If one is not found, the number is wrong or the token may not read it.
	if err := g.call(ctx, http.MethodGet, "/pulls/"+number, nil, &pull); err != nil {
		return false, err
	}
	for _, l := range pull.Labels {
		if l.Name == reviewLabel {
			return pull.State == "open", nil
		}
	}
	return false, nil
}
