package gameday

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
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

// page sends a message to a pager, as Alertmanager does.
func page(t *testing.T, p *Pager, status, alert string) {
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
		Runbook: runbookPage, Pager: p, Out: &bytes.Buffer{},
		Shell: func(ctx context.Context, script string) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			*ran = append(*ran, strings.TrimSpace(script))
			return after(p, strings.TrimSpace(script))
		},
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
			page(t, p, "firing", "ThingGone")
			page(t, p, "firing", "ThingFull")
		case "repair thing":
			page(t, p, "resolved", "ThingFull")
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
	if table := Table(results); !strings.Contains(table, "| `full` | a thing is full | `ThingFull` | 0 s | 0 s | `ThingGone` |") {
		t.Errorf("the table is\n%s", table)
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
	if _, err := g.Play(t.Context(), []Fault{testFault, testFault}); err == nil || !slices.Equal(*ran, want) {
		t.Errorf("after an error: %v, ran %q, want %q", err, *ran, want)
	}
}

func TestAFaultWithoutCommandsInTheRunbookIsRefusedBeforeTheFirstChange(t *testing.T) {
	g, ran := newGame(t, func(*Pager, string) error { return nil })
	unknown := Fault{Name: "odd", Alert: "Odd"}
	if _, err := g.Play(t.Context(), []Fault{testFault, unknown}); err == nil || len(*ran) > 0 {
		t.Errorf("%v, ran %q; want an error and nothing", err, *ran)
	}
	if _, err := Select("odd"); err == nil || !strings.Contains(err.Error(), "no-room") {
		t.Errorf("FAULT=odd: %v; want an error that lists the faults", err)
	}
}
