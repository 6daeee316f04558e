package emulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxBody is the maximum size of a request in bytes. The largest requests have policy documents and user data of some KiB.
const maxBody = 16 << 20

// front handles every call: this package answers EKS, the parameters of its images and Prometheus, moto the rest.
func (a *AWS) front(own http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_emulator/") {
			own.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		event := Event{Time: start}
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		a.serve(recorder, r, &event)
		event.Status, event.Duration = recorder.status, time.Since(start)
		a.journal.add(event)
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (a *AWS) serve(w http.ResponseWriter, r *http.Request, event *Event) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, event, restJSON, &refusal{http.StatusBadRequest, "RequestEntityTooLarge", err.Error()})
		return
	}
	s, who, failure := a.identify(r, body)
	p := restJSON // for a request whose service is unknown
	var c *call
	if s != nil {
		event.Who = s.accessKey
		if c, err = readCall(r, s.scope, body); err != nil {
			refuse(w, event, p, &refusal{http.StatusBadRequest, "InvalidSignatureException", err.Error()})
			return
		}
		p = c.protocol
		event.Service, event.Action, event.Params = c.prefix(), c.action, c.journalParams()
	}
	if failure != nil {
		refuse(w, event, p, failure)
		return
	}
	event.Who = who.ARN
	switch {
	case c.service == "eks":
		a.serveOwn(w, r, c, who, event, routes)
	case c.service == "aps":
		a.serveOwn(w, r, c, who, event, prometheusRoutes)
	case c.service == "ssm" && answersParameter(c):
		a.serveParameter(w, r, c, who, event)
	default:
		a.serveMoto(w, r, c, who, event, s.presigned)
	}
}

func refuse(w http.ResponseWriter, event *Event, p protocol, failure *refusal) {
	event.Error = failure.Error()
	failure.write(w, p)
}

// serveMoto passes a call to moto, which checks signature and permission again. Moto cannot check permissions that depend on
// the resource or on conditions, so such a call is signed by the emulator's own user.
func (a *AWS) serveMoto(w http.ResponseWriter, r *http.Request, c *call, who *key, event *Event, presigned bool) {
	if presigned {
		refuse(w, event, c.protocol, &refusal{http.StatusBadRequest, "InvalidRequest", "the emulator accepts presigned URLs only as EKS tokens"})
		return
	}
	decision, err := a.authorize(r.Context(), c, who)
	if err != nil {
		refuse(w, event, c.protocol, &refusal{http.StatusInternalServerError, "InternalFailure", "the emulator could not check permissions: " + err.Error()})
		return
	}
	if !decision.allowed {
		refuse(w, event, c.protocol, accessDenied(c.protocol, decision.reason))
		return
	}
	if failure := a.dependencies(r.Context(), c); failure != nil {
		refuse(w, event, c.protocol, failure)
		return
	}
	if failure := a.scale(r.Context(), c); failure != nil {
		refuse(w, event, c.protocol, failure)
		return
	}
	answer, body, err := a.forward(r, c, decision.narrow)
	if err != nil {
		refuse(w, event, c.protocol, &refusal{http.StatusBadGateway, "ServiceUnavailable", fmt.Sprintf("moto does not answer: %v", err)})
		return
	}
	if answer.StatusCode < http.StatusMultipleChoices {
		a.trackKeys(r.Context(), c, body)
		a.policies.changed(c)
		a.cleanUpNAT(r.Context(), c)
		a.nameSpotRole(r.Context(), c)
		a.writeLateLog(r.Context(), c)
		body = withoutOwnTags(c, a.nats.delay(c, body, a.cfg.Times.NAT))
	}
	for name, values := range answer.Header {
		if name != "Content-Length" && name != "Connection" && name != "Transfer-Encoding" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.StatusCode)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

func (a *AWS) forward(r *http.Request, c *call, asRoot bool) (answer *http.Response, body []byte, err error) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, a.moto.url+r.URL.RequestURI(), bytes.NewReader(c.body))
	if err != nil {
		return nil, nil, err
	}
	out.Header = r.Header.Clone()
	out.Header.Del("Connection")
	out.Host = r.Host // it is signed
	if asRoot {
		if err := a.sign(r.Context(), out, c.body, c.service, c.region); err != nil {
			return nil, nil, err
		}
	}
	if c.service == "s3" {
		// moto computes a wrong signature for a query with encoded characters, which every listing of a folder has.
		err = a.moto.withoutChecks(r.Context(), func() error {
			answer, body, err = a.moto.send(out)
			return err
		})
		return answer, body, err
	}
	a.moto.gate.RLock()
	defer a.moto.gate.RUnlock()
	return a.moto.send(out)
}
