package preflight

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestIdentityIsWhoTheCredentialsBelongTo(t *testing.T) {
	withKey(t)
	aws := serve(t, identity)
	id, err := CheckAccount(t.Context(), region, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Identity{accountID, userARN}); *id != want {
		t.Errorf("the identity is %v, want %v", *id, want)
	}
	if len(aws.requests) != 1 || !strings.Contains(aws.requests[0].Header.Get("Authorization"), keyID+"/") ||
		!strings.Contains(aws.requests[0].Header.Get("Authorization"), "/"+region+"/sts/") {
		t.Errorf("STS was not asked once, with the key and for the region: %v", aws.requests)
	}
}

func TestOnlyAllowedAccountsAreTaken(t *testing.T) {
	withKey(t)
	serve(t, identity)
	for _, allowed := range [][]string{nil, {accountID}, {"999988887777", accountID}} {
		if _, err := CheckAccount(t.Context(), region, allowed); err != nil {
			t.Errorf("allowed %v: %v", allowed, err)
		}
	}
	id, err := CheckAccount(t.Context(), region, []string{"999988887777", "999988886666"})
	mentions(t, err, "account "+accountID, userARN, "tfserving:aws.allowedAccountIds has only 999988887777, 999988886666", "AWS_PROFILE")
	if id != nil {
		t.Errorf("there is an identity, %v, in spite of the error", id)
	}
}

func TestAHiccupOfAWSPasses(t *testing.T) {
	withKey(t)
	var asked atomic.Int32
	serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < tries {
			refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "busy")(w, r)
			return
		}
		identity(w, r)
	})
	if _, err := CheckAccount(t.Context(), region, nil); err != nil {
		t.Error(err)
	}
}

func TestARegionMustHaveTheFormOfOne(t *testing.T) {
	withKey(t)
	aws := serve(t, identity)
	for _, wrong := range []string{"", "europe", "eu-central", "eu-central-1a", "EU-central-1", "eu central 1"} {
		_, err := CheckAccount(t.Context(), wrong, nil)
		mentions(t, err, "region "+wrong, "not named as AWS names them", "aws:region")
	}
	if len(aws.requests) > 0 {
		t.Error("AWS was asked")
	}
	for _, right := range []string{"eu-west-3", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1", "cn-northwest-1", "ap-southeast-7"} {
		if _, err := CheckAccount(t.Context(), right, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestAnInterruptedCheckSaysSo(t *testing.T) {
	withKey(t)
	serve(t, silent(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := CheckAccount(ctx, region, nil)
	if mentions(t, err, "context canceled"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}
