package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// The issue is closed once the stack has not drifted. The next drift gets a new issue.
func TestADriftedStackHasOneOpenIssue(t *testing.T) {
	hub, env := start(t)
	night := func(stack, body string) {
		t.Helper()
		changes := `{"same":3}`
		if body != "" {
			changes = `{"same":2,"update":1}`
		}
		record := file(t, `{"sequence":1,"summaryEvent":{"maybeCorrupt":false,"durationSeconds":1,"resourceChanges":`+changes+"}}\n")
		if err := run(t.Context(), []string{"drift", "-stack", stack, "-record", record, "-body", file(t, report(body))}, env, nil); err != nil {
			t.Fatal(err)
		}
	}
	state := func() (all []string) {
		for _, i := range hub.issues {
			_, text, _ := strings.Cut(i.Body, "\n")
			all = append(all, i.State+": "+text)
		}
		return all
	}
	for i, step := range []struct{ stack, body, want string }{
		{"dev", "", "[]"},
		{"dev", "a tag", "[open: a tag]"},
		{"dev", "two tags", "[open: two tags]"},
		{"prod", "a rule", "[open: two tags open: a rule]"},
		{"dev", "", "[closed: two tags open: a rule]"},
		{"dev", "", "[closed: two tags open: a rule]"},
		{"dev", "again", "[closed: two tags open: a rule open: again]"},
	} {
		night(step.stack, step.body)
		if got := fmt.Sprint(state()); got != step.want {
			t.Fatalf("night %d: %s, want %s", i+1, got, step.want)
		}
	}
	if n := len(hub.issues[0].comments); n != 1 {
		t.Errorf("the closed issue has %d comments, want one that says why", n)
	}
}

// longestName is the maximum length of a stack's name in characters (Pulumi, tokens.ParseStackName).
const longestName = 100

func TestAReportOfMaximumLengthFitsIntoTheIssueOfAStackWithTheLongestName(t *testing.T) {
	hub, env := start(t)
	record := file(t, `{"summaryEvent":{"resourceChanges":{"update":1}}}`)
	body := file(t, report(strings.Repeat("x", maxBody-len(report("")))))
	long := strings.Repeat("n", longestName-1)
	for range 2 {
		for _, stack := range []string{long + "1", long + "2", "x"} {
			if err := run(t.Context(), []string{"drift", "-stack", stack, "-record", record, "-body", body}, env, nil); err != nil {
				t.Fatalf("stack %s: %v", stack, err)
			}
		}
	}
	if n := len(hub.issues); n != 3 {
		t.Errorf("three stacks have %d issues", n)
	}
}

// The engine and make report made these records and reports of stack dev in emulated AWS.
func TestRecordsOfTheEngineShowWhetherAStackHasDrifted(t *testing.T) {
	const recorded = "../../report/testdata/"
	for name, want := range map[string]string{"none": "false <nil>", "drift": "true <nil>", "failed": "false the refresh failed: "} {
		packed, err := os.Open(recorded + name + ".jsonl.gz")
		if err != nil {
			t.Fatal(err)
		}
		defer packed.Close()
		unpacked, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		drifted, err := hasDrifted(file(t, string(text)))
		if got := fmt.Sprint(drifted, " ", err); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if text, err := os.ReadFile(recorded + name + ".md"); err != nil || !strings.HasPrefix(string(text), reportMarker+"\n") {
			t.Errorf("the report of %s does not begin with %s (%v)", name, reportMarker, err)
		}
	}
}

func TestARecordOfAFailedRefreshChangesNoIssue(t *testing.T) {
	for name, c := range map[string]struct{ record, want string }{
		"empty":     {"", "has no end"},
		"cut":       {`{"sequence":1,"summaryEvent":{"resou`, "reading the record"},
		"broken":    {`{"sequence":1,"resourcePreEvent":{"metadata":{"op":"refresh"}}}`, "has no end"},
		"a failure": {`{"diagnosticEvent":{"severity":"error","message":"no credentials"}}` + "\n" + `{"summaryEvent":{"resourceChanges":{}}}`, "no credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			hub, env := start(t)
			err := run(t.Context(), []string{"drift", "-stack", "dev", "-record", file(t, c.record), "-body", file(t, "x")}, env, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(hub.requests) > 0 {
				t.Errorf("the error is %v after the requests %v", err, hub.requests)
			}
		})
	}
}
