package gameday

import (
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
	// clearTimeout bounds the wait for the end of an alert after the commands of the runbook. The slowest end waits for pods and nodes to start.
	clearTimeout = 5 * time.Minute
	// undoTimeout bounds the commands that undo a fault, also after Ctrl-C.
	undoTimeout = 10 * time.Minute
	// progressEvery is the time between two lines of a wait.
	progressEvery = 15 * time.Second
)

// Game is what a game day needs.
type Game struct {
	Runbook string // the page
	Pager   *Pager
	Out     io.Writer
	// Shell runs shell commands in the checkout, with the stack's environment. Its output is shown only if they fail.
	Shell func(ctx context.Context, script string) error
	// Load puts a demand of so many cores on the gateway until stop is called.
	Load func(ctx context.Context, cores float64) (stop func(), err error)
	// Settle brings the stack back to its settings from before the fault.
	Settle func(ctx context.Context) error
}

// Result is what a fault led to.
type Result struct {
	Fault       Fault
	ToPage      time.Duration // from the fault to its page
	ToClear     time.Duration // from the first command of the runbook to the message that the alert has ended
	OtherAlerts []string      // that paged meanwhile
}

func (g *Game) say(format string, args ...any) { fmt.Fprintf(g.Out, "gameday: "+format+"\n", args...) }

// Play makes each fault, waits for its page, runs the commands of its section in the runbook, waits for the alert's end, and
// undoes the rest. It ends at the first fault that fails, also undone.
func (g *Game) Play(ctx context.Context, faults []Fault) ([]Result, error) {
	for _, f := range faults { // before the first change
		if _, err := commandsFor(g.Runbook, f.Alert); err != nil {
			return nil, fmt.Errorf("fault %s: %w", f.Name, err)
		}
	}
	var results []Result
	for i, f := range faults {
		g.say("fault %d of %d, %s: %s", i+1, len(faults), f.Name, f.Says)
		r, err := g.play(ctx, f)
		if err != nil {
			return results, fmt.Errorf("fault %s: %w", f.Name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func (g *Game) play(ctx context.Context, f Fault) (r Result, err error) {
	r.Fault = f
	begin := time.Now()
	stopLoad := func() {}
	defer func() {
		stopLoad()
		g.say("undoing what is left of %s", f.Name)
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
		defer cancel()
		if f.Undo != "" {
			err = errors.Join(err, g.Shell(undo, f.Undo))
		}
		err = errors.Join(err, g.Settle(undo))
	}()
	if err := g.Shell(ctx, f.Make); err != nil {
		return r, fmt.Errorf("making it: %w", err)
	}
	if f.Load > 0 {
		if stopLoad, err = g.Load(ctx, f.Load); err != nil {
			return r, fmt.Errorf("making it: %w", err)
		}
	}
	made := time.Now()
	if err := g.await(ctx, f.Alert, true, pageTimeout); err != nil {
		return r, err
	}
	r.ToPage = time.Since(made)
	g.say("paged after %.0f s: %s", r.ToPage.Seconds(), f.Alert)
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
	r.ToClear = time.Since(repair)
	r.OtherAlerts = slices.DeleteFunc(g.Pager.since(begin), func(name string) bool { return name == f.Alert })
	g.say("clear after %.0f s", r.ToClear.Seconds())
	return r, nil
}

// await waits for the message that an alert fires, or has ended, and says how long it has waited.
func (g *Game) await(ctx context.Context, alert string, firing bool, limit time.Duration) error {
	what := "page " + alert
	if !firing {
		what = "end of " + alert
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begin, done := time.Now(), make(chan error, 1)
	go func() { done <- g.Pager.await(limited, alert, firing) }()
	for {
		select {
		case err := <-done:
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("no %s within %s; alerts meanwhile: %v", what, limit, g.Pager.since(begin))
			}
			return err
		case <-time.After(progressEvery):
			g.say("waiting for the %s, %.0f s so far", what, time.Since(begin).Seconds())
		}
	}
}

// Table returns the results as a table in Markdown.
func Table(results []Result) string {
	var b strings.Builder
	b.WriteString("| fault | | page | after | cleared by the runbook after | other pages |\n|---|---|---|---:|---:|---|\n")
	for _, r := range results {
		others := "none"
		if len(r.OtherAlerts) > 0 {
			others = "`" + strings.Join(r.OtherAlerts, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %.0f s | %.0f s | %s |\n", r.Fault.Name, r.Fault.Says, r.Fault.Alert, r.ToPage.Seconds(), r.ToClear.Seconds(), others)
	}
	return b.String()
}
