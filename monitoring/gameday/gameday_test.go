package gameday

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const runbookPage = "# Operations\n\n## What to do when\n\nText.\n\n### A thing is full, or not\n\nAlerts: `ThingFull`, `ThingGone`\n\nText.\n\n```sh\n" +
	"repair thing\n```\n\n### Another\n\nNo alert: nobody sees it.\n\n## Later\n\n### Not this\n"

func TestSectionsOfTheRunbookHaveTheirAlertsAndTheirFirstCommands(t *testing.T) {
	got := Sections(runbookPage)
	want := []Section{
		{Title: "A thing is full, or not", Anchor: "a-thing-is-full-or-not", Alerts: []string{"ThingFull", "ThingGone"}, Commands: "repair thing\n"},
		{Title: "Another", Anchor: "another", NoAlert: "nobody sees it."},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// send sends a message to a pager, as Alertmanager does.
func send(t *testing.T, p *Pager, status, alert string) {
	t.Helper()
	body := fmt.Sprintf(`{"status": %q, "alerts": [{"status": %[1]q, "labels": {"alertname": %q}}]}`, status, alert)
	answer, err := http.Post(p.URL, "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	answer.Body.Close()
}

// newGame returns a game whose shell notes the commands and then calls after.
func newGame(t *testing.T, after func(p *Pager, script string) error) (g *Game, ran *[]string) {
	t.Helper()
	p, err := StartPager()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	ran = &[]string{}
	g = &Game{
		Stack: "test", Runbook: runbookPage, Pager: p, Out: &bytes.Buffer{},
		Shell: func(ctx context.Context, script string) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			*ran = append(*ran, strings.TrimSpace(script))
			return after(p, strings.TrimSpace(script))
		},
		Record: func(Result) error { return nil },
		Settle: func(ctx context.Context) error {
			if ctx.Err() == nil {
				*ran = append(*ran, "settle")
			}
			return ctx.Err()
		},
	}
	return g, ran
}

var testFault = Fault{Name: "full", Says: "a thing is full", Alert: "ThingFull", Make: "break thing", Undo: "clean thing"}

func TestAFaultIsPagedRepairedAsTheRunbookSaysAndUndone(t *testing.T) {
	g, ran := newGame(t, func(p *Pager, script string) error {
		switch script {
		case "break thing":
			send(t, p, "firing", "ThingFull")
		case "repair thing":
			send(t, p, "resolved", "ThingFull")
		}
		return nil
	})
	results, err := g.Play(t.Context(), []Fault{testFault})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"break thing", "repair thing", "clean thing", "settle"}; !slices.Equal(*ran, want) {
		t.Errorf("ran %q, want %q", *ran, want)
	}
	if table := Table(results); !strings.Contains(table, "| `test` | `full` | a thing is full | `ThingFull` | 0 s | 0 s |") {
		t.Errorf("the table is\n%s", table)
	}
	file := filepath.Join(t.TempDir(), "results")
	for _, r := range append(results, results...) {
		if err := r.Append(file); err != nil {
			t.Fatal(err)
		}
	}
	if read, err := ReadResults(file); err != nil || !slices.Equal(read, append(results, results...)) {
		t.Errorf("a file of %v has %v (%v)", results, read, err)
	}
}

func TestAFaultIsUndoneAfterCtrlCAndAfterAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g, ran := newGame(t, func(_ *Pager, script string) error {
		if script == "break thing" {
			time.AfterFunc(10*time.Millisecond, cancel) // it waits for the page by then
		}
		return nil
	})
	want := []string{"break thing", "clean thing", "settle"}
	if _, err := g.Play(ctx, []Fault{testFault}); !errors.Is(err, context.Canceled) || !slices.Equal(*ran, want) {
		t.Errorf("after Ctrl-C: %v, ran %q, want %q", err, *ran, want)
	}
	g, ran = newGame(t, func(_ *Pager, script string) error {
		if script == "break thing" {
			return errors.New("cannot")
		}
		return nil
	})
	if _, err := g.Play(t.Context(), []Fault{testFault, testFault}); err == nil || !slices.Equal(*ran, append(want, want...)) {
		t.Errorf("after an error: %v, ran %q, want %q twice", err, *ran, want)
	}
}

