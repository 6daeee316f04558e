package gameday

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Pager receives Alertmanager's messages on loopback, as a paging service would.
type Pager struct {
	URL    string
	server *http.Server
	mu     sync.Mutex
	firing map[string]bool      // by alert: whether its last message said that it fires
	paged  map[string]time.Time // by alert: when the last message of that came
}

// message is the part of Alertmanager's webhook message that counts here.
type message struct {
	Status      string // firing or resolved
	GroupLabels map[string]string
	Alerts      []struct {
		Status string
		Labels map[string]string
	}
}

// StartPager starts a pager on a free port of loopback.
func StartPager() (*Pager, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the pager: %w", err)
	}
	p := &Pager{URL: "http://" + listener.Addr().String(), firing: map[string]bool{}, paged: map[string]time.Time{}}
	p.server = &http.Server{Handler: http.HandlerFunc(p.receive), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // ends at Close
	return p, nil
}

// Close ends the pager.
func (p *Pager) Close() { _ = p.server.Close() }

func (p *Pager) receive(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range m.Alerts {
		name := a.Labels["alertname"]
		p.firing[name] = m.Status == "firing"
		if a.Status == "firing" {
			p.paged[name] = time.Now()
		}
	}
}

// fires says whether the last message about an alert says that it fires.
func (p *Pager) fires(alert string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.firing[alert]
}

// since returns the alerts that paged after a time, sorted.
func (p *Pager) since(begin time.Time) (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, at := range p.paged {
		if at.After(begin) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
