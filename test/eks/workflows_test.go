package eks

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"tfserving/components/delivery"
	"tfserving/rehearsal/emulator"
	"tfserving/test/emulated"
)

// otherCalls need no permission in a workflow's policy. The rehearsal pushes images and imports a certificate with the
// deployer's credentials, which in an account a build and a person do; IAM allows sts:GetCallerIdentity to everyone.
var otherCalls = []string{"ecr:PutImage", "acm:ImportCertificate", "sts:GetCallerIdentity"}

// wantAllowed fails the test for each action that the deployer called and that a workflow's policy does not name. It does not
// look at resources and conditions: package test/privilege does.
func (r *rehearsal) wantAllowed(t *testing.T, what string, events []emulator.Event, policies ...func(delivery.Account) (string, error)) {
	t.Helper()
	allowed := slices.Clone(otherCalls)
	for _, policy := range policies {
		text, err := policy(delivery.Account{Partition: "aws", ID: emulated.AccountID, Region: r.settings.Region, Project: "tfserving"})
		if err != nil {
			t.Fatal(err)
		}
		var document struct{ Statement []struct{ Action []string } }
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		for _, s := range document.Statement {
			allowed = append(allowed, s.Action...)
		}
	}
	calls := map[string]int{}
	for _, e := range events {
		if e.Who == r.aws.AdminARN() && e.Service != "eks-auth" { // eks-auth: the API server has a token reviewed
			calls[e.Service+":"+e.Action]++
		}
	}
	if len(calls) < 10 {
		t.Errorf("%s calls only %v", what, calls)
	}
	for _, action := range slices.Sorted(maps.Keys(calls)) {
		if !slices.Contains(allowed, action) {
			t.Errorf("%s calls %[3]s %[2]d times; the workflow's policy does not allow it", what, calls[action], action)
		}
	}
	t.Logf("%s calls %d actions", what, len(calls))
}

// deployRoleSuffices compares the deploy role's policies with all calls of the rehearsal.
func deployRoleSuffices(t *testing.T, r *rehearsal) {
	r.wantAllowed(t, "making and ending a stack", r.aws.Journal(), delivery.ReadPolicy, func(a delivery.Account) (string, error) {
		return delivery.DeployPolicy(a, r.stack, nil)
	})
}

// previewRoleSuffices compares the preview role's policy with the calls of the journal from number since.
func (r *rehearsal) previewRoleSuffices(t *testing.T, since int) {
	t.Helper()
	r.wantAllowed(t, "comparing a stack", r.aws.Journal()[since:], func(a delivery.Account) (string, error) {
		return delivery.PreviewPolicy(a, nil)
	})
}
