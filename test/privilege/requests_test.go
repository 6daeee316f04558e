package privilege

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// verdict is the answer that a request must get.
type verdict int

const (
	refused verdict = iota
	allowed
	// open is allowed although the role does not need it. The row says why. These rows complete the list of what a role may do
	// beyond its work; the test fails if one of them becomes refused, so that the row is moved.
	open
)

// values are a request's condition keys. A row without a region gets the stack's.
type values map[string]string

// request is a call with a role's permissions.
type request struct {
	what     string
	want     verdict
	actions  []string // the simulator gets each one separately
	resource string
	with     values
}

// assumption is an attempt to assume a role.
type assumption struct {
	what string
	want verdict
	by   string // a service, or an ARN
	with values
}

// simulation is the input of the simulator for one call.
type simulation struct {
	Policies  []namedPolicy   `json:"policies"`
	Trust     json.RawMessage `json:"trust,omitempty"`
	Principal string          `json:"principal"`
	Action    string          `json:"action"`
	Resource  string          `json:"resource"`
	Account   string          `json:"account"`
	Context   values          `json:"context"`

	title string
	want  verdict
}

type namedPolicy struct {
	Name   string          `json:"name"`
	Policy json.RawMessage `json:"policy"`
}

// keyPolicy is the policy that KMS gives a key that is made without one: the account's IAM policies decide who may use the key.
const keyPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}]}`

// simulated compares every request, and every attempt to assume a role, with the answer of a simulator of IAM.
func (s *policies) simulated(t *testing.T, managed map[string]string) {
	var all []simulation
	for _, name := range slices.Sorted(maps.Keys(s.roles)) {
		r := s.roles[name]
		requests, attempts := requestsOf(name), assumptions(name, r)
		if len(requests) == 0 || len(attempts) == 0 {
			t.Errorf("the test has no requests or no assumptions for role %s", name)
		}
		for _, one := range requests {
			for _, action := range one.actions {
				all = append(all, simulation{
					Policies: r.permissions(managed), Principal: roleARN(name), Action: action, Resource: one.resource,
					Context: one.with, want: one.want, title: name + ": " + action + ": " + one.what,
				})
				if strings.HasPrefix(one.resource, arnOf("kms", "key/")) {
					all[len(all)-1].Trust = json.RawMessage(keyPolicy)
				}
			}
		}
		for _, one := range attempts {
			actions := []string{"sts:AssumeRole"}
			switch {
			case r.serviceAccount != "":
				actions = append(actions, "sts:TagSession") // EKS Pod Identity calls both
			case one.by == githubProvider:
				actions = []string{"sts:AssumeRoleWithWebIdentity"}
			}
			for _, action := range actions {
				all = append(all, simulation{
					Trust: json.RawMessage(strings.ReplaceAll(r.trust, githubKeys, simulatedKeys)), Principal: one.by, Action: action, Resource: roleARN(name),
					Context: one.with, want: one.want, title: "assuming " + name + ": " + action + ": " + one.what,
				})
			}
		}
	}
	for i, a := range all {
		context := values{"aws:RequestedRegion": region}
		maps.Copy(context, a.Context)
		all[i].Context, all[i].Account = context, account
		if a.Policies == nil {
			all[i].Policies = []namedPolicy{}
		}
	}
	answers := simulate(t, all)
	for i, a := range all {
		got := answers[i]
		switch {
		case got.Error != "":
			t.Errorf("%s: on %s: %s", a.title, a.Resource, got.Error)
		case len(got.Ignored) > 0:
			// The request is impossible, so the answer has no meaning.
			t.Errorf("%s: the action has no condition keys %v", a.title, got.Ignored)
		case got.Allowed && a.want == refused:
			t.Errorf("%s: is allowed on %s", a.title, a.Resource)
		case !got.Allowed && a.want == open:
			t.Errorf("%s: is refused now: change the row to refused", a.title)
		case !got.Allowed && a.want == allowed:
			t.Errorf("%s: is refused on %s", a.title, a.Resource)
		case a.want == open:
			t.Logf("open: %s", a.title)
		}
	}
	t.Logf("%d requests", len(all))
}

// permissions are the identity policies of a role.
func (r *role) permissions(managed map[string]string) []namedPolicy {
	all := []namedPolicy{}
	for name, text := range r.inline {
		all = append(all, namedPolicy{name, json.RawMessage(text)})
	}
	for _, arn := range r.managed {
		all = append(all, namedPolicy{arn[strings.LastIndex(arn, "/")+1:], json.RawMessage(managed[arn])})
	}
	return all
}

type answer struct {
	Allowed bool
	Ignored []string
	Error   string
}

func simulate(t *testing.T, all []simulation) []answer {
	t.Helper()
	node, home := ensureSimulator(t)
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(simulatorDir, "simulate.cjs"), home)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running the simulator of IAM: %v: %s", err, errorText(out, err))
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(all) {
		t.Fatalf("the simulator of IAM answers %d of %d requests (%v)", len(answers), len(all), err)
	}
	return answers
}
