package eks

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"tfserving/components/delivery"
	"tfserving/rehearsal/emulator"
)

// nobodysCalls are what the rehearsal itself does in the deployer's name: a build pushes images, and people have
// certificates; and what nobody can be denied.
var nobodysCalls = []string{"ecr:PutImage", "acm:ImportCertificate", "sts:GetCallerIdentity"}

// allows fails for each call of the deployer's that a policy of the workflows names no action for. Resources and conditions
// are weighed elsewhere (TestLeastPrivilege): here the engine and the plugins tell which actions there are.
func (r *rehearsal) allows(t *testing.T, what string, policy func(delivery.Account) (string, error), events []emulator.Event) {
	t.Helper()
	text, err := policy(delivery.Account{Partition: "aws", ID: account, Region: r.settings.Region, Project: "tfserving"})
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	allowed := slices.Clone(nobodysCalls)
	for _, s := range document.Statement {
		allowed = append(allowed, s.Action...)
	}
	calls := map[string]int{}
	for _, e := range events {
		if e.Who == r.aws.AdminARN() && e.Service != "eks-auth" { // that is the API server, which has a token reviewed
			calls[e.Service+":"+e.Action]++
		}
	}
	if len(calls) < 10 {
		t.Errorf("%s asks AWS only %v", what, calls)
	}
	for _, action := range slices.Sorted(maps.Keys(calls)) {
		if !slices.Contains(allowed, action) {
			t.Errorf("%s asks AWS %d times for %s, which the workflow's role may not", what, calls[action], action)
		}
	}
	t.Logf("%s asks AWS for %d actions", what, len(calls))
}

// workflowsSuffice holds the deploying role to all that the story did.
func workflowsSuffice(t *testing.T, r *rehearsal) {
	r.allows(t, "making and ending a stack", func(a delivery.Account) (string, error) {
		return delivery.DeployPolicy(a, r.stack, nil)
	}, r.aws.Journal())
}

// previewsSuffice holds the reading role to what a preview and a refresh asked since an event of the journal.
func (r *rehearsal) previewsSuffice(t *testing.T, since int) {
	t.Helper()
	r.allows(t, "comparing a stack", func(a delivery.Account) (string, error) {
		return delivery.PreviewPolicy(a, nil)
	}, r.aws.Journal()[since:])
}
