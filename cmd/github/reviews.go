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

// reviewLabel is what asks for a review stack, on a pull request.
const reviewLabel = "review"

// pullRequest is what decides on a review stack.
type pullRequest struct {
	State  string
	Labels []struct{ Name string }
}

// reviewsOver gives the review stacks among those that `pulumi stack ls --json` lists whose time is over: the pull
// request is closed, nobody asks for the stack any more, or it was last changed longer than ttl ago. A stack of which that
// cannot be told is not over; the error tells of each, beside those that are. Without a list there is only an error.
func (g *client) reviewsOver(ctx context.Context, list []byte, now time.Time, ttl time.Duration) ([]string, error) {
	var stacks []struct {
		Name       string
		LastUpdate string
	}
	if err := json.Unmarshal(list, &stacks); err != nil {
		return nil, fmt.Errorf("reading the list of stacks (pulumi stack ls --json): %w", err)
	}
	over, untold := []string{}, []error{}
	for _, s := range stacks {
		parts := catalog.ReviewStack.FindStringSubmatch(s.Name)
		if parts == nil {
			continue
		}
		wanted, err := g.wantsReview(ctx, parts[1])
		if err != nil {
			untold = append(untold, fmt.Errorf("stack %s is left as it is: %w", s.Name, err))
			continue
		}
		// A stack without a time has never been brought up whole. Its next up may be under way, and then holds its lock.
		last, err := time.Parse(time.RFC3339, s.LastUpdate)
		if s.LastUpdate != "" && err != nil {
			untold = append(untold, fmt.Errorf("stack %s is left as it is: when it was last changed: %w", s.Name, err))
			continue
		}
		if !wanted || !last.IsZero() && now.Sub(last) > ttl {
			over = append(over, s.Name)
		}
	}
	return over, errors.Join(untold...)
}

// wantsReview tells whether a pull request is open and asks for a review stack.
func (g *client) wantsReview(ctx context.Context, number string) (bool, error) {
	var pull pullRequest
	// Pull requests never go away, so what is not found is none, or one that the token may not see: an error as any other.
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
