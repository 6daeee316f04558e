package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tfserving/components/gateway"
	"tfserving/components/modelserver"
	"tfserving/embedded"
	"tfserving/embedded/traffic"
	"tfserving/examples"
)

// answerTimeout is the longest time to wait for an answer: longer than the example's gateway waits for a prediction (20 s) and
// a picture (5 s), so that the gateway's own error is seen.
const answerTimeout = 30 * time.Second

// tolerance is the largest difference between a score and TensorFlow's own that rounding explains.
const tolerance = 1e-5

// traffic sends requests for a prediction at a constant rate and reports what happened to each. One that failed is an error.
func (s *pulumiStack) traffic(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("traffic", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // people set RPS, FOR and URL of the Makefile, not these flags
	rate := flags.Int("rps", 10, "requests per second")
	length := flags.String("for", "1m", "how long")
	address := flags.String("url", "", "the gateway's URL")
	picture := flags.String("picture", filepath.Join(s.dir, "traffic.svg"), "file that receives the picture of the run")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: RPS is a whole number of requests per second", err)
	}
	run := traffic.Run{Rate: *rate, Timeout: answerTimeout}
	var err error
	if run.For, err = time.ParseDuration(*length); err != nil {
		return fmt.Errorf("FOR=%s is not a length of time: give one such as 90s or 5m", *length)
	}
	look := s.lookAtCluster
	if *address == "" {
		if run.URL, err = s.trafficURL(ctx); err != nil {
			return err
		}
		if scores, err := examples.Prediction(s.archive(examples.Model)); err == nil {
			run.Check = traffic.CheckScores(scores, tolerance)
		}
	} else {
		run.URL, look = *address, nil
	}
	target, err := url.Parse(run.URL)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
		return fmt.Errorf("URL=%s is no URL of a gateway: give one such as http://127.0.0.1:8080", run.URL)
	}
	if strings.Trim(target.Path, "/") == "" {
		target.Path = "/predict"
	}
	run.URL = target.String()
	// The picture is in the request, so that the gateway need not reach another server.
	if run.Body, err = json.Marshal(map[string]string{"url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(examples.Picture)}); err != nil {
		return err
	}
	fmt.Printf("%d requests a second for %s to %s (Ctrl-C ends it)\n", run.Rate, run.For, run.URL)
	report, err := traffic.Watch(ctx, run, look, os.Stdout)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s", report)
	var drawn strings.Builder
	if err := report.Draw(&drawn); err == nil { // a run of a second has no picture
		if err := os.WriteFile(*picture, []byte(drawn.String()), 0o644); err != nil {
			return fmt.Errorf("writing the picture: %w", err)
		}
		fmt.Printf("picture: %s\n", *picture)
	}
	if failed := report.Failed(); failed > 0 {
		return fmt.Errorf("%d of %d requests failed", failed, len(report.Answers))
	}
	return nil
}

// trafficURL returns the URL of the gateway of a stack on this machine. Traffic to any other must be asked for by URL.
func (s *pulumiStack) trafficURL(ctx context.Context) (string, error) {
	const advice = "name the URL of a gateway: make traffic URL=http://127.0.0.1:8080"
	if !s.embedded() {
		return "", errors.New(advice)
	}
	out, err := s.command(ctx, "pulumi", "stack", "output", "gatewayUrl", "--stack", s.name).Output()
	if err != nil {
		return "", fmt.Errorf("stack %s has no gateway (`make up STACK=%s` makes it); or %s", s.name, s.name, advice)
	}
	found := strings.TrimSpace(string(out))
	if strings.HasSuffix(found, ".invalid") {
		return "", fmt.Errorf("the pods of stack %s are simulated, so nothing answers at %s; %s", s.name, found, advice)
	}
	return found, nil
}

// lookAtCluster returns the state of the stack's embedded cluster.
func (s *pulumiStack) lookAtCluster(ctx context.Context) (traffic.Cluster, error) {
	client, err := s.cluster().Client()
	if err != nil {
		return traffic.Cluster{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	state, err := embedded.Observe(ctx, client, s.settings.Namespace)
	if err != nil {
		return traffic.Cluster{}, err
	}
	c := traffic.Cluster{Nodes: state.Nodes}
	if w := state.Of(gateway.Component); w != nil {
		c.Gateways, c.GatewayCPU = w.Running, w.Reading()
	}
	if w := state.Of(modelserver.Component); w != nil {
		c.Models, c.ModelCPU = w.Running, w.Reading()
	}
	return c, nil
}
