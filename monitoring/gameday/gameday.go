package gameday

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const (
	// pageTimeout is the time in which a fault must page.
	pageTimeout = 5 * time.Minute
	// clearTimeout bounds the wait for the end of an alert after the commands of the runbook. The slowest is RequestsFail: it
	// looks back 5 minutes.
	clearTimeout = 8 * time.Minute
	// undoTimeout bounds the commands that undo a fault, also after Ctrl-C.
	undoTimeout = 10 * time.Minute
	// progressEvery is the time between two lines of a wait.
	progressEvery = 15 * time.Second
	// pollEvery is the time between two looks at the pager.
	pollEvery = 200 * time.Millisecond
)

// Game is what a game day needs.
type Game struct {
	Stack   string
	Runbook string // the page
	Pager   *Pager
	Out     io.Writer
	// Shell runs shell commands in the checkout, with the stack's environment. Its output is shown only if they fail.
	Shell func(ctx context.Context, script string) error
	// Settle brings the stack back to its settings from before the fault.
	Settle func(ctx context.Context) error
	// Record gets each result at once.
	Record func(Result) error
}

func (g *Game) say(format string, args ...any) { fmt.Fprintf(g.Out, "gameday: "+format+"\n", args...) }

// errNotUndone is the error after which a game day makes no further fault.
var errNotUndone = errors.New("undoing it")

// Play makes each fault, waits for its page, runs the commands of its section in the runbook, waits for the alert's end, and
// undoes the rest. A fault that fails is undone, too, and the next one follows. The error names all that failed.
func (g *Game) Play(ctx context.Context, faults []Fault) (results []Result, err error) {
	for _, f := range faults { // before the first change
		if f.Quiet > 0 {
			continue
		}
		if _, err := commandsFor(g.Runbook, f.Alert); err != nil {
			return nil, fmt.Errorf("fault %s: %w", f.Name, err)
		}
	}
	day := time.Now().UTC().Truncate(time.Second)
	var failed []error
	for i, f := range faults {
		g.say("fault %d of %d, %s: %s", i+1, len(faults), f.Name, f.Says)
		r, err := g.play(ctx, f)
		if err == nil {
			r.Day, r.Stack, r.Fault, r.Says, r.Alert = day, g.Stack, f.Name, f.Says, f.Alert
			results = append(results, r)
			err = g.Record(r)
		}
		if err != nil {
			err = fmt.Errorf("fault %s: %w", f.Name, err)
			failed = append(failed, err)
		}
		if ctx.Err() != nil || errors.Is(err, errNotUndone) {
			break
		}
		if err != nil {
			g.say("FAILED: %v", err)
		}
	}
	return results, errors.Join(failed...)
}

// play makes one fault and undoes it.
func (g *Game) play(ctx context.Context, f Fault) (Result, error) {
	r, err := g.cause(ctx, f)
	g.say("undoing what is left of %s", f.Name)
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var undone error
	if f.Undo != "" {
		undone = g.Shell(undo, f.Undo)
	}
	if undone = errors.Join(undone, g.Settle(undo)); undone != nil {
		err = errors.Join(err, fmt.Errorf("%w: %w", errNotUndone, undone))
	}
	return r, err
}

// cause makes a fault, waits for its page, repairs it and waits for the end of its alert.
func (g *Game) cause(ctx context.Context, f Fault) (r Result, err error) {
	if g.Pager.fires(f.Alert) {
		return r, fmt.Errorf("%s fires before the fault", f.Alert)
	}
	if f.Quiet > 0 {
		return g.stayQuiet(ctx, f)
	}
	begin := time.Now()
	if err := g.Shell(ctx, f.Make); err != nil {
		return r, fmt.Errorf("making it: %w", err)
	}
	made := time.Now()
	if f.Meanwhile != "" {
		meanwhile := g.start(ctx, f.Meanwhile)
		defer func() { err = errors.Join(err, meanwhile.stop()) }()
	}
	if err := g.await(ctx, f.Alert, true, pageTimeout); err != nil {
		return r, err
	}
	r.Page = time.Since(made).Seconds()
	g.say("paged after %.0f s: %s", r.Page, f.Alert)
	commands, err := commandsFor(g.Runbook, f.Alert)
	if err != nil {
		return r, err
	}
	for line := range strings.Lines(commands) {
		g.say("  $ %s", strings.TrimRight(line, "\n"))
	}
	repair := time.Now()
	if err := g.Shell(ctx, commands); err != nil {
		return r, fmt.Errorf("running the commands of the runbook for %s: %w", f.Alert, err)
	}
	if err := g.await(ctx, f.Alert, false, clearTimeout); err != nil {
		return r, err
	}
	r.Clear = time.Since(repair).Seconds()
	g.say("clear after %.0f s", r.Clear)
	if others := slices.DeleteFunc(g.Pager.since(begin), func(name string) bool { return name == f.Alert }); len(others) > 0 {
		return r, fmt.Errorf("%s paged, too", strings.Join(others, ", "))
	}
	return r, nil
}

// await waits for the message that an alert fires, or has ended, and says how long it has waited.
func (g *Game) await(ctx context.Context, alert string, firing bool, limit time.Duration) error {
	what := "page " + alert
	if !firing {
		what = "end of " + alert
	}
	begin := time.Now()
	progress := begin
	for g.Pager.fires(alert) != firing {
		now := time.Now()
		if now.Sub(begin) >= limit {
			return fmt.Errorf("no %s within %s; alerts meanwhile: %v", what, limit, g.Pager.since(begin))
		}
		if now.Sub(progress) >= progressEvery {
			progress = now
			g.say("waiting for the %s, %.0f s so far", what, now.Sub(begin).Seconds())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
	return nil
}

// job is a run of shell commands beside others.
type job struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of the commands, once they have ended
	early  bool  // whether they ended by themselves
}

// start runs commands that go on until stop.
func (g *Game) start(ctx context.Context, script string) *job {
	ctx, cancel := context.WithCancel(ctx)
	j := &job{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(j.ended)
		j.err = g.Shell(ctx, script)
		j.early = ctx.Err() == nil
	}()
	return j
}

// stop ends the commands and waits for their end. It returns an error if they had ended by themselves.
func (j *job) stop() error {
	j.cancel()
	<-j.ended
	if !j.early {
		return nil
	}
	return fmt.Errorf("what goes on meanwhile has ended early: %w", cmp.Or(j.err, errors.New("without an error")))
}
