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

// verdict is what a request must meet with.
type verdict int

const (
	refused verdict = iota
	allowed
	// open is allowed, and would better not be: the row says what keeps it so. It is here so that the list of what a role
	// may do beyond its work is whole, and whoever closes it is told to move it.
	open
)

// values are a request's condition keys. The region is added where a row does not name one.
type values map[string]string

// request is something that a role may be used for.
type request struct {
	what     string
	want     verdict
	actions  []string // each is asked for on its own
	resource string
	with     values
}

// taking is an attempt to get a role's credentials.
type taking struct {
	what string
	want verdict
	by   string // a service, or an ARN
	with values
}

// asked is one question to the simulator, in its terms.
type asked struct {
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

// keyPolicy is what KMS gives a key that is made without a policy of its own: the account's IAM policies decide. Without it,
// none would.
const keyPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}]}`

// weighed asks a simulator of IAM about every request, and about every way to take a role.
func (s *policies) weighed(t *testing.T, managed map[string]string) {
	var all []asked
	for _, name := range slices.Sorted(maps.Keys(s.roles)) {
		r := s.roles[name]
		requests, ways := requestsOf(name), takings(name, r)
		if len(requests) == 0 || len(ways) == 0 {
			t.Errorf("no request or no way to take it is known of role %s", name)
		}
		for _, one := range requests {
			for _, action := range one.actions {
				all = append(all, asked{
					Policies: r.permissions(managed), Principal: roleARN(name), Action: action, Resource: one.resource,
					Context: one.with, want: one.want, title: name + ": " + action + ": " + one.what,
				})
				if strings.HasPrefix(one.resource, arnOf("kms", "key/")) {
					all[len(all)-1].Trust = json.RawMessage(keyPolicy)
				}
			}
		}
		for _, one := range ways {
			actions := []string{"sts:AssumeRole"}
			switch {
			case r.serviceAccount != "":
				actions = append(actions, "sts:TagSession") // which EKS Pod Identity does with it
			case one.by == githubProvider:
				actions = []string{"sts:AssumeRoleWithWebIdentity"}
			}
			for _, action := range actions {
				all = append(all, asked{
					Trust: json.RawMessage(strings.ReplaceAll(r.trust, githubKeys, simulatedKeys)), Principal: one.by, Action: action, Resource: roleARN(name),
					Context: one.with, want: one.want, title: "taking " + name + ": " + action + ": " + one.what,
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
			// The request is one that cannot be made, so its answer means nothing.
			t.Errorf("%s: the action has no condition keys %v", a.title, got.Ignored)
		case got.Allowed && a.want == refused:
			t.Errorf("%s: is allowed on %s", a.title, a.Resource)
		case !got.Allowed && a.want == open:
			t.Errorf("%s: is refused by now: the row belongs to what must be refused", a.title)
		case !got.Allowed && a.want == allowed:
			t.Errorf("%s: is refused on %s", a.title, a.Resource)
		case a.want == open:
			t.Logf("left open: %s", a.title)
		}
	}
	t.Logf("%d requests", len(all))
}

// permissions are all of a role's identity policies.
func (r *grantee) permissions(managed map[string]string) []namedPolicy {
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

func simulate(t *testing.T, all []asked) []answer {
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
		t.Fatalf("asking the simulator of IAM: %v: %s", err, errorText(out, err))
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(all) {
		t.Fatalf("the simulator of IAM answers %d of %d requests (%v)", len(answers), len(all), err)
	}
	return answers
}
