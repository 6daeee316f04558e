package traffic

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// watch sends traffic to a server and returns the report and what was printed.
func watch(t *testing.T, run Run, handler http.HandlerFunc) (*Report, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	run.URL, run.Body = server.URL, []byte(`{}`)
	var out strings.Builder
	report, err := Watch(context.Background(), run, nil, &out)
	if err != nil {
		t.Fatal(err)
	}
	return report, out.String()
}

func TestEveryRequestIsAccountedForByReason(t *testing.T) {
	var n atomic.Int64
	run := Run{Rate: 50, For: 2 * time.Second, Timeout: 5 * time.Second, Check: CheckScores([]float64{1, 2}, 1e-5)}
	report, _ := watch(t, run, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(gatewayPodHeader, "gateway-a")
		i := n.Add(1)
		switch i % 10 {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, `{"error": "calling the model server: UNAVAILABLE: ipv4:10.0.0.%d:8500"}`, i)
		case 2:
			_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the client has gone
			<-r.Context().Done()
		case 3:
			panic(http.ErrAbortHandler)
		case 4:
			fmt.Fprint(w, `{"a": 1, "b": 2.1}`)
		default:
			w.Header().Set(modelPodHeader, fmt.Sprintf("model-%d", i%2))
			fmt.Fprint(w, `{"b": 2.000001, "a": 1}`)
		}
	})
	failures, total := report.Failures(), len(report.Answers)
	want := []string{"503 Service Unavailable, calling the model server: UNAVAILABLE", "no answer in time", "EOF", "wrong answer: another prediction than TensorFlow's own"}
	for _, reason := range want {
		if n := failures[reason]; n < total/10 || n > total/10+1 {
			t.Errorf("%d of %d requests failed with %q, want a tenth", n, total, reason)
		}
	}
	if len(failures) != len(want) {
		t.Errorf("the reasons are %v, want %q", failures, want)
	}
	if pods := report.ByModelPod(); pods["model-0"]+pods["model-1"] != total-report.Failed() {
		t.Errorf("of %d requests with %d failures, %v were answered", total, report.Failed(), pods)
	}
	for _, part := range []string{"requests FAILED", "gateway-a", "model-1"} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("the verdict lacks %q:\n%s", part, report)
		}
	}
	var picture strings.Builder
	if err := report.Draw(&picture); err != nil || !strings.Contains(picture.String(), "answers a second by model pod") {
		t.Errorf("the picture is %.200s (%v)", picture.String(), err)
	}
}

// With a closed loop, a slow server would get fewer requests, and the report would look better than it was for callers.
func TestSlowAnswersDelayNoOtherRequest(t *testing.T) {
	const together = 40
	var open atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if open.Add(1) == together {
			stop()
		}
		<-ctx.Done() // nothing is answered before
	}))
	defer server.Close()
	var out strings.Builder
	report, err := Watch(ctx, Run{URL: server.URL, Rate: 50, For: 30 * time.Second, Timeout: 20 * time.Second}, nil, &out)
	stop()
	if err != nil || report.Failed() > 0 || len(report.Answers) < together {
		t.Errorf("while nothing was answered, %d requests came (%v):\n%s%s", open.Load(), err, out.String(), report)
	}
}

func TestStoppingEndsARunWithoutAFailure(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) }))
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer stop()
	var out strings.Builder
	report, err := Watch(ctx, Run{URL: server.URL, Rate: 100, For: time.Minute, Timeout: 5 * time.Second}, nil, &out)
	if err != nil || report.Failed() > 0 || len(report.Answers) == 0 {
		t.Errorf("the report is %v (%v)", report, err)
	}
}

func TestARunHasBounds(t *testing.T) {
	for _, run := range []Run{{Rate: 0, For: time.Second}, {Rate: MaxRate + 1, For: time.Second}, {Rate: 1}, {Rate: 1, For: 2 * MaxTime}} {
		var sent atomic.Int64
		if err := Send(context.Background(), run, &sent, func(Answer) {}); err == nil || sent.Load() > 0 {
			t.Errorf("%+v sent %d requests (%v)", run, sent.Load(), err)
		}
	}
}

func TestTheTimeOfFailuresIsReported(t *testing.T) {
	r := &Report{Answers: []Answer{{Sent: 1, Latency: 1}, {Sent: 4, Latency: 9, Failure: "EOF"}, {Sent: 2, Latency: 3, Failure: "EOF"}, {Sent: 20, Latency: 1}}}
	if first, last := r.FailingTime(); first != 2 || last != 13 {
		t.Errorf("failures are from %d to %d, want 2 to 13", first, last)
	}
	if gap := r.LongestGap(); gap != 19 {
		t.Errorf("the longest gap is %d, want 19", gap)
	}
	r.Add(Answer{Sent: 50, Latency: 3, Failure: "EOF"})
	if gap := r.LongestGap(); gap != 32 {
		t.Errorf("the longest gap is %d, want the 32 from the last right answer to the end", gap)
	}
}
