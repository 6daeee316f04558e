package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// queryTimeout bounds a question to Prometheus, which takes milliseconds.
const queryTimeout = 5 * time.Second

// errNotMonitored is the error of questions about a cluster without monitoring.
var errNotMonitored = errors.New("the cluster is not monitored: `make monitor` starts that")

// ask gets an answer of Prometheus' API. data receives the field of that name.
func (c *Cluster) ask(ctx context.Context, path string, data any) error {
	if c.processIn(c.file(prometheus+".pid")) == nil {
		return errNotMonitored
	}
	address, err := c.daemonAddress(prometheus)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking Prometheus: %w", err)
	}
	defer answer.Body.Close()
	body := struct {
		Error string
		Data  any
	}{Data: data}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return fmt.Errorf("asking Prometheus: %s: %w", answer.Status, err)
	}
	if body.Error != "" {
		return fmt.Errorf("asking Prometheus: %s", body.Error)
	}
	return nil
}

// Alert is an alert that fires.
type Alert struct {
	State       string            // firing, or pending: its condition holds, for less time than it takes
	Labels      map[string]string // alertname, severity, and what the alert is about
	Annotations map[string]string // summary and runbook
}

// Alerts returns the alerts that fire or are pending. running says whether the cluster is monitored.
func (c *Cluster) Alerts(ctx context.Context) (alerts []Alert, running bool, err error) {
	var data struct{ Alerts []Alert }
	err = c.ask(ctx, "alerts", &data)
	if errors.Is(err, errNotMonitored) {
		return nil, false, nil
	}
	return data.Alerts, true, err
}

// Series are the values of one combination of labels over time.
type Series struct {
	Labels map[string]string `json:"metric"`
	Points []Point           `json:"values"`
}

// Point is a value at a time, in seconds since 1970.
type Point struct{ Seconds, Value float64 }

// UnmarshalJSON reads a point as Prometheus writes it: [1700000000, "3.5"].
func (p *Point) UnmarshalJSON(text []byte) error {
	var value string
	if err := json.Unmarshal(text, &[]any{&p.Seconds, &value}); err != nil {
		return err
	}
	var err error
	p.Value, err = strconv.ParseFloat(value, 64)
	return err
}

// Range returns the values of a query over a time, one for each step.
func (c *Cluster) Range(ctx context.Context, query string, begin, end time.Time, step time.Duration) ([]Series, error) {
	var data struct{ Result []Series }
	err := c.ask(ctx, "query_range?"+url.Values{
		"query": {query}, "start": {begin.Format(time.RFC3339)}, "end": {end.Format(time.RFC3339)}, "step": {fmt.Sprint(step.Seconds())},
	}.Encode(), &data)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	return data.Result, nil
}
