package preflight

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestTheErrorForAnAccountWithoutTheRoleOfSpotHasTheCommandThatMakesIt(t *testing.T) {
	newSignedInAWS(t, refuse(http.StatusNotFound, "NoSuchEntity", "The role with name AWSServiceRoleForEC2Spot cannot be found."))
	wantError(t, CheckSpotRole(t.Context(), region), "looking for the role of spot instances", "AWSServiceRoleForEC2Spot",
		"aws iam create-service-linked-role --aws-service-name spot.amazonaws.com")
}

func TestAnAccountWithTheRoleOfSpotPasses(t *testing.T) {
	newSignedInAWS(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><RoleName>AWSServiceRoleForEC2Spot</RoleName></Role></GetRoleResult></GetRoleResponse>`)
	})
	if err := CheckSpotRole(t.Context(), region); err != nil {
		t.Error(err)
	}
}

func TestCredentialsThatMayNotLookForTheRoleOfSpotPass(t *testing.T) {
	newSignedInAWS(t, refuse(http.StatusForbidden, "AccessDenied", "not authorized to perform: iam:GetRole"))
	if err := CheckSpotRole(t.Context(), region); err != nil {
		t.Error(err)
	}
}

func TestASearchForTheRoleOfSpotEnds(t *testing.T) {
	newSignedInAWS(t, neverAnswer(t))
	wantError(t, within(t, 5*time.Second, func() error { return checkSpotRole(t.Context(), region, 200*time.Millisecond) }), "no answer within 200ms")
}
