package program

import (
	"context"
	"path/filepath"
	"strings"

	"tfserving/config"
	"tfserving/internal/mockengine"
	"tfserving/preflight"
)

// deployer is who runs the program in these tests, as STS names an assumed role.
const deployer = "arn:aws:sts::" + mockengine.Account + ":assumed-role/Deployer/session"

// fakeAWS is what the program finds in the account.
type fakeAWS struct {
	caller     string
	accountErr error // the error of the account check
	zones      []string
	images     map[string]preflight.ImageState // by repository and suffix; an image absent from the map exists
}

// newFakeAWS is an account that the checked-in stacks fit. Its zones are not sorted: AWS promises no order.
func newFakeAWS() *fakeAWS {
	return &fakeAWS{caller: deployer, zones: []string{"eu-west-1c", "eu-west-1a", "eu-west-1b"}}
}

func (a *fakeAWS) checks() preflight.Checks {
	return preflight.Checks{
		Account: func(context.Context, string, []string) (*preflight.Identity, error) {
			if a.accountErr != nil {
				return nil, a.accountErr
			}
			return &preflight.Identity{Account: mockengine.Account, ARN: a.caller}, nil
		},
		Image: func(_ context.Context, _, repository, suffix string) (preflight.ImageState, error) {
			if state, ok := a.images[repository+suffix]; ok {
				return state, nil
			}
			return preflight.ImageExists, nil
		},
	}
}

// newEKSGraph is the graph of a checked-in stack with overlay on top of its file, in the account that is given.
func newEKSGraph(stack, overlay string, account *fakeAWS) (*graph, error) {
	g := &graph{stack: stack}
	var err error
	if g.settings, err = config.ReadStackFile(filepath.Join(root, config.StackFile(stack)), overlay); err != nil {
		return nil, err
	}
	engine := mockengine.New(g.settings.Region)
	engine.Zones = account.zones
	err = g.run(engine, account.checks())
	if kept := g.keep(engine); err == nil {
		err = kept
	}
	return g, err
}

// nameOf is the name of the resource with an id that the mock engine gave it.
func nameOf(id any) string {
	text, _ := id.(string)
	_, name, _ := strings.Cut(text, "/")
	return name
}
