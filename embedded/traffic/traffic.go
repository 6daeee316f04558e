// Package traffic sends real HTTP requests at a constant rate and accounts for each of them. The rate does not depend on the
// answers (open loop), so a slow answer delays no other request.
package traffic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Bounds of a run. They keep a run by mistake short and small.
const (
	MaxRate = 500 // requests per second
	MaxTime = time.Hour
	// maxOpen is the most requests that wait for an answer at the same time. A run that reaches it is no longer at a constant
	// rate, and says so.
	maxOpen = 2000
)

// Run describes constant traffic: POST requests of one body to one URL.
type Run struct {
	URL     string
	Body    []byte // JSON
	Rate    int    // requests per second
	For     time.Duration
	Timeout time.Duration // of one request; a request without an answer then has failed
	// Check returns an error if the body of an answer with status 200 is wrong. Nil accepts every body.
	Check func(body []byte) error
}

// Answer is what happened to one request.
type Answer struct {
	Sent    time.Duration // since the beginning
	Latency time.Duration
	Failure string // why the request failed; empty is an answer with status 200 whose body is right
	// Pods and images that answered, where the answer says so: the example's images do.
	GatewayPod, GatewayImage, ModelPod, ModelImage string
}

// Headers of an answer by the example's gateway.
const (
	gatewayPodHeader   = "X-Gateway-Pod"
	gatewayImageHeader = "X-Gateway-Image"
	modelPodHeader     = "X-Model-Pod"
	modelImageHeader   = "X-Model-Image"
)

// Send sends the traffic and calls each, which must be quick, with every answer and every failure. It returns when each request
// that it sent has one. Sent counts the requests as they are sent. An ended context stops the sending, which is no error.
func Send(ctx context.Context, run Run, sent *atomic.Int64, each func(Answer)) error {
	switch {
	case run.Rate < 1 || run.Rate > MaxRate:
		return fmt.Errorf("a rate of %d requests per second is not from 1 to %d", run.Rate, MaxRate)
	case run.For <= 0 || run.For > MaxTime:
		return fmt.Errorf("a run of %s is not longer than 0 and at most %s", run.For, MaxTime)
	}
	attacker := vegeta.NewAttacker(vegeta.Timeout(run.Timeout), vegeta.MaxWorkers(maxOpen), vegeta.Redirects(vegeta.NoFollow))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	targeter := func(t *vegeta.Target) error {
		t.Method, t.URL, t.Body = http.MethodPost, run.URL, run.Body
		t.Header = http.Header{"Content-Type": {"application/json"}}
		sent.Add(1)
		return nil
	}
	begin := time.Now()
	for result := range attacker.Attack(targeter, vegeta.Rate{Freq: run.Rate, Per: time.Second}, run.For, "") {
		each(answerOf(result, begin, run.Check))
	}
	return nil
}

func answerOf(r *vegeta.Result, begin time.Time, check func([]byte) error) Answer {
	a := Answer{Sent: max(0, r.Timestamp.Sub(begin)), Latency: r.Latency,
		GatewayPod: r.Headers.Get(gatewayPodHeader), GatewayImage: r.Headers.Get(gatewayImageHeader),
		ModelPod: r.Headers.Get(modelPodHeader), ModelImage: r.Headers.Get(modelImageHeader)}
	switch {
	case r.Code == 0:
		a.Failure = connectionFailure(r.Error)
	case r.Code != http.StatusOK:
		a.Failure = statusFailure(int(r.Code), r.Body)
	case r.Error != "": // the connection ended inside the body
		a.Failure = connectionFailure(r.Error)
	case check != nil:
		if err := check(r.Body); err != nil {
			a.Failure = "wrong answer: " + err.Error()
		}
	}
	return a
}

// connectionFailure returns the cause at the end of an error of Go's HTTP client, without the addresses before it, so that
// equal causes are one reason.
func connectionFailure(text string) string {
	if strings.Contains(text, "Client.Timeout") {
		return "no answer in time"
	}
	parts := strings.Split(text, ": ")
	return parts[len(parts)-1]
}

// statusFailure returns the status and the beginning of the error in the body of the example's gateway.
func statusFailure(code int, body []byte) string {
	reason := fmt.Sprintf("%d %s", code, http.StatusText(code))
	var said struct{ Error string }
	if json.Unmarshal(body, &said) != nil || said.Error == "" {
		return reason
	}
	parts := strings.SplitN(said.Error, ": ", 3) // what the gateway did, and gRPC's name of the error; the rest has addresses
	return reason + ", " + strings.Join(parts[:min(2, len(parts))], ": ")
}

// CheckScores returns a check for the answers of the example's gateway: one number for each class, in the order of the names
// of the classes. Numbers may differ by tolerance.
func CheckScores(want []float64, tolerance float64) func([]byte) error {
	return func(body []byte) error {
		got, err := Scores(body)
		if err != nil {
			return err
		}
		if len(got) != len(want) {
			return fmt.Errorf("%d scores, want %d", len(got), len(want))
		}
		for i := range want {
			if difference := got[i] - want[i]; difference > tolerance || difference < -tolerance {
				return errors.New("another prediction than TensorFlow's own")
			}
		}
		return nil
	}
}