func TestNoFaultFollowsOneThatCannotBeUndone(t *testing.T) {
	g, ran := newGame(t, func(p *Pager, script string) error {
		if script == "clean thing" {
			return errors.New("cannot")
		}
		send(t, p, map[string]string{"break thing": "firing", "repair thing": "resolved"}[script], "ThingFull")
		return nil
	})
	want := []string{"break thing", "repair thing", "clean thing", "settle"}
	if _, err := g.Play(t.Context(), []Fault{testFault, testFault}); err == nil || !slices.Equal(*ran, want) {
		t.Errorf("%v, ran %q, want %q", err, *ran, want)
	}
}

func TestAFaultThatAlsoPagesSomethingElseFails(t *testing.T) {
	g, _ := newGame(t, func(p *Pager, script string) error {
		switch script {
		case "break thing":
			send(t, p, "firing", "ThingGone")
			send(t, p, "firing", "ThingFull")
		case "repair thing":
			send(t, p, "resolved", "ThingFull")
		}
		return nil
	})
	if results, err := g.Play(t.Context(), []Fault{testFault}); err == nil || !strings.Contains(err.Error(), "ThingGone paged, too") || len(results) > 0 {
		t.Errorf("%v, results %v", err, results)
	}
}

// While an alert fires, the load must go on that raised it.
func TestWhatGoesOnMeanwhileEndsWithTheAlert(t *testing.T) {
	loaded := make(chan bool, 1)
	var shell func(context.Context, string) error
	g, _ := newGame(t, func(p *Pager, script string) error {
		switch script {
		case "break thing":
			time.AfterFunc(10*time.Millisecond, func() { send(t, p, "firing", "ThingFull") })
		case "repair thing":
			send(t, p, "resolved", "ThingFull")
		}
		return nil
	})
	shell = g.Shell
	g.Shell = func(ctx context.Context, script string) error {
		if script == "load" {
			<-ctx.Done()
			loaded <- g.Pager.fires("ThingFull")
			return ctx.Err()
		}
		return shell(ctx, script)
	}
	f := testFault
	f.Meanwhile = "load"
	if _, err := g.Play(t.Context(), []Fault{f}); err != nil || <-loaded {
		t.Errorf("%v; or the load ended while the alert fired", err)
	}
	g.Shell = shell // with it, the load ends at once
	if _, err := g.Play(t.Context(), []Fault{f}); err == nil || !strings.Contains(err.Error(), "ended early") {
		t.Errorf("a load that ends early: %v", err)
	}
}

func TestADayWithoutAFaultFailsAtTheFirstPage(t *testing.T) {
	none := Fault{Name: NoFault, Make: "work", Quiet: 50 * time.Millisecond}
	g, ran := newGame(t, func(*Pager, string) error { return nil })
	results, err := g.Play(t.Context(), []Fault{none})
	if err != nil || len(results) != 1 || results[0].Quiet == 0 || !slices.Equal(*ran, []string{"work", "settle"}) {
		t.Errorf("%v, %v, ran %q", err, results, *ran)
	}
	none.Quiet = time.Minute
	g, _ = newGame(t, func(p *Pager, script string) error {
		send(t, p, "firing", "ThingFull")
		return nil
	})
	if _, err := g.Play(t.Context(), []Fault{none}); err == nil || !strings.Contains(err.Error(), "ThingFull paged") {
		t.Errorf("with a page: %v", err)
	}
}

func TestAFaultWithoutCommandsInTheRunbookIsRefusedBeforeTheFirstChange(t *testing.T) {
	g, ran := newGame(t, func(*Pager, string) error { return nil })
	unknown := Fault{Name: "odd", Alert: "Odd"}
	if _, err := g.Play(t.Context(), []Fault{testFault, unknown}); err == nil || len(*ran) > 0 {
		t.Errorf("%v, ran %q; want an error and nothing", err, *ran)
	}
	for nodes, has := range map[Nodes]string{SimulatedNodes: "no-room", RealNodes: "node-ended"} {
		if _, err := Select("odd", nodes); err == nil || !strings.Contains(err.Error(), has) {
			t.Errorf("FAULT=odd: %v; want an error that lists the faults", err)
		}
		if all, err := Select("", nodes); err != nil || slices.ContainsFunc(all, func(f Fault) bool { return f.Nodes != AnyNodes && f.Nodes != nodes }) {
			t.Errorf("%v; want the faults of nodes of kind %d alone, have %v", err, nodes, all)
		}
	}
}

func TestTheSlowVersionOfTheModelWaitsInALineThatItsServerHas(t *testing.T) {
	server, err := os.ReadFile("../../examples/model/server.py")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(server), slowPart) != 1 {
		t.Errorf("examples/model/server.py has the line %q %d times, want once", slowPart, strings.Count(string(server), slowPart))
	}
}
