package preflight

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTheIdentityIsTheAccountAndUserOfTheCredentials(t *testing.T) {
	aws := newSignedInAWS(t, identity)
	id, err := CheckAccount(t.Context(), region, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Identity{accountID, userARN}); *id != want {
		t.Errorf("the identity is %v, want %v", *id, want)
	}
	if len(aws.requests) != 1 || !strings.Contains(aws.requests[0].Header.Get("Authorization"), keyID+"/") ||
		!strings.Contains(aws.requests[0].Header.Get("Authorization"), "/"+region+"/sts/") {
		t.Errorf("the requests are %v, want one to STS with the key and the region", aws.requests)
	}
}

func TestOnlyAllowedAccountsAreAccepted(t *testing.T) {
	newSignedInAWS(t, identity)
	for _, allowed := range [][]string{nil, {accountID}, {"999988887777", accountID}} {
		if _, err := CheckAccount(t.Context(), region, allowed); err != nil {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
	id, err := CheckAccount(t.Context(), region, []string{"999988887777", "999988886666"})
	wantError(t, err, "account "+accountID, userARN, "tfserving:aws.allowedAccountIds has only 999988887777, 999988886666", "AWS_PROFILE")
	if id != nil {
		t.Errorf("the identity is %v, want none beside the error", id)
	}
}

func TestABusyServiceIsQueriedAgain(t *testing.T) {
	setAccessKey(t)
	var requests atomic.Int32
	newFakeAWS(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) < awsAttempts {
			refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "busy")(w, r)
			return
		}
		identity(w, r)
	})
	if _, err := CheckAccount(t.Context(), region, nil); err != nil {
		t.Error(err)
	}
}

func TestARegionMustHaveTheFormOfAWSRegions(t *testing.T) {
	aws := newSignedInAWS(t, identity)
	for _, wrong := range []string{"", "europe", "eu-central", "eu-central-1a", "EU-central-1", "eu central 1"} {
		wantError(t, accountError(t, wrong), "region "+wrong, "does not have the form of an AWS region", "aws:region")
	}
	if len(aws.requests) > 0 {
		t.Error("a query was sent to AWS")
	}
	for _, right := range []string{"eu-west-3", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1", "cn-northwest-1", "ap-southeast-7"} {
		if _, err := CheckAccount(t.Context(), right, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestACancelledCheckReturnsTheCancellation(t *testing.T) {
	newSignedInAWS(t, neverAnswer(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := CheckAccount(ctx, region, nil)
	if wantError(t, err, "context canceled"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}
