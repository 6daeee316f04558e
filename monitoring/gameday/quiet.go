package gameday

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// quietTime is how long no alert may fire while nothing goes wrong.
	quietTime = 30 * time.Minute
	// quietProgressEvery is the time between two lines meanwhile.
	quietProgressEvery = time.Minute
)

// quiet is, by the kind of nodes, what a service does every day.
var quiet = map[Nodes]Fault{
	SimulatedNodes: {
		Name:  NoFault,
		Says:  "load that needs more pods and more nodes, its end, a new version of the gateway, and load that fits",
		Nodes: SimulatedNodes,
		Quiet: quietTime,
		Make: `make load CPU=6 FOR=6m RECORD=$CLUSTER/load.jsonl
grep -q '"nodes":[4-9]' $CLUSTER/load.jsonl # of 2
pulumi config set --stack $STACK --path tfserving:gateway.image zoomcamp-10-gateway:003
make up
make load CPU=1500m FOR=6m
`,
	},
	RealNodes: {
		Name:  NoFault,
		Says:  "5 requests a second, a new version of the gateway and of the model, and a pod of each deleted",
		Nodes: RealNodes,
		Quiet: quietTime,
		Make: onGateway("set env", "GAMEDAY=1") + onGateway("rollout status", "") + onModel("set env", "GAMEDAY=1") + onModel("rollout status", "") + `for component in gateway model-server; do
	sleep 60
	kubectl -n tfserving delete $(kubectl -n tfserving get pods -o name -l app.kubernetes.io/component=$component | head -n 1)
done
`,
		Meanwhile: requests,
	},
}

// stayQuiet runs the commands of a day without a fault, and fails if an alert fires within its time.
func (g *Game) stayQuiet(ctx context.Context, f Fault) (r Result, err error) {
	begin := time.Now()
	if f.Meanwhile != "" {
		meanwhile := g.start(ctx, f.Meanwhile)
		defer func() { err = errors.Join(err, meanwhile.stop()) }()
	}
	work := g.start(ctx, f.Make)
	defer func() { _ = work.stop() }()
	working, progress := work.ended, begin
	for now := begin; now.Sub(begin) < f.Quiet; now = time.Now() {
		if paged := g.Pager.since(begin); len(paged) > 0 {
			return r, fmt.Errorf("%s paged after %.0f s, and nothing is wrong", strings.Join(paged, ", "), now.Sub(begin).Seconds())
		}
		if now.Sub(progress) >= quietProgressEvery {
			progress = now
			g.say("no page for %.0f of %.0f minutes", now.Sub(begin).Minutes(), f.Quiet.Minutes())
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-working:
			if working = nil; work.err != nil {
				return r, fmt.Errorf("making it: %w", work.err)
			}
			g.say("all of it is done after %.0f s", now.Sub(begin).Seconds())
		case <-time.After(pollEvery):
		}
	}
	if working != nil {
		return r, fmt.Errorf("it was not done after %s", f.Quiet)
	}
	r.Quiet = f.Quiet.Seconds()
	return r, nil
}
